use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::boot::testing::judge;
use crate::cluster::NodeName;
use crate::cluster::testing::cluster;
use crate::identity::FOLDER_NAME;

fn secrets(folder: &Path, cluster: &Cluster) -> Secrets {
    Secrets::open_or_create(&folder.join(FOLDER_NAME), cluster).unwrap()
}

#[test]
fn the_number_grows_only_with_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut lab = cluster();
    let opened = secrets(folder.path(), &lab);
    let first = Description::of(&lab, &opened).unwrap();
    assert_eq!(first.generation, 1);
    assert_eq!(Description::of(&lab, &opened).unwrap(), first);
    opened.keep_description(&first.signed).unwrap();
    assert_eq!(
        Description::of(&lab, &secrets(folder.path(), &lab)).unwrap(),
        first
    );

    let mut new = lab.nodes[0].clone();
    new.name = NodeName::parse("pi5-1").unwrap();
    lab.nodes.push(new);
    let opened = secrets(folder.path(), &lab);
    let second = Description::of(&lab, &opened).unwrap();
    assert_eq!(second.generation, 2);
    assert!(second.signed.contains("\n[settings pi5-1]\n"));
    opened.keep_description(&second.signed).unwrap();
    // This run has read what was there before the second.
    let third = second.signed.replace("generation 2", "generation 3");
    assert!(opened.keep_description(&third).is_err());
}

#[test]
fn a_change_that_would_break_the_cluster_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lab = cluster();
    let opened = secrets(folder.path(), &lab);
    opened
        .keep_description(&Description::of(&lab, &opened).unwrap().signed)
        .unwrap();
    let mut without = lab.clone();
    without.nodes.pop();
    let mut moved = lab.clone();
    moved.gluster.as_mut().unwrap().mount = "/mnt/other".to_owned();
    for (changed, why) in [(without, "does not have it any more"), (moved, "mount: ")] {
        let error = Description::of_image(&changed, &secrets(folder.path(), &changed)).unwrap_err();
        assert_eq!(error.category(), Category::Refused);
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn a_node_that_has_gone_is_remembered_with_its_keys_until_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let lab = cluster();
    let opened = secrets(folder.path(), &lab);
    let name = lab.nodes.last().unwrap().name.clone();
    let key = opened.node(&name).unwrap().enrolment_key.public.clone();
    let keep = |opened: &Secrets, cluster: &Cluster| {
        let description = Description::of(cluster, opened).unwrap().signed;
        opened.keep_description(&description).unwrap();
        description
    };
    let lines = |text: &str, section: &str| {
        let (_, lines) = text.split_once(&format!("\n[{section}]\n")).unwrap();
        let lines = lines.lines().take_while(|line| !line.starts_with(['[', '-']));
        lines.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let first = keep(&opened, &lab);
    assert_eq!(lines(&first, "gone"), [""; 0]);
    let mut without = lab.clone();
    without.nodes.pop();
    for _ in 0..2 {
        let text = keep(&secrets(folder.path(), &without), &without);
        let gone = lines(&text, "gone");
        assert_eq!(gone.len(), 1);
        assert!(gone[0].starts_with(&format!("{name} 10.")), "{gone:?}");
        assert_eq!(lines(&text, "revoked_keys"), [key.as_str()]);
        without.general.timezone = "UTC".to_owned();
    }
    let back = keep(&secrets(folder.path(), &lab), &lab);
    assert_eq!(lines(&back, "gone"), [""; 0]);
    // Its stick's state from before that number is of another time.
    assert_eq!(lines(&first, "joined"), [""; 0]);
    assert_eq!(lines(&back, "joined"), [format!("{name} 4")]);
    let mut changed = lab.clone();
    changed.general.timezone = "UTC".to_owned();
    let later = keep(&secrets(folder.path(), &changed), &changed);
    assert_eq!(lines(&later, "joined"), [format!("{name} 4")]);
    // It has new keys, and the old ones open nothing again.
    assert_eq!(lines(&back, "revoked_keys"), [key.as_str()]);
    assert_eq!(lines(&later, "revoked_keys"), [key.as_str()]);
    assert!(
        !lines(&back, "enrolment_keys")
            .iter()
            .any(|line| line.ends_with(&key))
    );
}

#[test]
fn a_node_that_leaves_is_a_member_until_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let lab = cluster();
    let opened = secrets(folder.path(), &lab);
    let first = Description::of(&lab, &opened).unwrap().signed;
    opened.keep_description(&first).unwrap();
    let mut without = lab.clone();
    let node = without.nodes.pop().unwrap().name.to_string();
    let opened = secrets(folder.path(), &without);
    let leaving = Description::with_leaving(&without, &opened, &[&node]).unwrap();
    assert_eq!(lines_of_section(&leaving.signed, "leaving"), format!("{node}\n"));
    for name in [
        "nodes",
        "known_hosts",
        "enrolment_keys",
        &format!("settings {node}"),
        &format!("network {node}"),
    ] {
        assert_eq!(
            lines_of_section(&leaving.signed, name),
            lines_of_section(&first, name)
        );
    }
    assert_eq!(lines_of_section(&leaving.signed, "gone"), "");
    opened.keep_description(&leaving.signed).unwrap();
    let opened = secrets(folder.path(), &without);
    // Asked again, it still holds.
    assert_eq!(
        Description::with_leaving(&without, &opened, &[&node]).unwrap(),
        leaving
    );
    let gone = Description::of(&without, &opened).unwrap();
    assert_eq!(gone.generation, 3);
    assert_eq!(lines_of_section(&gone.signed, "leaving"), "");
    assert!(lines_of_section(&gone.signed, "gone").starts_with(&node));
    // The owner has changed their mind.
    let opened = secrets(folder.path(), &lab);
    let back = Description::of(&lab, &opened).unwrap();
    assert_eq!(Changes::between(&first, &back.signed), Changes::default());
}

#[test]
fn openssh_takes_the_signature_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let lab = cluster();
    let opened = secrets(folder.path(), &lab);
    let description = Description::of(&lab, &opened).unwrap().signed;
    let at = description.find(SIGNATURE).unwrap();
    let (text, signature) = description.split_at(at);
    let [owner, signed] = ["owner", "signed"].map(|name| folder.path().join(name));
    fs::write(&owner, opened.owner()).unwrap();
    fs::write(&signed, signature).unwrap();
    let (owner, signed) = (owner.to_str().unwrap(), signed.to_str().unwrap());
    let verify = [
        "-Y", "verify", "-f", owner, "-I", "mkimage", "-n", "mkimage", "-s", signed,
    ];
    assert!(judge("ssh-keygen", &verify, text.as_bytes()).contains("Good \"mkimage\" signature"));
    assert!(opened.has_signed(&description));
    let changed = description.replace("generation 1", "generation 2");
    let elsewhere = tempfile::tempdir().unwrap();
    let others = secrets(elsewhere.path(), &lab);
    assert!(!opened.has_signed(&changed) && !others.has_signed(&description));
    let script = "! ssh-keygen \"$@\" 2>/dev/null";
    let refused = [&["-c", script, "sh"], &verify[..]].concat();
    judge(
        "sh",
        &refused,
        text.replace("generation 1", "generation 2").as_bytes(),
    );
}

#[test]
fn a_certificate_is_for_the_enrolment_login_only() {
    let folder = tempfile::tempdir().unwrap();
    let lab = cluster();
    let opened = secrets(folder.path(), &lab);
    let certificate = opened.certificate(&lab.nodes[0].name).unwrap();
    assert_eq!(certificate, opened.certificate(&lab.nodes[0].name).unwrap());
    let path = folder.path().join("key-cert.pub");
    fs::write(&path, certificate).unwrap();
    let shown = Command::new("ssh-keygen")
        .arg("-L")
        .arg("-f")
        .arg(&path)
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for line in [
        "user certificate",
        "before 9999-12-31",
        "Key ID: \"pi4-1\"",
        "                mkimage\n",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(
        shown.contains("Critical Options: (none)") && shown.contains("Extensions: (none)"),
        "{shown}"
    );
}

#[test]
fn the_text_has_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let lab = cluster();
    let description = Description::of(&lab, &secrets(folder.path(), &lab))
        .unwrap()
        .signed;
    for secret in ["PRIVATE KEY", "topsecret", "$5$", "$6$"] {
        assert!(!description.contains(secret), "{secret}");
    }
}

#[test]
fn a_description_that_nodes_do_not_take_is_not_signed() {
    let folder = tempfile::tempdir().unwrap();
    let mut lab = cluster();
    let opened = secrets(folder.path(), &lab);
    let key = format!("ssh-rsa {}", "A".repeat(1000));
    lab.user.ssh_authorized_keys = vec![key.clone(); 240];
    let signed = Description::of(&lab, &opened).unwrap().signed;
    assert!(signed.len() <= LIMIT);
    lab.user.ssh_authorized_keys = vec![key; 270];
    let error = Description::of(&lab, &opened).unwrap_err();
    assert!(error.to_string().contains("at most 256.0 KiB"), "{error}");
    let shell = include_str!("../../firstboot/lib/description");
    assert!(shell.contains(&format!("\nDESCRIPTION_LIMIT={LIMIT}\n")));
}
