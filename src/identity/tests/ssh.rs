//! What the user's own ssh makes of the files that are written for it.

use super::*;

#[test]
fn ssh_finds_every_node_under_every_name() {
    let (_folder, path) = place();
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
    let (_folder, path) = place();
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

    let (_folder, path) = place();
    let secrets = Secrets::open_or_create(&path, &home_lab()).unwrap();
    let settings = openssh("ssh", &["-G", "-F"], &secrets.ssh_config_path(), &["pi3-1"]);
    assert!(settings.lines().any(|line| line == "user pi"));
    // -G shows this path before ssh reads it; what it makes of it stands in its log. The proxy keeps it at home.
    let log = Command::new("ssh")
        .args(["-v", "-o", "ProxyCommand=exit 1", "-F"])
        .arg(secrets.ssh_config_path())
        .arg("pi3-1")
        .output()
        .unwrap();
    let log = String::from_utf8(log.stderr).unwrap();
    // "type 3" is ED25519 (OpenSSH's sshkey.h); -1 would be a file that is not there.
    let identity = format!("identity file {} type 3", path.join("admin_key").display());
    assert!(log.contains(&identity), "{identity}\n---\n{log}");
}

/// The private keys that ssh would try, in its order.
fn tried(config: &Path) -> Vec<String> {
    openssh("ssh", &["-G", "-F"], config, &["pi4-1"])
        .lines()
        .filter_map(|line| line.strip_prefix("identityfile "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_key_of_the_users_is_kept_from_ssh_by_another() {
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
    let (_folder, path) = place();
    let secrets = Secrets::open_or_create(&path, &load_with()).unwrap();
    // ssh's -G shows paths as they are written, with doubled percent signs.
    let written = |file: PathBuf| file.display().to_string().replace('%', "%%");
    let admin = written(path.join("admin_key"));
    assert_eq!(tried(&secrets.ssh_config_path()), [admin.as_str()]);

    // He gets one of a name that ssh does not try by itself, and one that it does.
    for name in ["homelab", "id_ed25519"] {
        openssh(
            "ssh-keygen",
            &["-q", "-t", "ed25519", "-N", "", "-f"],
            &folder.join(name),
            &[],
        );
    }
    fs::remove_file(folder.join("id_ed25519.pub")).unwrap();
    // A colleague's: there is nothing to log in with.
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
    let own = ["homelab", "id_ed25519"].map(|name| written(folder.join(name)));
    assert_eq!(tried(&secrets.ssh_config_path()), [&[admin][..], &own].concat());

    let (_folder, path) = place();
    let secrets = Secrets::open_or_create(&path, &cluster).unwrap();
    assert_eq!(tried(&secrets.ssh_config_path()), own);
}

#[test]
fn a_folder_that_ssh_cannot_be_told_of_is_refused() {
    let folder = tempfile::Builder::new().prefix("a${HOME}").tempdir().unwrap();
    let text = refusal(&folder.path().join(FOLDER_NAME), &home_lab());
    assert!(text.contains("ssh cannot be told"), "{text}");
}

#[test]
fn a_user_whose_key_has_a_name_of_its_own_gets_in_too() {
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
