//! Looking for new images at the publisher.

use mkimage::base::{BaseRequest, Catalog, HashSource, Sha256, refresh};
use mkimage::error::Result;
use mkimage::progress::Progress;

use crate::fixture::{Cache, Messages, image, read_all};
use test_support::server::{Reply, Request, Served, Server};

const NEW: &str = "2027-01-12-raspios-trixie-arm64-lite.img.xz";
const NEXT: &str = "2027-08-01-raspios-forky-arm64-lite.img.xz";
const PINNED: &str = "2026-10-06-raspios-trixie-arm64-lite.img.xz";

/// Starts a publisher with three images that gives `sum` for the built-in one.
fn publisher(sum: &'static str) -> Server {
    Server::start(move |request| publish(request, sum))
}

fn publish(request: &Request, sum: &str) -> Reply {
    let host = request.header("host").unwrap();
    let sha256 = Sha256::of(&image());
    let item = |file: &str| {
        format!(
            r#"{{"name": "Lite", "url": "http://{host}/images/{file}", "extract_size": 1, "image_download_size": 300000}}"#
        )
    };
    match request.target.trim_start_matches("/images/") {
        "/os_list_imagingutility_v4.json" if request.number == 0 => Reply::new(503, ""),
        "/os_list_imagingutility_v4.json" => {
            let items = [NEW, NEXT, PINNED].map(item).join(", ");
            Reply::new(
                200,
                format!(r#"{{"os_list": [{{"name": "Other", "subitems": [{items}]}}]}}"#),
            )
        }
        NEW | NEXT => Served::new(&image(), "a").answer(request),
        file => match file.strip_suffix(".sha256") {
            Some(PINNED) => Reply::new(200, format!("{sum}  {PINNED}\n")),
            Some(file) => Reply::new(200, format!("{sha256}  {file}\n")),
            None => Reply::new(404, ""),
        },
    }
}

/// A cache of somebody whose publisher `server` is.
fn cache(server: &Server) -> Cache {
    let mut cache = Cache::new();
    cache.publisher.address = server.url("");
    cache
}

fn ask(cache: &Cache, progress: &dyn Progress) -> Result<Vec<String>> {
    cache.with_options(progress, refresh)
}

#[test]
fn a_new_image_can_be_used_by_its_id_and_a_built_in_one_stays() {
    let server = publisher("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let (mut cache, messages) = (cache(&server), Messages::default());
    let added = ask(&cache, &messages).unwrap();
    assert_eq!(added, ["trixie-arm64-2027-01-12", "forky-arm64-2027-08-01"]);
    assert!(
        messages.contains("mkimage keeps 483db18a"),
        "a contradicted hash must cause a warning"
    );

    let catalog = Catalog::load(cache.path()).unwrap();
    // A newer release is known but does not become the default.
    assert_eq!(catalog.default().unwrap().id(), "trixie-arm64-2027-01-12");
    assert!(
        catalog
            .get("trixie-arm64-2026-10-06")
            .unwrap()
            .sha256
            .to_string()
            .starts_with("483db18a")
    );

    cache.allow_unsigned = true;
    for id in &added {
        let request = BaseRequest::parse(Some((id.as_ref(), id.into())), None, &catalog).unwrap();
        assert!(matches!(&request, BaseRequest::Known(entry) if entry.source == HashSource::Server));
        let base = cache.obtain(&request, &messages).unwrap();
        assert_eq!(read_all(&base), image());
    }

    assert_eq!(
        ask(&cache, &messages).unwrap(),
        [""; 0],
        "the second refresh must add nothing"
    );
    assert_eq!(Catalog::load(cache.path()).unwrap(), catalog);
}

#[test]
fn a_publisher_that_confirms_the_hashes_causes_no_warning() {
    let server = publisher("483db18a48da399b5b7022ffae9a07bc6d99daab30e593aedac09b69ff422843");
    let (cache, messages) = (cache(&server), Messages::default());
    ask(&cache, &messages).unwrap();
    assert!(!messages.contains("mkimage keeps"));
}

#[test]
fn a_login_page_instead_of_the_list_changes_nothing() {
    let server = Server::start(|_| Reply::new(200, "<html>log in</html>"));
    let cache = cache(&server);
    let error = ask(&cache, &Messages::default()).unwrap_err();
    assert_eq!(error.category().exit_code(), 5, "{error}");
    assert!(std::fs::read_dir(cache.path()).unwrap().next().is_none());
}

#[test]
fn a_list_without_checksum_files_adds_nothing() {
    let server = Server::start(|request| {
        if request.target.ends_with(".sha256") {
            return Reply::new(404, "");
        }
        publish(request, "")
    });
    let cache = cache(&server);
    assert_eq!(
        ask(&cache, &Messages::default())
            .unwrap_err()
            .category()
            .exit_code(),
        4
    );
    assert!(std::fs::read_dir(cache.path()).unwrap().next().is_none());
}

#[test]
fn an_offline_refresh_is_refused_without_a_request() {
    let server = publisher("");
    let mut cache = cache(&server);
    cache.offline = true;
    assert_eq!(
        ask(&cache, &Messages::default())
            .unwrap_err()
            .category()
            .exit_code(),
        2
    );
    assert_eq!(server.requests().len(), 0);
}
