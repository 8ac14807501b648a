//! The newest description that the running nodes have: this computer's secrets may come from an old backup.

use std::thread;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::description;
use crate::error::Result;
use crate::identity::Secrets;
use crate::progress::Progress;
use crate::ssh;

const COMMAND: &str = "sudo -n cat /etc/mkimage/description";
const TIMEOUT: Duration = Duration::from_secs(20);

/// The answers of the running nodes.
pub(crate) struct Told {
    /// The secrets with the newest description.
    pub(crate) secrets: Secrets,
    /// The names of the nodes that do not answer.
    pub(crate) silent: Vec<String>,
}

/// Returns the secrets with the newest description that a node which answers has, if it is newer than theirs and signed by the same
/// owner. Where two computers have changed the cluster, it is one that follows from both. Nothing is written.
pub(crate) fn catch_up(cluster: &Cluster, secrets: Secrets, progress: &dyn Progress) -> Result<Told> {
    let mut silent = Vec::new();
    let mut known = Vec::new();
    for (node, theirs) in ask_all(cluster, &secrets) {
        match theirs {
            None => silent.push(node),
            Some(theirs) if secrets.has_signed(&theirs) => known.push((node, theirs)),
            Some(_) => progress.warn(&format!(
                "{node} has a description that the owner of these secrets has not signed"
            )),
        }
    }
    let secrets = go_on_from(known, secrets, progress)?;
    Ok(Told { secrets, silent })
}

/// Returns the secrets with a description that follows from theirs and from all those that nodes have.
pub(super) fn go_on_from(
    mut known: Vec<(String, String)>,
    mut secrets: Secrets,
    progress: &dyn Progress,
) -> Result<Secrets> {
    let mine = description::newest_number(&secrets);
    known.sort_by_key(|(_, theirs)| description::number(theirs));
    let mut newest = secrets.description.take().unwrap_or_default();
    for (node, theirs) in known {
        let number = description::number(&theirs);
        if description::follows(&newest, &theirs) {
            continue;
        }
        if newest.is_empty() || description::follows(&theirs, &newest) {
            progress.say(&format!(
                "{node} has description {number}, and cluster.secrets has {mine}: going on from that"
            ));
            // Nothing that somebody has put behind it, and both signatures while there are two.
            let text = description::text_of(&theirs);
            newest = format!("{text}{}", secrets.sign(text)?);
        } else {
            progress.warn(&format!(
                "{node} has a description {number} that was made on another computer, or with a newer cluster.secrets; this goes on \
                 from it with this cluster file, and whatever either has shut out stays out"
            ));
            newest = description::merged(&newest, &theirs);
        }
    }
    secrets.description = Some(newest).filter(|newest| !newest.is_empty());
    Ok(secrets)
}

/// Returns the description of each node that answers.
fn ask_all(cluster: &Cluster, secrets: &Secrets) -> Vec<(String, Option<String>)> {
    let config = secrets.ssh_config_path();
    thread::scope(|scope| {
        let asked: Vec<_> = cluster
            .nodes
            .iter()
            .map(|node| {
                let asking = scope.spawn(|| ssh::run(&node.name, &config, COMMAND, b"", TIMEOUT));
                (node.name.to_string(), asking)
            })
            .collect();
        let answers = asked
            .into_iter()
            .map(|(node, asking)| (node, asking.join().ok().and_then(std::result::Result::ok)));
        answers.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::testing::cluster;
    use crate::description::Description;
    use crate::identity::FOLDER_NAME;
    use crate::progress::Silent;

    #[test]
    fn changes_of_two_computers_become_one() {
        let folder = tempfile::tempdir().unwrap();
        let open =
            |cluster: &Cluster| Secrets::open_or_create(&folder.path().join(FOLDER_NAME), cluster).unwrap();
        let lab = cluster();
        let secrets = open(&lab);
        let first = Description::of(&lab, &secrets).unwrap().signed;
        secrets.keep_description(&first).unwrap();
        // One takes a node out, and the other, which does not know, changes something else.
        let mut without = lab.clone();
        let gone = without.nodes.pop().unwrap().name.to_string();
        let theirs = Description::of(&without, &open(&lab)).unwrap().signed;
        let mut changed = lab.clone();
        changed.general.timezone = "UTC".to_owned();
        let secrets = open(&lab);
        let mine = Description::of(&changed, &secrets).unwrap().signed;
        secrets.keep_description(&mine).unwrap();
        assert!(!description::follows(&theirs, &mine) && !description::follows(&mine, &theirs));

        let node = |name: &str, signed: &str| (name.to_owned(), signed.to_owned());
        let known = vec![node("pi4-1", &theirs), node("pi4-2", &first)];
        let secrets = go_on_from(known, open(&changed), &Silent).unwrap();
        let next = Description::of(&changed, &secrets).unwrap();
        assert_eq!(next.generation, 3);
        assert!(description::follows(&next.signed, &theirs) && description::follows(&next.signed, &mine));
        // It is back by the file of this computer, but not with its old keys.
        assert!(next.signed.contains(&format!("[joined]\n{gone} 3\n")));
        secrets.keep_description(&next.signed).unwrap();
    }
}
