//! Faults in the user's own files that keep a node from booting, or from setting itself up.

use super::{UserFiles, named};
use crate::boot::config_txt;
use crate::boot::overlay::BootPath;
use crate::cluster::Node;
use crate::error::{Category, Error, Result};
use crate::release::{self, Cmdline, UserData};

/// A fault that the user may have meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file with its line, and what is wrong with it.
    pub what: String,
    pub remedy: String,
}

/// Returns the node's own command line and its place, if it has one. Fails if the Pi would not read all of it.
pub fn cmdline(node: &Node, files: &UserFiles) -> Result<Option<(Cmdline, String)>> {
    let Some((path, bytes)) = named(files, "cmdline.txt") else {
        return Ok(None);
    };
    let faulty = |fault: release::Fault| {
        let what = format!("{} {}", place(node, path, fault.line), fault.what);
        Error::new(Category::ClusterFile, what).with_remedy(fault.remedy)
    };
    let cmdline = Cmdline::parse(bytes).map_err(faulty)?;
    if cmdline.line > 1 {
        let what = "stands below a blank line, but the Pi reads only the first line";
        let remedy = "remove the blank line";
        return Err(faulty(release::Fault::new(cmdline.line, what, remedy)));
    }
    let place = place(node, path, cmdline.line);
    Ok(Some((cmdline, place)))
}

/// Returns the faults that do not keep the node from booting. Fails if its `cmdline.txt` does.
pub fn find(node: &Node, files: &UserFiles) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    if let Some((cmdline, place)) = cmdline(node, files)? {
        faults = of_cmdline(node, &cmdline, &place);
    }
    faults.extend(named(files, "user-data").and_then(|(path, bytes)| of_user_data(node, path, bytes)));
    faults.extend(named(files, "config.txt").and_then(|(path, bytes)| of_config_txt(node, path, bytes)));
    Ok(faults)
}

fn of_cmdline(node: &Node, cmdline: &Cmdline, place: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut add = |what: String, remedy: &str| {
        let (what, remedy) = (format!("{place} {what}"), remedy.to_owned());
        faults.push(Fault { what, remedy });
    };
    if cmdline.ends_with_carriage_return {
        add(
            "ends as on Windows, which becomes part of its last word".to_owned(),
            "save it with line ends of Unix (LF)",
        );
    }
    if cmdline.root().is_none() {
        add(
            format!("has no root=, so {} does not find its system", node.name),
            "add the root= word of the base's cmdline.txt",
        );
    }
    if !cmdline.grows_root() {
        add(
            format!(
                "has no word that makes the root partition grow, so it may stay too small on {}",
                node.name
            ),
            "add the word resize or init=... of the base's cmdline.txt",
        );
    }
    faults
}

fn of_user_data(node: &Node, path: &BootPath, bytes: &[u8]) -> Option<Fault> {
    let fault = UserData::parse(bytes).err()?;
    let place = place(node, path, fault.line);
    Some(Fault {
        what: format!(
            "{place} {}: cloud-init ignores the file, and {} will not set itself up",
            fault.what, node.name
        ),
        remedy: fault.remedy.to_owned(),
    })
}

fn of_config_txt(node: &Node, path: &BootPath, bytes: &[u8]) -> Option<Fault> {
    let text = String::from_utf8_lossy(bytes);
    config_txt::render(&text, node.model).map(|_| Fault {
        what: format!(
            "overlays/{}/{path} does not choose {} for all boards, so the {} runs a kernel with pages of 16 KiB, on which \
             some programs in containers do not start",
            node.name,
            config_txt::KERNEL,
            node.model.as_str()
        ),
        remedy: format!("add {} at its end, below [all]", config_txt::KERNEL),
    })
}

fn place(node: &Node, path: &BootPath, line: usize) -> String {
    format!("overlays/{}/{path}:{line}", node.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::testing::node;
    use crate::cluster::{Model, Role};

    fn found(name: &str, text: &[u8]) -> Result<Vec<String>> {
        let node = node("n1", Role::Manager, Model::Pi5, "dhcp");
        let files = vec![(BootPath::parse(name).unwrap(), text.to_vec())];
        let faults = find(&node, &files)?.into_iter();
        Ok(faults
            .map(|fault| format!("{}; {}", fault.what, fault.remedy))
            .collect())
    }

    #[test]
    fn a_command_line_that_the_pi_does_not_read_in_full_is_an_error_with_its_place() {
        for (text, line, said) in [
            (&b"root=x rootwait\nds=nocloud\n"[..], 2, "more than one line"),
            (b"\nroot=x ds=nocloud\n", 2, "below a blank line"),
            (b"\xef\xbb\xbfroot=x", 1, "byte order mark"),
            (b"r\0o\0o\0t\0", 1, "control characters"),
            (b"\xff\xfer\0", 1, "not text"),
            (b"", 1, "is empty"),
        ] {
            let error = found("CMDLINE.TXT", text).unwrap_err();
            assert_eq!(error.category(), Category::ClusterFile);
            let place = format!("overlays/n1/CMDLINE.TXT:{line} ");
            assert!(error.to_string().starts_with(&place), "{error}");
            assert!(error.to_string().contains(said), "{error}");
            assert!(error.remedy().is_some());
        }
        assert!(found("overlays/cmdline.txt", b"\0").unwrap().is_empty());
    }

    #[test]
    fn a_fault_that_stops_the_first_boot_is_named_with_place_and_remedy() {
        for (name, text, said) in [
            (
                "cmdline.txt",
                "root=x resize\r\n",
                "cmdline.txt:1 ends as on Windows",
            ),
            ("cmdline.txt", "rootwait resize\n", "cmdline.txt:1 has no root="),
            (
                "cmdline.txt",
                "root=x rootwait\n",
                "cmdline.txt:1 has no word that makes",
            ),
            (
                "User-Data",
                "\u{feff}#cloud-config\n",
                "User-Data:1 begins with a byte order mark",
            ),
            (
                "user-data",
                "# mine\n#cloud-config\n",
                "user-data:2 has #cloud-config behind",
            ),
            (
                "user-data",
                "#cloud-config\na: b: c\n",
                "user-data:2 is not valid YAML",
            ),
            ("config.txt", "[pi5]\nkernel=kernel8.img\n", "below [all]"),
        ] {
            let found = found(name, text.as_bytes()).unwrap();
            assert!(
                matches!(found.as_slice(), [one] if one.contains(said)),
                "{found:?}"
            );
        }
        for (name, text) in [
            ("cmdline.txt", "root=x ds=nocloud resize\n"),
            ("user-data", "#cloud-config\nruncmd: []\n"),
            ("config.txt", "kernel=kernel8.img\n"),
        ] {
            assert_eq!(found(name, text.as_bytes()).unwrap(), [""; 0], "{name}");
        }
    }
}
