//! GnuPG, which makes keys and signatures and judges them, in a home of its own.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::thread;

use tempfile::TempDir;

/// When most keys are made, in GnuPG's form of a time.
pub const YEAR_2025: &str = "20250101T000000";

/// When most signatures are made.
pub const YEAR_2026: &str = "20260101T000000";

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

    /// A public key, as text.
    pub fn export(&self, name: &str) -> Vec<u8> {
        self.run(YEAR_2026, &["--armor", "--export", name], b"")
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

    /// Revokes a key with the certificate that was made with it.
    pub fn revoke(&self, name: &str) {
        let path = self
            .home
            .path()
            .join(format!("openpgp-revocs.d/{}.rev", self.fingerprint(name)));
        // The colon keeps users from revoking a key by mistake.
        let certificate = fs::read_to_string(path)
            .unwrap()
            .replace("\n:-----BEGIN", "\n-----BEGIN");
        self.run(YEAR_2026, &["--import"], certificate.as_bytes());
    }

    /// What GnuPG says of a signature: the words of its status lines, such as `GOODSIG`, `VALIDSIG`, `BADSIG`.
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
            .args(["--faked-system-time", time])
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
