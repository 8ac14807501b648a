//! Base images in local files.

use std::fs;
use std::path::Path;

use mkimage::base::{
    BaseRequest, Catalog, Connection, ObtainOptions, Publisher, Sha256, Trust, VerifiedBase, obtain,
};
use mkimage::disk::read_at::ReadAt;
use mkimage::error::Result;
use mkimage::progress::Silent;

fn open(path: &Path, sha256: Option<Sha256>, cache: &Path) -> Result<VerifiedBase> {
    let request = BaseRequest::File {
        path: path.to_owned(),
        sha256,
    };
    let options = ObtainOptions {
        on_event: None,
        cache_dir: cache.to_owned(),
        catalog: &Catalog::load(cache)?,
        publisher: &Publisher::from_environment()?,
        allow_unsigned: false,
        offline: true,
        progress: &Silent,
        connection: Connection::default(),
    };
    obtain(&request, &options)
}

#[test]
fn a_file_of_unknown_hash_is_trusted_after_it_was_decoded() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("my own.img");
    fs::write(&path, "an image").unwrap();

    let base = open(&path, None, cache.path()).unwrap();
    assert_eq!(base.trust, Trust::Unknown);
    assert_eq!((&*base.name, base.size()), ("my own.img", 8));
    base.mark_decoded(cache.path()).unwrap();

    let moved = folder.path().join("moved.img");
    fs::rename(&path, &moved).unwrap();
    assert_eq!(
        open(&moved, None, cache.path()).unwrap().trust,
        Trust::DecodedBefore
    );
    fs::write(&moved, "an other").unwrap();
    assert_eq!(open(&moved, None, cache.path()).unwrap().trust, Trust::Unknown);
}

#[test]
fn a_file_with_a_hash_from_the_publishers_server_is_known() {
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
        assert_eq!(base.trust, Trust::PublishedHash);
    }
}

#[test]
fn a_file_with_another_hash_than_given_is_refused_and_kept() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.img");
    fs::write(&path, "an image").unwrap();
    let (actual, given) = (Sha256::of(b"an image"), Sha256::of(b"another image"));
    let error = open(&path, Some(given), cache.path()).unwrap_err();
    assert_eq!(error.category().exit_code(), 5);
    assert!(error.to_string().contains(&actual.to_string()), "{error}");
    assert!(error.to_string().contains(&given.to_string()), "{error}");
    assert!(path.exists());
    assert_eq!(
        open(&path, Some(actual), cache.path()).unwrap().trust,
        Trust::GivenHash
    );
}

#[test]
fn a_file_replaced_after_hashing_is_not_read() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.img");
    fs::write(&path, "the hashed one").unwrap();
    let base = open(&path, None, cache.path()).unwrap();
    fs::rename(&path, folder.path().join("away")).unwrap();
    fs::write(&path, "the wrong one!").unwrap();
    let mut bytes = vec![0; 14];
    base.file.read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(bytes, b"the hashed one");
    base.check_unchanged().unwrap();
}

#[test]
fn a_file_changed_after_hashing_is_detected() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.img");
    fs::write(&path, "an image").unwrap();
    let base = open(&path, None, cache.path()).unwrap();
    fs::write(&path, "an image, still growing").unwrap();
    assert_eq!(base.check_unchanged().unwrap_err().category().exit_code(), 5);
}

#[test]
fn a_path_that_is_not_a_file_is_an_error() {
    let cache = tempfile::tempdir().unwrap();
    for (path, what) in [
        (cache.path().to_owned(), "is not an image file"),
        (cache.path().join("missing.img"), "missing.img"),
        ("/dev/null".into(), "/dev/null"),
    ] {
        let error = open(&path, None, cache.path()).unwrap_err();
        assert_eq!(error.category().exit_code(), 2, "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert!(error.remedy().is_some());
    }
}
