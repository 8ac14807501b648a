//! GnuPG, which makes keys and signatures and judges them, in a home of its own.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::thread;

use tempfile::TempDir;

/// The time at which most keys are made, in GnuPG's form.
pub const YEAR_2025: &str = "20250101T000000";

/// The time at which most signatures are made.
pub const YEAR_2026: &str = "20260101T000000";

/// The parts of a public key. Times are in seconds since 1970.
pub struct Numbers {
    pub fingerprint: [u8; 20],
    pub made: u64,
    pub expires: u64,
    pub modulus: [u8; 256],
}

impl Numbers {
    /// Reads what GnuPG lists of a key, with colons, and the binary key.
    pub fn read(listed: &[u8], key: &[u8]) -> Self {
        let listed = str::from_utf8(listed).unwrap();
        let field = |line: &str, at| {
            let line = listed.lines().find(|found| found.starts_with(line)).unwrap();
            line.split(':').nth(at).unwrap()
        };
        let fingerprint = u128::from_str_radix(&field("fpr:", 9)[8..], 16).unwrap();
        let start = u32::from_str_radix(&field("fpr:", 9)[..8], 16).unwrap();
        Self {
            fingerprint: [&start.to_be_bytes()[..], &fingerprint.to_be_bytes()]
                .concat()
                .try_into()
                .unwrap(),
            made: field("pub:", 5).parse().unwrap(),
            expires: field("pub:", 6).parse().unwrap(),
            // After the packet's header, version, time, algorithm and the number of bits (RFC 9580, 5.5.2.2).
            modulus: key[11..267].try_into().unwrap(),
        }
    }
}

/// A GnuPG that knows no keys but those that it makes.
pub struct Gnupg {
    home: TempDir,
}

impl Default for Gnupg {
    fn default() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }
}

impl Gnupg {
    /// Makes a key without a passphrase and says its fingerprint. `expiry` as in `2y`, `never`.
    pub fn make_key(&self, name: &str, kind: &str, usage: &str, expiry: &str) -> String {
        self.run(YEAR_2025, &["--quick-gen-key", name, kind, usage, expiry], b"");
        self.fingerprint(name)
    }

    /// The fingerprint of the primary key.
    pub fn fingerprint(&self, name: &str) -> String {
        let listed = self.run(YEAR_2025, &["--with-colons", "--list-keys", name], b"");
        let listed = String::from_utf8(listed).unwrap();
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    /// The numbers of a key of RSA with 2048 bits that expires.
    pub fn numbers(&self, name: &str) -> Numbers {
        let listed = self.run(YEAR_2026, &["--with-colons", "--list-keys", name], b"");
        Numbers::read(&listed, &self.run(YEAR_2026, &["--export", name], b""))
    }

    /// A detached signature of `file`, as text.
    pub fn sign(&self, name: &str, file: &[u8]) -> Vec<u8> {
        self.sign_with(YEAR_2026, &["--armor", "-u", name], file)
    }

    /// A detached signature of `file`.
    pub fn sign_with(&self, time: &str, options: &[&str], file: &[u8]) -> Vec<u8> {
        self.run(
            time,
            &[&["--digest-algo", "SHA512"], options, &["--detach-sign"]].concat(),
            file,
        )
    }

    /// Returns GnuPG's judgement of a signature: the words of its status lines, such as `GOODSIG`, `VALIDSIG`, `BADSIG`.
    pub fn judge(&self, signature: &[u8], file: &[u8]) -> Vec<String> {
        let path = self.home.path().join("signature");
        fs::write(&path, signature).unwrap();
        let arguments = ["--status-fd", "1", "--verify", path.to_str().unwrap(), "-"];
        let output = self.output("20260601T000000", &arguments, file);
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .filter_map(|line| {
                line.strip_prefix("[GNUPG:] ")?
                    .split(' ')
                    .next()
                    .map(str::to_owned)
            })
            .collect()
    }

    /// Runs GnuPG at `time`, which must succeed, and returns what it writes.
    pub fn run(&self, time: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.output(time, arguments, input);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gpg {arguments:?}: {complaint}");
        output.stdout
    }

    fn output(&self, time: &str, arguments: &[&str], input: &[u8]) -> Output {
        // Without the mark the clock goes on, and a slow machine signs a second later.
        let stopped = format!("{time}!");
        let mut child = Command::new("gpg")
            .arg("--homedir")
            .arg(self.home.path())
            .args([
                "--quiet",
                "--batch",
                "--yes",
                "--no-tty",
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                "",
            ])
            .args(["--faked-system-time", &stopped])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        thread::scope(|scope| {
            // It may end without having read everything.
            scope.spawn(move || stdin.write_all(input));
            child.wait_with_output().unwrap()
        })
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        // Ends the agent that GnuPG has started.
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.home.path())
            .args(["--kill", "all"])
            .output();
    }
}
