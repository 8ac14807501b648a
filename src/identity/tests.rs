//! Tests of the secrets folder with the real OpenSSH.

#[cfg(unix)]
mod foreign;
mod private_place;
mod read_only;
mod ssh;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{FOLDER_NAME, Secrets};
use crate::cluster::{Cluster, Environment, load};
use crate::error::Category;

const FIXED: &str = r#"
    [user]
    name = "anna"
    ssh_authorized_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIhGQV6GbOiaMPWzjlYL2oSFsd03p1B8hWJv6TbKUFdJ anna"]
    [network]
    gateway = "192.168.1.1"
    [[node]]
    name = "pi4-1"
    model = "pi4"
    role = "manager"
    address = "192.168.1.31/24"
    [[node]]
    name = "pi4-2"
    model = "pi4"
    brick = false
"#;

/// The built-in home lab, whose user has no ssh key.
fn home_lab() -> Cluster {
    cluster(None)
}

fn cluster(text: Option<&str>) -> Cluster {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = text {
        fs::write(folder.path().join("cluster.toml"), text).unwrap();
    }
    let environment = Environment {
        folder: folder.path().to_owned(),
        home: None,
    };
    load(None, &environment)
        .unwrap_or_else(|error| panic!("{error}"))
        .cluster
}

/// Returns a path for the secrets folder, inside a folder whose name needs quoting for ssh.
fn workspace() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::Builder::new()
        .prefix("a \"b\" 100% '")
        .tempdir()
        .unwrap();
    let path = folder.path().join(FOLDER_NAME);
    (folder, path)
}

/// Runs one of OpenSSH's programs, which must be installed, and returns its output.
fn openssh(program: &str, arguments: &[&str], file: &Path, more: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .arg(file)
        .args(more)
        .output()
        .unwrap_or_else(|error| {
            panic!("{program} (Debian: openssh-client) is needed for this test: {error}")
        });
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        }
        files.push(path);
    }
    files.sort();
    files
}

/// Returns the message and remedy of the error for the folder.
fn refusal(path: &Path, cluster: &Cluster) -> String {
    let error = Secrets::open_or_create(path, cluster).unwrap_err();
    assert_eq!(error.category(), Category::Disk);
    format!("{error} / {}", error.remedy().expect("a remedy"))
}

#[test]
fn a_rebuilt_card_is_the_same_node() {
    let (_folder, path) = workspace();
    let cluster = home_lab();
    let first = Secrets::open_or_create(&path, &cluster).unwrap();
    let before: Vec<_> = files_below(&path)
        .into_iter()
        .filter(|file| file.is_file())
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect();
    let again = Secrets::open_or_create(&path, &cluster).unwrap();
    assert_eq!(first.cluster_id, again.cluster_id);
    for node in &cluster.nodes {
        assert_eq!(first.node(&node.name).unwrap(), again.node(&node.name).unwrap());
    }
    assert_eq!(first.admin_key, again.admin_key);
    assert_eq!(again.notes, <[String; 0]>::default());
    for (file, bytes) in before {
        assert_eq!(fs::read(&file).unwrap(), bytes, "{}", file.display());
    }
}

#[test]
fn no_two_nodes_or_clusters_share_a_key() {
    let cluster = home_lab();
    let (_one, one) = workspace();
    let (_two, two) = workspace();
    let mut seen = Vec::new();
    for path in [one, two] {
        let secrets = Secrets::open_or_create(&path, &cluster).unwrap();
        seen.push(secrets.cluster_id.clone());
        seen.push(secrets.admin_key.as_ref().unwrap().public.clone());
        for node in &cluster.nodes {
            let identity = secrets.node(&node.name).unwrap();
            seen.push(identity.host_key.public.clone());
            seen.push(identity.enrolment_key.public.clone());
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), count), (20, 20));
}

#[test]
fn openssh_accepts_every_key() {
    let (_folder, path) = workspace();
    let cluster = home_lab();
    let secrets = Secrets::open_or_create(&path, &cluster).unwrap();
    for node in &cluster.nodes {
        let identity = secrets.node(&node.name).unwrap();
        for (name, pair) in [
            ("host_key", &identity.host_key),
            ("enrolment_key", &identity.enrolment_key),
        ] {
            let file = path.join("nodes").join(node.name.as_str()).join(name);
            let derived = openssh("ssh-keygen", &["-y", "-f"], &file, &[]);
            assert!(derived.starts_with(&format!("{} ", pair.public)), "{derived}");
            let listed = openssh("ssh-keygen", &["-lf"], &file.with_extension("pub"), &[]);
            assert!(
                listed.starts_with("256 SHA256:") && listed.contains("(ED25519)"),
                "{listed}"
            );
            assert_eq!(fs::read_to_string(&file).unwrap(), *pair.private);
        }
    }
    let admin = secrets.admin_key.as_ref().unwrap();
    let derived = openssh("ssh-keygen", &["-y", "-f"], &admin.path, &[]);
    assert_eq!(derived.trim(), admin.public);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_a_secret() {
    use std::os::unix::fs::PermissionsExt;

    let (_folder, path) = workspace();
    let cluster = home_lab();
    Secrets::open_or_create(&path, &cluster).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for file in files_below(&path) {
        let wanted = if file.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&file), wanted, "{}", file.display());
    }
    assert_eq!(fs::read_to_string(path.join(".gitignore")).unwrap(), "*\n");

    let key = path.join("nodes/pi4-2/host_key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let secrets = Secrets::open_or_create(&path, &cluster).unwrap();
    assert_eq!((mode(&path), mode(&key)), (0o700, 0o600));
    let notes = secrets.notes.join("\n");
    assert!(
        notes.contains("host_key (mode 644); its mode is now 600") && notes.contains("mode 755"),
        "{notes}"
    );
}

#[test]
fn debug_output_never_shows_a_private_key() {
    let (_folder, path) = workspace();
    let secrets = Secrets::open_or_create(&path, &home_lab()).unwrap();
    let shown = format!("{secrets:?}");
    assert!(shown.contains("ssh-ed25519 AAAA") && !shown.contains("PRIVATE KEY"));
}

#[test]
fn processes_that_start_together_agree_on_every_key() {
    let (_folder, path) = workspace();
    let cluster = home_lab();
    let all: Vec<Secrets> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Secrets::open_or_create(&path, &cluster).unwrap()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for secrets in &all {
        assert_eq!(secrets.cluster_id, all[0].cluster_id);
        assert_eq!(secrets.known_hosts(&cluster), all[0].known_hosts(&cluster));
        assert_eq!(secrets.enrolment_keys(&cluster), all[0].enrolment_keys(&cluster));
        assert_eq!(secrets.admin_key, all[0].admin_key);
    }
}

#[test]
fn a_damaged_secret_is_refused_and_not_replaced() {
    let cluster = home_lab();
    for (file, content, part) in [
        ("cluster-id", "abc\n", "32 hexadecimal digits"),
        ("nodes/pi4-1/host_key", "", "not an OpenSSH private key"),
        (
            "nodes/pi4-1/host_key",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n",
            "is not an OpenSSH private key",
        ),
        (
            "nodes/pi4-1/host_key.pub",
            "ssh-ed25519 AAAA x\n",
            "is not the public half",
        ),
        ("admin_key", "rubbish", "is not an OpenSSH private key"),
    ] {
        let (_folder, path) = workspace();
        Secrets::open_or_create(&path, &cluster).unwrap();
        fs::write(path.join(file), content).unwrap();
        let text = refusal(&path, &cluster);
        assert!(text.contains(part) && text.contains(file), "{text}");
        assert!(!text.contains("NUL"), "the file contains no NUL: {text}");
        assert_eq!(fs::read_to_string(path.join(file)).unwrap(), content);
    }
    let (_folder, path) = workspace();
    Secrets::open_or_create(&path, &cluster).unwrap();
    fs::write(path.join("cluster-id"), [0xff]).unwrap();
    assert!(refusal(&path, &cluster).contains("it is not a text file"));
}

#[test]
fn keys_that_a_node_cannot_use_are_refused() {
    let cluster = home_lab();
    for (arguments, part) in [
        (["-t", "rsa", "-b", "2048", "-N", ""], "of type ssh-rsa"),
        (
            ["-t", "ed25519", "-a", "1", "-N", "typed by hand"],
            "has a passphrase",
        ),
    ] {
        let (_folder, path) = workspace();
        Secrets::open_or_create(&path, &cluster).unwrap();
        let key = path.join("nodes/pi4-1/host_key");
        fs::remove_file(&key).unwrap();
        openssh("ssh-keygen", &["-q", "-f"], &key, &arguments);
        assert!(refusal(&path, &cluster).contains(part));
    }
}

#[test]
fn a_lost_half_never_becomes_another_identity() {
    let cluster = home_lab();
    let (_folder, path) = workspace();
    let first = Secrets::open_or_create(&path, &cluster).unwrap();
    let public = path.join("nodes/pi4-1/host_key.pub");
    let before = fs::read(&public).unwrap();
    fs::remove_file(&public).unwrap();
    let again = Secrets::open_or_create(&path, &cluster).unwrap();
    assert_eq!(
        fs::read(&public).unwrap(),
        before,
        "an interrupted run is completed"
    );
    assert_eq!(first.known_hosts(&cluster), again.known_hosts(&cluster));

    fs::remove_file(public.with_extension("")).unwrap();
    assert!(refusal(&path, &cluster).contains("is missing, but its public half"));

    let (_folder, path) = workspace();
    Secrets::open_or_create(&path, &cluster).unwrap();
    fs::remove_file(path.join("cluster-id")).unwrap();
    assert!(refusal(&path, &cluster).contains("MKIMAGE_CLUSTER_ID"));
}

#[test]
fn leftovers_of_a_killed_process_are_removed() {
    let (_folder, path) = workspace();
    let cluster = home_lab();
    Secrets::open_or_create(&path, &cluster).unwrap();
    fs::write(path.join(".new-abc"), "half a key").unwrap();
    Secrets::open_or_create(&path, &cluster).unwrap();
    assert!(
        files_below(&path)
            .iter()
            .all(|file| !file.to_string_lossy().contains(".new-"))
    );
}

#[test]
fn a_folder_copied_through_windows_still_works() {
    let (_folder, path) = workspace();
    let cluster = home_lab();
    let first = Secrets::open_or_create(&path, &cluster).unwrap();
    for file in files_below(&path).iter().filter(|file| file.is_file()) {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, text.replace('\n', "\r\n")).unwrap();
    }
    let again = Secrets::open_or_create(&path, &cluster).unwrap();
    assert_eq!(first.cluster_id, again.cluster_id);
    for node in &cluster.nodes {
        assert_eq!(first.node(&node.name).unwrap(), again.node(&node.name).unwrap());
    }
}

#[test]
fn a_node_added_later_causes_a_note() {
    let (_folder, path) = workspace();
    let first = Secrets::open_or_create(&path, &home_lab()).unwrap();
    assert!(first.notes.join("\n").contains("keep a backup"));
    let more = "[[node]]\nname = \"pi4-1\"\nmodel = \"pi4\"\nrole = \"manager\"\n[[node]]\nname = \"pi5-1\"\nmodel = \"pi5\"\n\
                brick = false\n";
    let later = Secrets::open_or_create(&path, &cluster(Some(more))).unwrap();
    assert!(later.notes.join("\n").contains("created keys for pi5-1"));
    assert_eq!(first.cluster_id, later.cluster_id);
    assert!(
        path.join("nodes/pi4-3/host_key").exists(),
        "the keys of removed nodes are kept"
    );
}

#[test]
fn a_user_with_a_key_gets_no_admin_key() {
    let (_folder, path) = workspace();
    let with_key = cluster(Some(FIXED));
    let secrets = Secrets::open_or_create(&path, &with_key).unwrap();
    assert!(secrets.admin_key.is_none() && !path.join("admin_key").exists());

    // An existing admin key stays usable, because older cards accept no other.
    let (_folder, path) = workspace();
    Secrets::open_or_create(&path, &home_lab()).unwrap();
    let secrets = Secrets::open_or_create(&path, &with_key).unwrap();
    assert!(secrets.admin_key.is_some());
    assert!(
        fs::read_to_string(secrets.ssh_config_path())
            .unwrap()
            .contains("admin_key")
    );
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FOLDER_NAME);
    fs::write(&path, "mine").unwrap();
    assert!(Secrets::open_or_create(&path, &home_lab()).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}
