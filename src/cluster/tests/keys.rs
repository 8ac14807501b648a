//! `ssh_authorized_keys`: the keys that can log in, and private keys that must never leak.

use super::super::load;
use super::{Workspace, error_of, three_nodes};

pub(super) const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIhGQV6GbOiaMPWzjlYL2oSFsd03p1B8hWJv6TbKUFdJ anna@laptop";

/// Runs `ssh-keygen`, which must be installed, and returns the text of the public and the private key.
fn keygen(kind: &[&str]) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let status = std::process::Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-C", "two words", "-f"])
        .arg(&path)
        .args(kind)
        .status()
        .expect("ssh-keygen (Debian: openssh-client) is needed for this test");
    assert!(status.success());
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    (public.trim().to_owned(), std::fs::read_to_string(path).unwrap())
}

fn with_keys(entries: &str) -> String {
    three_nodes(&format!("[user]\nssh_authorized_keys = {entries}"))
}

fn keys_of(workspace: &Workspace, entries: &str) -> Vec<String> {
    workspace
        .load(with_keys(entries))
        .unwrap_or_else(|error| panic!("{error}"))
        .cluster
        .user
        .ssh_authorized_keys
}

#[test]
fn every_kind_of_openssh_key_is_accepted() {
    for kind in [
        ["-t", "ed25519"].as_slice(),
        &["-t", "rsa", "-b", "2048"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "521"],
    ] {
        let (public, _) = keygen(kind);
        assert_eq!(keys_of(&Workspace::new(), &format!("['{public}']")), [public]);
    }
    let security_key = "sk-ssh-ed25519@openssh.com \
        AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAICFo/k5LU8863u66YC9eUO2170QduohPURkQnbLa/dczAAAABHNzaDo= k";
    assert_eq!(
        keys_of(&Workspace::new(), &format!("['{security_key}']")),
        [security_key]
    );
}

#[test]
fn options_before_a_key_are_kept() {
    let line = format!("from=\"192.168.1.0/24\",command=\"echo hello there\" {ED25519}");
    assert_eq!(keys_of(&Workspace::new(), &format!("['{line}']")), [line]);
}

/// sshd skips such a key, and nobody could log in.
#[test]
fn a_line_that_sshd_reads_otherwise_than_its_user_is_refused() {
    let (other, _) = keygen(&["-t", "ed25519"]);
    let short_rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQClpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWl\
        paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWl";
    for (line, why, remedy) in [
        (
            format!("laptop {ED25519}"),
            "not an option of sshd",
            "write a name behind the key",
        ),
        (format!("192.168.1.5 {ED25519}"), "known_hosts", "the .pub file"),
        (
            format!("no-ptty {ED25519}"),
            "which sshd does not know",
            "did you mean",
        ),
        (
            format!("restrict pty {ED25519}"),
            "more than options",
            "write commas",
        ),
        (format!("{ED25519} {other}"), "a second key", "a line of its own"),
        (
            "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAC3Nz\n---- END SSH2 PUBLIC KEY ----".to_owned(),
            "in the form of PuTTY",
            "ssh-keygen -i -f",
        ),
        (
            "-----BEGIN PUBLIC KEY-----\nMCowBQYD\n-----END PUBLIC KEY-----".to_owned(),
            "in the form of OpenSSL",
            "ssh-keygen -i -m PKCS8 -f",
        ),
        (
            short_rsa.to_owned(),
            "RSA key of 512 bits",
            "ssh-keygen -t ed25519",
        ),
    ] {
        let workspace = Workspace::new();
        let refused = workspace.load(with_keys(&format!("['''{line}''']")));
        let text = refused.expect_err(&line).to_string();
        assert!(text.contains(why) && text.contains(remedy), "{line}: {text}");
        // A file of the user is left out with a warning.
        workspace.write("home/.ssh/id.pub", &line);
        let loaded = workspace.load(three_nodes("")).unwrap();
        assert!(loaded.cluster.user.ssh_authorized_keys.is_empty(), "{line}");
        let mut warnings = loaded.warnings.iter();
        assert!(warnings.any(|warning| warning.message.contains(why)), "{line}");
    }
}

#[test]
fn a_key_with_tabs_or_a_byte_order_mark_is_written_as_sshd_reads_it() {
    let workspace = Workspace::new();
    let tabs = ED25519.replace(' ', "\t");
    workspace.write("home/.ssh/a.pub", format!("\u{feff}restrict\t{tabs}\r\n"));
    assert_eq!(
        keys_of(&workspace, "[\"~/.ssh/a.pub\"]"),
        [format!("restrict {ED25519}")]
    );
}

#[test]
fn key_files_are_found_in_the_home_folder_and_beside_the_cluster_file() {
    let (other, _) = keygen(&["-t", "ed25519"]);
    let workspace = Workspace::new();
    workspace.write("home/.ssh/a.pub", format!("# mine\n\n{ED25519}\r\n"));
    workspace.write("team.keys", format!("{other}\n{ED25519}\n"));
    let wanted = [ED25519.to_owned(), other.clone()];
    assert_eq!(keys_of(&workspace, "[\"~/.ssh/a.pub\", \"team.keys\"]"), wanted);
    assert_eq!(keys_of(&workspace, "[\"~/.ssh/*.pub\", \"team.keys\"]"), wanted);
}

#[test]
fn the_users_keys_are_the_default_and_certificates_are_skipped() {
    let workspace = Workspace::new();
    let (other, _) = keygen(&["-t", "ed25519"]);
    workspace.write("home/.ssh/b.pub", ED25519);
    workspace.write("home/.ssh/a.pub", &other);
    workspace.write("home/.ssh/a-cert.pub", "ssh-ed25519-cert-v01@openssh.com AAAA x");
    workspace.write("home/.ssh/config", "Host x");
    workspace.write("home/.ssh/c.pub", "rubbish");
    let loaded = load(None, &workspace.environment()).unwrap();
    assert_eq!(
        loaded.cluster.user.ssh_authorized_keys,
        [other, ED25519.to_owned()]
    );
    assert_eq!(loaded.cluster.user.key_files.len(), 2);
    assert!(
        loaded
            .warnings
            .iter()
            .any(|warning| warning.message.contains("c.pub"))
    );
}

#[test]
fn a_private_key_is_refused_and_never_printed() {
    let (_, private) = keygen(&["-t", "ed25519"]);
    let body: Vec<&str> = private
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let workspace = Workspace::new();
    workspace.write("home/.ssh/id_ed25519", &private);
    let one_line = private.replace('\n', "\\n");
    for entries in [
        "[\"~/.ssh/id_ed25519\"]".to_owned(),
        format!("[\"\"\"{private}\"\"\"]"),
        format!("[\"{one_line}\"]"),
        format!("[\"{}\"]", body[0]),
        format!("\"{private}"),
        format!("[{private}]"),
        format!("\"{one_line}\""),
        format!("{{ x = \"{one_line}\" }}"),
    ] {
        let text = workspace
            .load(with_keys(&entries))
            .expect_err(&entries)
            .to_string();
        for line in &body {
            assert!(!text.contains(line), "{text}");
        }
    }
    let text = workspace
        .load(with_keys("[\"~/.ssh/id_ed25519\"]"))
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("is a private key") && text.contains(".pub"),
        "{text}"
    );
}

#[test]
fn a_key_that_cannot_be_used_is_refused_with_its_position() {
    let damaged = ED25519.replace("IIhG", "IIhh");
    let swapped = ED25519.replace("ssh-ed25519 ", "ssh-rsa ");
    let cut = ED25519.split_at(40).0;
    for (entry, part) in [
        ("missing.pub", "missing.pub cannot be read"),
        ("home", "is not a file"),
        (swapped.as_str(), "damaged ssh-rsa key"),
        (cut, "damaged ssh-ed25519 key"),
        ("ssh-dss AAAAB3NzaC1kc3M= old", "DSA"),
        ("", "neither a public key nor"),
        ("~nobody/x.pub", "cannot be read"),
    ] {
        let text = error_of(&with_keys(&format!("[\"{entry}\"]")));
        assert!(
            text.contains("cluster.toml:2:24: ") && text.contains(part),
            "{entry}: {text}"
        );
    }
    // Any 32 bytes are a valid ed25519 public key, so this is just a different key.
    assert_eq!(keys_of(&Workspace::new(), &format!("['{damaged}']")), [damaged]);
}
