//! The program refuses signatures that are not made with the built-in key.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use mkimage::base::{BaseRequest, Sha256};
use mkimage::progress::Silent;
use tempfile::TempDir;
use test_support::gnupg::{Gnupg, YEAR_2026};
use test_support::server::{Reply, Server};

use crate::fixture::{Cache, read_all};

/// The key that is built in.
const BUILT_IN: &[u8] = include_bytes!("../signature/raspberry-pi-signing-key.asc");

/// Its fingerprint (RFC 9580, 5.2.3.35: version first).
const FINGERPRINT: [u8; 21] = [
    4, 0x54, 0xc3, 0xdd, 0x61, 0x0d, 0x9d, 0x1b, 0x4a, 0xf8, 0x2a, 0x37, 0x75, 0x87, 0x38, 0xcd, 0x6b, 0x95,
    0x6f, 0x46, 0x0c,
];

/// Seconds from 1970 to 2026.
const IN_2026: u32 = 1_767_225_600;

/// A signature that claims to be made with the built-in key. Only the key's number in it is made up.
#[derive(Clone)]
struct Forged {
    kind: u8,
    key_algorithm: u8,
    hash_algorithm: u8,
    made: Option<u32>,
    /// Another sub-packet, its type first.
    more: Vec<u8>,
}

const FORGED: Forged = Forged {
    kind: 0,
    key_algorithm: 1,
    hash_algorithm: 10,
    made: Some(IN_2026),
    more: Vec::new(),
};

impl Forged {
    fn bytes(&self) -> Vec<u8> {
        let made = self.made.map(|made| [&[2][..], &made.to_be_bytes()].concat());
        let issuer = [&[33][..], &FINGERPRINT].concat();
        let mut parts = Vec::new();
        for part in [made.unwrap_or_default(), issuer, self.more.clone()] {
            if !part.is_empty() {
                parts.push(u8::try_from(part.len()).unwrap());
                parts.extend(part);
            }
        }
        let length = u8::try_from(parts.len()).unwrap();
        let mut body = vec![4, self.kind, self.key_algorithm, self.hash_algorithm, 0, length];
        body.extend(parts);
        // Nothing unsigned, the start of the digest, and a number of 2047 bits.
        body.extend([0, 0, 0x12, 0x34, 7, 255, 0x7f]);
        body.extend([0x55; 255]);
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[0x89][..], &length, &body].concat()
    }
}

fn tomorrow() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u32::try_from(now.as_secs() + 86_400).unwrap()
}

/// Signatures that must be refused, each with a part of the message.
fn unsound(image: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let gnupg = Gnupg::default();
    gnupg.make_key("stranger@example.org", "rsa2048", "sign", "never");
    let stranger = gnupg.sign("stranger@example.org", image);
    let key = gnupg.run(YEAR_2026, &["--dearmor"], BUILT_IN);
    let forged = |change: fn(&mut Forged)| {
        let mut forged = FORGED;
        change(&mut forged);
        forged.bytes()
    };
    vec![
        ("its text is cut off", stranger[..stranger.len() / 2].to_vec()),
        ("not with the publisher's key", stranger),
        ("neither OpenPGP data nor text", b"\x00\xff\xff".to_vec()),
        ("something else", b"<html>log in</html>".to_vec()),
        ("it is empty", Vec::new()),
        ("more than 65536 bytes", vec![b'\n'; 70_000]),
        ("does not match the file", FORGED.bytes()),
        ("SHA-1", forged(|forged| forged.hash_algorithm = 2)),
        ("not an RSA signature", forged(|forged| forged.key_algorithm = 17)),
        ("not the signature of a file", forged(|forged| forged.kind = 1)),
        // A genuine one, of the key's own user id.
        ("not the signature of a file", key[308..651].to_vec()),
        (
            "before its key",
            forged(|forged| forged.made = Some(1_451_606_400)),
        ),
        (
            "after its key had expired",
            forged(|forged| forged.made = Some(2_000_000_000)),
        ),
        ("in the future", forged(|forged| forged.made = Some(tomorrow()))),
        (
            "it expired on",
            forged(|forged| forged.more = vec![3, 0, 0, 0, 1]),
        ),
        ("does not say when", forged(|forged| forged.made = None)),
        ("does not understand", forged(|forged| forged.more = vec![0x94])),
    ]
}

/// Runs the program for one node with a base at `server`, in an empty folder.
fn build(server: &Server, sha256: Sha256, folder: &Path, options: &[&str]) -> Output {
    let base = server.url("images/a.img.xz");
    Command::new(env!("CARGO_BIN_EXE_mkimage"))
        .args([
            "--node",
            "pi4-1",
            "--out",
            "out",
            "--sha256",
            &sha256.to_string(),
            "--base",
            base.as_str(),
        ])
        .args(options)
        .current_dir(folder)
        .env("HOME", folder)
        .env("MKIMAGE_CACHE_DIR", folder.join("cache"))
        .env("MKIMAGE_PUBLISHER", server.url("").as_str())
        .env("NO_PROXY", "*")
        .output()
        .unwrap()
}

/// A small image that can be built from.
fn sample() -> Vec<u8> {
    read_all(&Cache::new().obtain(&BaseRequest::Sample, &Silent).unwrap())
}

fn serve(image: Vec<u8>, signature: Option<Vec<u8>>) -> Server {
    Server::start(move |request| match &signature {
        _ if request.target.strip_suffix(".sig").is_none() => Reply::new(200, image.clone()),
        Some(signature) => Reply::new(200, signature.clone()),
        None => Reply::new(404, ""),
    })
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn unsound_signatures_end_in_exit_code_5_even_with_force() {
    let image = sample();
    let sha256 = Sha256::of(&image);
    for (why, signature) in unsound(&image) {
        let server = serve(image.clone(), Some(signature));
        let folder = folder();
        let output = build(&server, sha256, folder.path(), &["--force", "--allow-unsigned"]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(5), "{why}: {message}");
        assert!(message.contains(why), "{why}: {message}");
        assert!(!folder.path().join("out/pi4-1.img").exists(), "{why}");
    }
}

#[test]
fn a_missing_signature_ends_in_exit_code_5_unless_it_is_allowed() {
    let image = sample();
    let sha256 = Sha256::of(&image);
    let server = serve(image, None);
    let folder = folder();
    for (options, code) in [(&["--force"][..], 5), (&["--allow-unsigned"], 0)] {
        let output = build(&server, sha256, folder.path(), options);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{message}");
        assert!(message.contains("--allow-unsigned"), "{message}");
    }
    assert!(folder.path().join("out/pi4-1.img").exists());
}

#[test]
fn a_publisher_that_is_not_encrypted_is_not_asked() {
    let folder = folder();
    let output = Command::new(env!("CARGO_BIN_EXE_mkimage"))
        .args(["bases", "--refresh"])
        .env("MKIMAGE_CACHE_DIR", folder.path())
        .env("MKIMAGE_PUBLISHER", "http://mirror.example/")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("use an https URL")
    );
}
