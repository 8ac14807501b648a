//! The places in the owner's network where earlier descriptions had the nodes: one that was off has not heard of its new address, and one that does
//! not reach its router with it goes back to the old one.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;

use super::{changes, place};
use crate::cluster::NodeName;
use crate::disk::paths;
use crate::error::{Context as _, Result};
use crate::identity::Secrets;

/// The file in the secrets folder: `<node> <place>` on each line, the latest last.
const FILE: &str = "places";

/// The number of places that are kept of a node. Each that it is not at costs five seconds.
const MOST: usize = 4;

/// Writes a signed description down as the newest one, after the places that it changes.
pub(crate) fn keep(secrets: &Secrets, signed: &str) -> Result<()> {
    let before = secrets.description.as_deref().unwrap_or_default();
    let old = read(secrets.folder());
    let new = noted(&old, before, signed);
    if new != old {
        let file = secrets.folder().join(FILE);
        let doing = || format!("writing {}", file.display());
        // The secrets' own name for what a killed process leaves. Readable by the user only.
        let temporary = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(secrets.folder());
        let mut temporary = temporary.disk(doing)?;
        temporary.write_all(new.as_bytes()).disk(doing)?;
        temporary.as_file().sync_all().disk(doing)?;
        temporary
            .persist(&file)
            .map_err(|error| error.error)
            .disk(doing)?;
    }
    secrets.keep_description(signed)
}

/// Returns the other places where a node may be, the likeliest first. `ssh_config` has the one where it should be.
pub(crate) fn others(ssh_config: &Path, node: &NodeName) -> Vec<String> {
    let Some(folder) = ssh_config.parent() else {
        return Vec::new();
    };
    let config = paths::read(ssh_config).unwrap_or_default();
    let config = String::from_utf8_lossy(&config);
    let before = read(folder);
    // The folder may be somebody else's, and its words become arguments.
    let before = of(&before, node.as_str()).filter(|place| place.parse::<Ipv4Addr>().is_ok());
    let mut places: Vec<_> = before.map(ToOwned::to_owned).collect();
    places.reverse();
    places.push(node.mdns());
    places.retain(|place| !config.contains(&format!("\nHost {node}\n    HostName {place}\n")));
    places
}

fn read(folder: &Path) -> String {
    // Without it, nodes are looked for in fewer places.
    let bytes = paths::read(&folder.join(FILE)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the places of a node in the file's text.
fn of<'a>(text: &'a str, node: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.filter_map(move |(name, place)| (name == node).then_some(place))
}

/// Returns the text of the file when the description `before` is followed by `signed`.
fn noted(text: &str, before: &str, signed: &str) -> String {
    let mut noted = String::new();
    let sections = changes::sections(before);
    for name in sections.get("nodes").into_iter().flat_map(|nodes| nodes.keys()) {
        let (old, new) = (place(before, name), place(signed, name));
        let mut places: Vec<_> = of(text, name).collect();
        places.extend(old);
        let mut kept: Vec<&str> = Vec::new();
        // The latest of each.
        for place in places.into_iter().rev() {
            if Some(place) != new && !kept.contains(&place) && kept.len() < MOST {
                kept.push(place);
            }
        }
        for place in kept.into_iter().rev() {
            // Writing to a String cannot fail.
            let _ = writeln!(noted, "{name} {place}");
        }
    }
    noted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(places: &[(&str, &str)]) -> String {
        let mut text = "mkimage description 1\n[nodes]\n".to_owned();
        for (node, place) in places {
            let _ = writeln!(text, "{node} worker {place} yes 10.77.0.2 key=");
        }
        text + "[owner]\n"
    }

    #[test]
    fn a_node_is_looked_for_where_it_was_before() {
        let mut text = String::new();
        let mut before = description(&[("pi4-1", "192.0.2.1"), ("pi4-2", "192.0.2.30")]);
        for last in ["44", "45", "45", "44"] {
            let after = description(&[("pi4-1", "192.0.2.1"), ("pi4-2", &format!("192.0.2.{last}"))]);
            text = noted(&text, &before, &after);
            before = after;
        }
        assert_eq!(text, "pi4-2 192.0.2.30\npi4-2 192.0.2.45\n");

        let folder = tempfile::tempdir().unwrap();
        paths::write(&folder.path().join(FILE), (text + "pi4-2 -x\n").as_bytes()).unwrap();
        let config = folder.path().join("ssh_config");
        let pi4_2 = NodeName::parse("pi4-2").unwrap();
        let places = ["192.0.2.45", "192.0.2.30", "pi4-2.local"];
        assert_eq!(others(&config, &pi4_2), places);
        paths::write(&config, b"#\n\nHost pi4-2\n    HostName pi4-2.local\n").unwrap();
        assert_eq!(others(&config, &pi4_2), places[..2]);
    }

    #[test]
    fn the_places_of_a_node_do_not_grow_without_end() {
        let mut text = String::new();
        let mut before = String::new();
        for last in 1..20 {
            let after = description(&[("pi4-2", &format!("192.0.2.{last}"))]);
            text = noted(&text, &before, &after);
            before = after;
        }
        assert_eq!(text.lines().count(), MOST);
        assert!(text.ends_with("pi4-2 192.0.2.18\n"), "{text}");
        // Nobody looks for a node that has gone.
        assert_eq!(noted(&text, &description(&[]), &description(&[])), "");
    }
}
