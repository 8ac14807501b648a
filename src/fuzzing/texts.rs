//! Text formats: what users write, what the publisher's server lists, what nodes report, what lies on a boot partition.

use std::collections::BTreeMap;
use std::path::Path;

use url::Url;

use crate::base::{Sha256, refresh};
use crate::boot::expected::Expected;
use crate::boot::facts::BootFacts;
use crate::boot::settings::Settings;
use crate::cluster::{self, Environment, NodeName, Origin, authorized_keys as keys, interpret};
use crate::error::Result;
use crate::release::{BootFiles, Cmdline, UserData};
use crate::status;

/// The folders do not exist, so that no file of the machine has a part in it.
fn nowhere() -> Environment {
    Environment {
        folder: "/nonexistent".into(),
        home: None,
    }
}

pub(super) fn cluster_file(data: &[u8]) {
    let origin = Origin::File("/nonexistent/cluster.toml".into());
    match interpret(data, "cluster.toml".to_owned(), origin, &nowhere(), &|_| Ok(())) {
        Ok(loaded) => {
            let cluster = &loaded.cluster;
            assert!(cluster.managers().next().is_some(), "a cluster without a manager");
            for node in &cluster.nodes {
                assert_eq!(cluster.node(node.name.as_str()).unwrap().name, node.name);
            }
        }
        Err(error) => assert_eq!(error.category().exit_code(), 3, "{error}"),
    }
}

pub(super) fn authorized_keys(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(lines) = keys::parse_lines(&text) else {
        return;
    };
    for key in lines {
        assert!(!key.line.contains(char::is_control), "{:?}", key.line);
        assert_eq!(keys::parse_lines(&key.line).unwrap(), [key]);
    }
}

pub(super) fn image_list(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let publisher = Url::parse("https://downloads.raspberrypi.com/").unwrap();
    // The checksum files come from the same server.
    let checksum = |image: &Url| refresh::read_checksum(&text, image).or(Ok(Sha256::of(data)));
    for image in refresh::parse_list(&text, &publisher, &checksum).unwrap_or_default() {
        assert_eq!(image.url.origin(), publisher.origin());
        let id = image.id();
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{id}");
    }
    let image = publisher.join("a.img.xz").unwrap();
    let _ = refresh::read_checksum(&text, &image);
}

pub(super) fn catalog(data: &[u8]) {
    let Ok(catalog) = crate::base::Catalog::with_refreshed(data, Path::new("catalog.toml")) else {
        return;
    };
    let built_in = crate::base::Catalog::built_in().unwrap();
    for entry in built_in.entries() {
        assert_eq!(
            catalog.get(&entry.id()).unwrap(),
            entry,
            "a built-in image was replaced"
        );
    }
    catalog.default().unwrap();
}

pub(super) fn status_report(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let node = NodeName::parse("pi4-2").unwrap();
    if let Ok(report) = status::parse_answer(&node, &text, "00") {
        assert_eq!(report.node, "pi4-2");
        let _ = report.problem();
    }
    let _ = crate::ssh::explain(&text);
}

/// A user's own `user-data`, and the same bytes as their `cmdline.txt`.
pub(super) fn user_data(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').count();
    let faults = [UserData::parse(data).err(), Cmdline::parse(data).err()];
    for fault in faults.into_iter().flatten() {
        assert!((1..=lines).contains(&fault.line), "{fault:?} of {lines} lines");
    }
    if let Ok(user_data) = UserData::parse(data) {
        let _ = user_data.runs("mkimage/install");
    }
    if let Ok(cmdline) = Cmdline::parse(data) {
        assert!(cmdline.words().all(|word| !word.is_empty()));
        let _ = (cmdline.root(), cmdline.grows_root());
    }
}

pub(super) fn settings(data: &[u8]) {
    let settings = Settings::parse(data);
    let _ = settings.build_time();
    if let Some(node) = settings.node() {
        assert!(NodeName::parse(node.as_str()).is_ok());
    }
    let shell = settings.to_shell();
    assert_eq!(Settings::parse(shell.as_bytes()), settings, "{shell}");
}

/// A boot partition whose files are the parts of the fuzzer's bytes between zero bytes.
struct Files(BTreeMap<String, Vec<u8>>);

impl BootFiles for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(path).cloned())
    }

    fn root_names(&self) -> Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }
}

pub(super) fn boot_files(data: &[u8]) {
    let names = [
        "cmdline.txt",
        "config.txt",
        "issue.txt",
        "user-data",
        "meta-data",
        "mkimage/settings",
    ];
    let files = names.iter().zip(data.split(|byte| *byte == 0));
    let files = files.filter(|(_, bytes)| !bytes.is_empty());
    let files = files.map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
    let Ok(facts) = BootFacts::detect(&Files(files.collect())) else {
        return;
    };
    let _ = facts.require_not_a_node_image();
    let cluster = cluster::load(None, &nowhere()).unwrap().cluster;
    let _ = facts.refusals(&cluster);
    if let Ok(expected) = Expected::without_secrets(&cluster, &cluster.nodes[0], &facts, &[]) {
        for (path, bytes) in expected.known().filter(|(path, _)| *path == "cmdline.txt") {
            let lines = bytes.trim_ascii_end().split(|byte| *byte == b'\n').count();
            assert_eq!(lines, 1, "{path} has several lines");
        }
    }
}
