//! Base images in local files.

use std::fs;
use std::path::Path;

use mkimage::base::{BaseRequest, Catalog, Connection, ObtainOptions, Sha256, VerifiedBase, Vouch, obtain};
use mkimage::disk::read_at::ReadAt;
use mkimage::error::Result;
use mkimage::progress::Silent;

fn open(path: &Path, sha256: Option<Sha256>, cache: &Path) -> Result<VerifiedBase> {
    let request = BaseRequest::File {
        path: path.to_owned(),
        sha256,
    };
    let options = ObtainOptions {
        onlooker: None,
        cache_dir: cache.to_owned(),
        catalog: &Catalog::load(cache)?,
        offline: true,
        progress: &Silent,
        connection: Connection::default(),
    };
    obtain(&request, &options)
}

#[test]
fn a_file_nobody_vouches_for_is_remembered_once_it_was_decoded() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("my own.img");
    fs::write(&path, "an image").unwrap();

    let base = open(&path, None, cache.path()).unwrap();
    assert_eq!((base.vouched(), base.entry()), (Vouch::Nobody, None));
    assert_eq!((base.name(), base.size()), ("my own.img", 8));
    base.remember_sound(cache.path()).unwrap();

    let moved = folder.path().join("moved.img");
    fs::rename(&path, &moved).unwrap();
    assert_eq!(
        open(&moved, None, cache.path()).unwrap().vouched(),
        Vouch::Remembered
    );
    fs::write(&moved, "an other").unwrap();
    assert_eq!(open(&moved, None, cache.path()).unwrap().vouched(), Vouch::Nobody);
}

#[test]
fn a_file_that_the_catalog_knows_is_vouched_for_by_its_publisher() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let catalog = format!(
        "[[image]]\nrelease = \"forky\"\narch = \"arm64\"\ndate = \"2027-08-01\"\nurl = \"https://a.example/a.img.xz\"\n\
         sha256 = \"{}\"\nraw_sha256 = \"{}\"\n",
        Sha256::of(b"compressed"),
        Sha256::of(b"raw")
    );
    fs::write(cache.path().join("catalog.toml"), catalog).unwrap();
    for contents in ["compressed", "raw"] {
        let path = folder.path().join("downloaded by hand");
        fs::write(&path, contents).unwrap();
        let base = open(&path, None, cache.path()).unwrap();
        assert_eq!(base.vouched(), Vouch::Publisher);
        assert_eq!(base.entry().unwrap().id(), "forky-arm64-2027-08-01");
    }
}

#[test]
fn a_file_that_is_not_what_the_user_said_is_refused_and_left_alone() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.img");
    fs::write(&path, "an image").unwrap();
    let (is, said) = (Sha256::of(b"an image"), Sha256::of(b"another image"));
    let error = open(&path, Some(said), cache.path()).unwrap_err();
    assert_eq!(error.category().exit_code(), 5);
    assert!(error.to_string().contains(&is.to_string()), "{error}");
    assert!(error.to_string().contains(&said.to_string()), "{error}");
    assert!(path.exists());
    assert_eq!(
        open(&path, Some(is), cache.path()).unwrap().vouched(),
        Vouch::Publisher
    );
}

#[test]
fn a_file_swapped_after_it_was_hashed_is_not_read() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.img");
    fs::write(&path, "the hashed one").unwrap();
    let base = open(&path, None, cache.path()).unwrap();
    fs::rename(&path, folder.path().join("away")).unwrap();
    fs::write(&path, "the wrong one!").unwrap();
    let mut bytes = vec![0; 14];
    base.file().read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(bytes, b"the hashed one");
    base.check_unchanged().unwrap();
}

#[test]
fn a_file_written_to_after_it_was_hashed_is_noticed() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.img");
    fs::write(&path, "an image").unwrap();
    let base = open(&path, None, cache.path()).unwrap();
    fs::write(&path, "an image, still growing").unwrap();
    assert_eq!(base.check_unchanged().unwrap_err().category().exit_code(), 5);
}

#[test]
fn what_is_no_file_is_named_for_what_it_is() {
    let cache = tempfile::tempdir().unwrap();
    for (path, what) in [
        (cache.path().to_owned(), "is a folder"),
        (cache.path().join("missing.img"), "missing.img"),
        ("/dev/null".into(), "/dev/null"),
    ] {
        let error = open(&path, None, cache.path()).unwrap_err();
        assert_eq!(error.category().exit_code(), 2, "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert!(error.remedy().is_some());
    }
}
