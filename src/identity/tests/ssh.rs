//! Tests of the ssh files with the real ssh.

use super::*;

#[test]
fn ssh_finds_every_node_under_every_name() {
    let (_folder, path) = workspace();
    let cluster = cluster(Some(FIXED));
    let secrets = Secrets::open_or_create(&path, &cluster).unwrap();
    let known_hosts = path.join("known_hosts");
    let text = fs::read_to_string(&known_hosts).unwrap();
    assert_eq!(text, secrets.known_hosts(&cluster));
    let key = |at: usize| &secrets.node(&cluster.nodes[at].name).unwrap().host_key.public;
    assert_eq!(
        text,
        format!(
            "pi4-1,pi4-1.local,192.168.1.31 {}\npi4-2,pi4-2.local {}\n",
            key(0),
            key(1)
        )
    );
    for name in ["pi4-1", "pi4-1.local", "192.168.1.31", "pi4-2", "pi4-2.local"] {
        let found = openssh("ssh-keygen", &["-F", name, "-f"], &known_hosts, &[]);
        assert!(found.contains("ssh-ed25519 "), "{name}: {found}");
    }
    let expected: Vec<_> = cluster
        .nodes
        .iter()
        .map(|node| {
            format!(
                "{} {}",
                node.name,
                secrets.node(&node.name).unwrap().enrolment_key.public
            )
        })
        .collect();
    assert_eq!(
        secrets.enrolment_keys(&cluster).lines().collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn ssh_uses_the_pinned_key_and_the_right_login() {
    let (_folder, path) = workspace();
    let secrets = Secrets::open_or_create(&path, &cluster(Some(FIXED))).unwrap();
    let config = secrets.ssh_config_path();
    assert!(config.is_absolute());
    let settings = openssh("ssh", &["-G", "-F"], &config, &["pi4-1"]);
    let known_hosts = path.join("known_hosts").display().to_string();
    for line in [
        "hostname 192.168.1.31",
        "user anna",
        "hostkeyalias pi4-1",
        "stricthostkeychecking true",
        "connecttimeout 10",
        "hostkeyalgorithms ssh-ed25519",
        "updatehostkeys false",
        &format!("userknownhostsfile {known_hosts}"),
    ] {
        assert!(
            settings.lines().any(|found| found == line),
            "{line}\n---\n{settings}"
        );
    }
    let settings = openssh("ssh", &["-G", "-F"], &config, &["pi4-2"]);
    assert!(
        settings.lines().any(|line| line == "hostname pi4-2.local"),
        "{settings}"
    );

    let (_folder, path) = workspace();
    let secrets = Secrets::open_or_create(&path, &home_lab()).unwrap();
    let settings = openssh("ssh", &["-G", "-F"], &secrets.ssh_config_path(), &["pi3-1"]);
    assert!(settings.lines().any(|line| line == "user pi"));
    // -G shows the path before ssh reads the file; the log shows the result. The proxy avoids any connection.
    let log = Command::new("ssh")
        .args(["-v", "-o", "ProxyCommand=exit 1", "-F"])
        .arg(secrets.ssh_config_path())
        .arg("pi3-1")
        .output()
        .unwrap();
    let log = String::from_utf8(log.stderr).unwrap();
    // "type 3" is ED25519 (OpenSSH's sshkey.h); -1 would be a missing file.
    let identity = format!("identity file {} type 3", path.join("admin_key").display());
    assert!(log.contains(&identity), "{identity}\n---\n{log}");
}

/// Returns the private keys that ssh would try, in order.
fn keys_tried_by_ssh(config: &Path) -> Vec<String> {
    openssh("ssh", &["-G", "-F"], config, &["pi4-1"])
        .lines()
        .filter_map(|line| line.strip_prefix("identityfile "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn ssh_tries_every_key_of_the_user() {
    let home = tempfile::Builder::new().prefix("my 100% home").tempdir().unwrap();
    let folder = home.path().join(".ssh");
    fs::create_dir(&folder).unwrap();
    let load_with = || {
        let environment = Environment {
            folder: home.path().to_owned(),
            home: Some(home.path().to_owned()),
        };
        load(None, &environment).unwrap().cluster
    };
    let (_folder, path) = workspace();
    let secrets = Secrets::open_or_create(&path, &load_with()).unwrap();
    // ssh -G shows paths as written, with doubled percent signs.
    let escaped = |file: PathBuf| file.display().to_string().replace('%', "%%");
    let admin = escaped(path.join("admin_key"));
    assert_eq!(keys_tried_by_ssh(&secrets.ssh_config_path()), [admin.as_str()]);

    // The user gets a key with a name that ssh does not try by default, and one with a default name.
    for name in ["homelab", "id_ed25519"] {
        openssh(
            "ssh-keygen",
            &["-q", "-t", "ed25519", "-N", "", "-f"],
            &folder.join(name),
            &[],
        );
    }
    fs::remove_file(folder.join("id_ed25519.pub")).unwrap();
    // A colleague's public key, without the private key.
    openssh(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-f"],
        &folder.join("other"),
        &[],
    );
    fs::remove_file(folder.join("other")).unwrap();
    let cluster = load_with();
    assert_eq!(cluster.user.ssh_authorized_keys.len(), 2);
    let secrets = Secrets::open_or_create(&path, &cluster).unwrap();
    let own = ["homelab", "id_ed25519"].map(|name| escaped(folder.join(name)));
    assert_eq!(
        keys_tried_by_ssh(&secrets.ssh_config_path()),
        [&[admin][..], &own].concat()
    );

    let (_folder, path) = workspace();
    let secrets = Secrets::open_or_create(&path, &cluster).unwrap();
    assert_eq!(keys_tried_by_ssh(&secrets.ssh_config_path()), own);
}

#[test]
fn a_path_that_ssh_config_cannot_express_is_refused() {
    let folder = tempfile::Builder::new().prefix("a${HOME}").tempdir().unwrap();
    let text = refusal(&folder.path().join(FOLDER_NAME), &home_lab());
    assert!(text.contains("ssh_config cannot refer to"), "{text}");
}

#[test]
fn a_key_with_a_custom_name_can_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join(".ssh");
    fs::create_dir(&keys).unwrap();
    let private = keys.join("homelab");
    openssh(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-f"],
        &private,
        &[],
    );
    let environment = Environment {
        folder: folder.path().to_owned(),
        home: Some(folder.path().to_owned()),
    };
    let cluster = load(None, &environment).unwrap().cluster;
    let secrets = Secrets::open_or_create(&folder.path().join(FOLDER_NAME), &cluster).unwrap();
    let config = openssh("ssh", &["-G", "pi4-2", "-F"], &secrets.ssh_config_path(), &[]);
    let offered: Vec<_> = config
        .lines()
        .filter_map(|line| line.strip_prefix("identityfile "))
        .collect();
    assert_eq!(offered, [private.to_str().unwrap()]);
}
