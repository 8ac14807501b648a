//! Tests of the cluster file through `load`, as the commands use it.

mod garbled;
mod keys;
mod layout;
mod network;
pub(super) mod reference;
mod refusals;
mod sample;
mod warnings;

use std::fs;
use std::path::Path;

use super::{Environment, Loaded, load};
use crate::error::{Category, Result};

/// A folder for a cluster file, with a home folder in it.
struct Workspace {
    folder: tempfile::TempDir,
}

impl Workspace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("home/.ssh")).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).unwrap();
    }

    fn environment(&self) -> Environment {
        Environment {
            folder: self.path().to_owned(),
            home: Some(self.path().join("home")),
        }
    }

    fn load(&self, text: impl AsRef<[u8]>) -> Result<Loaded> {
        self.write("cluster.toml", text);
        load(None, &self.environment())
    }
}

/// Loads a valid file.
pub(super) fn loaded(text: &str) -> Loaded {
    Workspace::new()
        .load(text)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Loads an invalid file and returns the message.
pub(super) fn error_of(text: &str) -> String {
    let error = Workspace::new().load(text).expect_err(text);
    assert_eq!(error.category(), Category::ClusterFile, "{error}");
    error.to_string()
}

/// A file with `before`, a manager and two workers.
pub(super) fn three_nodes(before: &str) -> String {
    format!(
        "{before}\n[[node]]\nname = \"a\"\nmodel = \"pi4\"\nrole = \"manager\"\n[[node]]\nname = \"b\"\nmodel = \"pi4\"\n\
         [[node]]\nname = \"c\"\nmodel = \"pi4\"\n"
    )
}
