//! The cluster file as its user meets it: through `load`.

mod garbled;
mod keys;
mod layout;
mod reference;
mod refusals;
mod sample;
mod warnings;

use std::fs;
use std::path::Path;

use super::{Loaded, Surroundings, load};
use crate::error::{Category, Result};

/// A folder to put a cluster file in, with a home folder in it.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
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

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            folder: self.path().to_owned(),
            home: Some(self.path().join("home")),
        }
    }

    fn load(&self, text: impl AsRef<[u8]>) -> Result<Loaded> {
        self.write("cluster.toml", text);
        load(None, &self.surroundings())
    }
}

/// Loads a text that is good.
fn good(text: &str) -> Loaded {
    Desk::new().load(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Loads a text that is not, and gives the message.
fn bad(text: &str) -> String {
    let error = Desk::new().load(text).expect_err(text);
    assert_eq!(error.category(), Category::ClusterFile, "{error}");
    error.to_string()
}

/// A manager with a brick and two workers, after whatever `before` says.
fn three_nodes(before: &str) -> String {
    format!(
        "{before}\n[[node]]\nname = \"a\"\nmodel = \"pi4\"\nrole = \"manager\"\n[[node]]\nname = \"b\"\nmodel = \"pi4\"\n\
         [[node]]\nname = \"c\"\nmodel = \"pi4\"\n"
    )
}
