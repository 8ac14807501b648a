//! Images that the publisher must have signed.

use std::fs;

use crypto_bigint::{Odd, U2048};
use mkimage::base::{BaseRequest, Sha256, Trust};
use mkimage::progress::Silent;
use mkimage::signature::{Fingerprint, PublisherKey};
use test_support::gnupg::Gnupg;
use test_support::server::{Reply, Request, Served, Server};

use crate::fixture::{Cache, Messages, image, other_image, read_all};

/// The user id of the key that counts.
const PUBLISHER: &str = "publisher@example.org";

fn publisher_key(gnupg: &Gnupg) -> PublisherKey {
    let numbers = gnupg.numbers(PUBLISHER);
    PublisherKey {
        fingerprint: Fingerprint(numbers.fingerprint),
        made: numbers.made,
        expires: numbers.expires,
        modulus: Odd::new(U2048::from_be_slice(&numbers.modulus)).unwrap(),
    }
}

/// A publisher's server, the key that counts, and a cache that asks there.
struct Signed {
    gnupg: Gnupg,
    server: Server,
    cache: Cache,
}

impl Signed {
    /// The server has the image and this signature of it.
    fn new(sign: impl FnOnce(&Gnupg) -> Vec<u8>) -> Self {
        Self::answering(
            |gnupg| Some(sign(gnupg)),
            |request| Served::new(&image(), "a").answer(request),
        )
    }

    /// The server has the image and no signature of it.
    fn unsigned() -> Self {
        Self::answering(|_| None, |request| Served::new(&image(), "a").answer(request))
    }

    /// The server sends `signature` if there is one, and answers all requests for other files with `answer`.
    fn answering(
        signature: impl FnOnce(&Gnupg) -> Option<Vec<u8>>,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let gnupg = Gnupg::default();
        gnupg.make_key(PUBLISHER, "rsa2048", "sign", "10y");
        let signature = signature(&gnupg);
        let server = Server::start(move |request| match &signature {
            _ if request.target.strip_suffix(".sig").is_none() => answer(request),
            Some(signature) => Reply::new(200, signature.clone()),
            None => Reply::new(404, ""),
        });
        let mut cache = Cache::new();
        cache.publisher.address = server.url("");
        cache.publisher.key = publisher_key(&gnupg);
        Self { gnupg, server, cache }
    }

    /// A request for the image under a hash that only the server vouches for.
    fn request(&self) -> BaseRequest {
        let url = self.server.url("images/a.img.xz");
        self.cache.refreshed(&url, Sha256::of(&image()), 300_000)
    }

    fn targets(&self) -> Vec<String> {
        self.server
            .requests()
            .into_iter()
            .map(|request| request.target)
            .collect()
    }
}

fn good(gnupg: &Gnupg) -> Vec<u8> {
    gnupg.sign(PUBLISHER, &image())
}

#[test]
fn a_signed_image_is_used_again_without_the_network() {
    let mut signed = Signed::new(good);
    let trust = Trust::Signature(signed.cache.publisher.key.fingerprint);
    let base = signed.cache.obtain(&signed.request(), &Silent).unwrap();
    assert_eq!((base.trust, read_all(&base)), (trust, image()));
    let sha256 = Sha256::of(&image());
    assert_eq!(
        signed.cache.files(),
        [format!("{sha256}-a.img.xz"), format!("{sha256}.sig")]
    );
    // A missing signature is noticed before the image is downloaded for nothing.
    assert_eq!(signed.targets(), ["/images/a.img.xz.sig", "/images/a.img.xz"]);

    signed.cache.offline = true;
    assert_eq!(
        signed.cache.obtain(&signed.request(), &Silent).unwrap().trust,
        trust
    );
    assert_eq!(signed.targets().len(), 2);
}

#[test]
fn a_download_in_two_parts_is_signed_as_a_whole() {
    let signed = Signed::answering(
        |gnupg| Some(good(gnupg)),
        |request| match request.range_start() {
            None => Served::new(&image(), "a").answer(request).cut_after(100_000),
            Some(_) => Served::new(&image(), "a").answer(request),
        },
    );
    let base = signed.cache.obtain(&signed.request(), &Silent).unwrap();
    assert!(matches!(base.trust, Trust::Signature(_)));
    drop(base);

    // The same with the first part from an earlier run.
    let signed = Signed::new(good);
    fs::write(signed.cache.part(Sha256::of(&image())), &image()[..100_000]).unwrap();
    let base = signed.cache.obtain(&signed.request(), &Silent).unwrap();
    assert!(matches!(base.trust, Trust::Signature(_)));
    assert!(
        signed
            .server
            .requests()
            .iter()
            .any(|request| request.range_start() == Some(100_000))
    );
}

#[test]
fn an_image_without_a_signature_is_used_only_if_that_is_allowed() {
    let mut signed = Signed::unsigned();
    let error = signed.cache.obtain(&signed.request(), &Silent).unwrap_err();
    assert_eq!(error.category().exit_code(), 5, "{error}");
    assert!(error.remedy().unwrap().contains("--allow-unsigned"), "{error}");
    assert_eq!(signed.targets(), ["/images/a.img.xz.sig"]);
    assert_eq!(signed.cache.files(), [""; 0]);

    signed.cache.allow_unsigned = true;
    let messages = Messages::default();
    let base = signed.cache.obtain(&signed.request(), &messages).unwrap();
    assert_eq!(base.trust, Trust::PublishedHash);
    assert!(messages.contains("--allow-unsigned"));

    // The image is in the cache now, but still not signed.
    signed.cache.allow_unsigned = false;
    for (offline, code) in [(false, 5), (true, 4)] {
        signed.cache.offline = offline;
        let error = signed.cache.obtain(&signed.request(), &Silent).unwrap_err();
        assert_eq!(error.category().exit_code(), code, "{error}");
        assert!(error.remedy().unwrap().contains("--allow-unsigned"), "{error}");
    }
}

#[test]
fn a_wrong_signature_is_refused_whatever_is_allowed() {
    let wrong = |sign: fn(&Gnupg) -> Vec<u8>| {
        let mut signed = Signed::new(sign);
        signed.cache.allow_unsigned = true;
        let error = signed.cache.obtain(&signed.request(), &Silent).unwrap_err();
        assert_eq!(error.category().exit_code(), 5, "{error}");
        assert_eq!(signed.cache.files(), [""; 0], "{error}");
        error.to_string()
    };
    let message = wrong(|gnupg| gnupg.sign(PUBLISHER, &other_image()));
    assert!(message.contains("does not match the file"), "{message}");
    let message = wrong(|_| b"<html>log in</html>".to_vec());
    assert!(message.contains("not an OpenPGP signature"), "{message}");
    let message = wrong(|gnupg| {
        gnupg.make_key("stranger@example.org", "rsa2048", "sign", "never");
        gnupg.sign("stranger@example.org", &image())
    });
    assert!(message.contains("not with the publisher's key"), "{message}");
}

#[test]
fn a_busy_server_does_not_count_as_a_missing_signature() {
    let mut cache = Cache::new();
    let busy = Server::start(|_| Reply::new(503, ""));
    cache.publisher.address = busy.url("");
    cache.allow_unsigned = true;
    let request = cache.refreshed(&busy.url("a.img.xz"), Sha256::of(&image()), 300_000);
    assert_eq!(
        cache
            .obtain(&request, &Silent)
            .unwrap_err()
            .category()
            .exit_code(),
        4
    );
}

#[test]
fn a_damaged_signature_in_the_cache_is_replaced() {
    let mut signed = Signed::new(good);
    signed.cache.obtain(&signed.request(), &Silent).unwrap();
    let sha256 = Sha256::of(&image());
    let path = signed.cache.path().join(format!("{sha256}.sig"));
    let sound = fs::read(&path).unwrap();
    let of_another_file = signed.gnupg.sign(PUBLISHER, &other_image());
    for damaged in [&b"nothing"[..], &of_another_file] {
        fs::write(&path, damaged).unwrap();
        signed.cache.offline = true;
        let error = signed.cache.obtain(&signed.request(), &Silent).unwrap_err();
        assert_eq!(error.category().exit_code(), 5, "{error}");
        signed.cache.offline = false;
        let base = signed.cache.obtain(&signed.request(), &Silent).unwrap();
        assert!(matches!(base.trust, Trust::Signature(_)));
        assert_eq!(fs::read(&path).unwrap(), sound);
    }
}

#[test]
fn a_changed_cache_cannot_make_an_image_signed() {
    let mut signed = Signed::new(good);
    signed.cache.obtain(&signed.request(), &Silent).unwrap();
    // Another image under its own hash, with the signature of the genuine one.
    let (genuine, forged) = (Sha256::of(&image()), Sha256::of(&other_image()));
    let path = |name: String| signed.cache.path().join(name);
    fs::write(path(format!("{forged}-a.img.xz")), other_image()).unwrap();
    fs::copy(path(format!("{genuine}.sig")), path(format!("{forged}.sig"))).unwrap();
    let request = signed
        .cache
        .refreshed(&signed.server.url("images/a.img.xz"), forged, 300_000);
    for (offline, allow_unsigned) in [(true, false), (true, true), (false, false), (false, true)] {
        (signed.cache.offline, signed.cache.allow_unsigned) = (offline, allow_unsigned);
        let error = signed.cache.obtain(&request, &Silent).unwrap_err();
        assert_eq!(error.category().exit_code(), 5, "{error}");
    }
}

#[test]
fn an_address_of_the_publisher_needs_a_signature_and_any_other_a_hash() {
    let mut signed = Signed::new(good);
    let url = signed.server.url("images/a.img.xz");
    let sha256 = Sha256::of(&image());
    let base = signed.cache.get(&url, sha256).unwrap();
    assert!(matches!(base.trust, Trust::Signature(_)));

    signed.cache = Cache::new();
    let base = signed.cache.get(&url, sha256).unwrap();
    assert_eq!(base.trust, Trust::GivenHash);
    let asked = signed
        .targets()
        .iter()
        .filter(|target| target.strip_suffix(".sig").is_some())
        .count();
    assert_eq!(asked, 1, "a mirror was asked for a signature");

    // A hash that is built in needs neither.
    let request = signed.cache.known(&url, sha256, 300_000);
    assert_eq!(
        signed.cache.obtain(&request, &Silent).unwrap().trust,
        Trust::BuiltInHash
    );
}

#[test]
fn a_signature_beside_a_local_file_is_checked() {
    let signed = Signed::unsigned();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.img.xz");
    fs::write(&path, image()).unwrap();
    let open = |sha256| {
        let path = path.clone();
        signed.cache.obtain(&BaseRequest::File { path, sha256 }, &Silent)
    };
    assert_eq!(open(None).unwrap().trust, Trust::Unknown);

    let beside = folder.path().join("my.img.xz.sig");
    fs::write(&beside, signed.gnupg.sign(PUBLISHER, &image())).unwrap();
    for sha256 in [None, Some(Sha256::of(&image()))] {
        assert!(matches!(open(sha256).unwrap().trust, Trust::Signature(_)));
    }
    for wrong in [
        signed.gnupg.sign(PUBLISHER, b"another file"),
        b"nothing".to_vec(),
        Vec::new(),
    ] {
        fs::write(&beside, wrong).unwrap();
        for sha256 in [None, Some(Sha256::of(&image()))] {
            let error = open(sha256).unwrap_err();
            assert_eq!(error.category().exit_code(), 5, "{error}");
            assert!(error.to_string().contains("my.img.xz.sig"), "{error}");
            assert!(
                error.remedy().unwrap().contains("move its `.sig` file away"),
                "{error}"
            );
        }
    }
    fs::remove_file(&beside).unwrap();
    fs::create_dir(&beside).unwrap();
    assert_eq!(open(None).unwrap_err().category().exit_code(), 5);
}
