//! `mkimage init`: writes a cluster file to start from.

use std::io::{self, ErrorKind, Write};
use std::path::Path;

use serde_json::json;

use crate::cluster::{FILE_NAME, SAMPLE};
use crate::error::{Category, Context, Error, Result};
use crate::progress::Progress as _;
use crate::session::Session;
use crate::ui;

pub(super) fn run(session: &Session) -> Result<()> {
    let named = session.common.cluster.as_deref();
    let named = named.unwrap_or(Path::new(FILE_NAME));
    write_sample(&session.environment.folder.join(named))?;
    session
        .bars
        .say("Enter your nodes there; mkimage check shows what would be built, mkimage --all builds it.");
    if session.common.json {
        ui::json(&json!({ "cluster_file": named }))
    } else {
        ui::result(&named.display().to_string())
    }
}

/// Writes the commented cluster file atomically, without replacing an existing file.
fn write_sample(path: &Path) -> Result<()> {
    let what = || format!("writing {}", path.display());
    let refused = || {
        let what = format!("{} already exists and is not replaced", path.display());
        Error::new(Category::Refused, what).with_remedy("move it away, or use another name with --cluster")
    };
    // Broken links count too.
    if path.symlink_metadata().is_ok() {
        return Err(refused());
    }
    // Only its owner can read a temporary file, and this one may contain a Wi-Fi passphrase later.
    let mut file = tempfile::Builder::new()
        .prefix(".cluster-")
        .tempfile_in(path.parent().unwrap_or(Path::new(".")))
        // The full error names the temporary file.
        .map_err(|error| io::Error::from(error.kind()))
        .disk(what)?;
    file.write_all(SAMPLE.as_bytes()).disk(what)?;
    file.as_file().sync_all().disk(what)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(refused()),
        Err(error) => Err(error.error).disk(what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_new_cluster_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cluster.toml");
        write_sample(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_cluster_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cluster.toml");
        write_sample(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), SAMPLE);
        std::fs::write(&path, "mine").unwrap();
        let error = write_sample(&path).unwrap_err();
        assert_eq!(error.category(), Category::Refused);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left behind"
        );
    }
}
