//! Mistakes in a cluster file that must not reach an image.

use super::{Workspace, error_of, loaded, three_nodes};

/// Three nodes, with these additional lines in the second.
fn with_b(lines: &str) -> String {
    three_nodes("[network]\ngateway = \"192.168.1.1\"")
        .replace("name = \"b\"", &format!("name = \"b\"\n{lines}"))
}

#[test]
fn all_problems_are_reported_at_once_with_their_positions() {
    let text = error_of(
        "[cluster]\nnmae = \"x\"\ntimezone = 5\n[user]\nname = \"root\"\n[network]\ngateway = \"192.168.1.1\"\n\
         [[node]]\nname = \"pi4-1\"\nmodel = \"pi6\"\n[[node]]\nname = \"pi4-1\"\nmodel = \"pi4\"\nrole = \"boss\"\n\
         address = \"192.168.2.31/24\"\n",
    );
    for part in [
        "cluster.toml has 7 problems",
        "cluster.toml:2:1: unknown key \"nmae\"",
        "did you mean name?",
        "cluster.toml:3:12: invalid type: integer `5`, expected a string",
        "cluster.toml:5:8: user \"root\" is a system account",
        "cluster.toml:10:9: model \"pi6\" is not known",
        "\"cm5\"",
        "cluster.toml:12:8: name \"pi4-1\" is given to two nodes",
        "cluster.toml:14:8: role \"boss\" is not known",
        "cluster.toml:15:11: address \"192.168.2.31/24\" of pi4-1 is outside the gateway's network",
    ] {
        assert!(text.contains(part), "{part}\n---\n{text}");
    }
}

#[test]
fn a_file_full_of_problems_is_refused_quickly_and_briefly() {
    let text = error_of(&"[[node]]\nname = \"a\"\nmodel = \"pi9\"\naddress = \"x\"\n".repeat(15_000));
    assert!(
        text.contains("cluster.toml has 45000 problems"),
        "{}",
        text.lines().next().unwrap()
    );
    assert!(text.contains("... and 44975 more") && text.lines().count() < 150);
    let text = error_of(&format!("x = {}1{}", "[".repeat(20_000), "]".repeat(20_000)));
    assert!(text.lines().count() < 150);
}

#[test]
fn a_problem_shows_the_line_and_a_caret_under_the_text() {
    let text = error_of(&with_b("address = \"192.168.2.31/24\""));
    assert_eq!(
        text,
        "cluster.toml:9:11: address \"192.168.2.31/24\" of b is outside the gateway's network: 192.168.1.1 is not in \
         192.168.2.0/24\n  9 | address = \"192.168.2.31/24\"\n    |           ^^^^^^^^^^^^^^^^^\n  correct the address, \
         its prefix length, or gateway in [network]"
    );
}

#[test]
fn an_unknown_key_anywhere_is_refused() {
    for (text, known) in [
        (
            "x = 1",
            "cluster, user, network, docker, swarm, gluster, apt, updates, backup, node",
        ),
        ("[cluster]\nx = 1", "timezone"),
        ("[user]\nx = 1", "password_hash"),
        ("[network]\nx = 1", "gateway"),
        ("[network]\nwifi = { x = 1 }", "country"),
        ("[docker]\nx = 1", "source"),
        ("[swarm]\nx = 1", "default_addr_pool"),
        ("[gluster]\nx = 1", "arbiter"),
        ("[apt]\nx = 1", "mirror"),
        ("[[node]]\nx = 1", "address"),
        ("[[node]]\nbrick = { x = 1 }", "wipe"),
    ] {
        let text = error_of(&three_nodes(text));
        assert!(
            text.contains("unknown key \"x\"") && text.contains(known),
            "{text}"
        );
        assert!(
            !text.contains("has no"),
            "follow-up problems are not reported: {text}"
        );
    }
}

#[test]
fn a_list_in_place_of_a_table_is_refused() {
    for text in [
        "network = { wifi = [\"ssid\", \"passphrase\", \"DE\"] }",
        "cluster = [\"x\"]",
        "[[user]]\nname = \"x\"",
        "node = [[\"a\", \"pi4\", \"manager\"]]",
    ] {
        let text = Workspace::new().load(text).unwrap_err().to_string();
        assert!(text.contains("this is a list"), "{text}");
    }
    assert!(error_of("[node]\nname = \"a\"").contains("[[node]]"));
    assert!(error_of(&with_b("brick = [\"auto\"]")).contains("false or a table"));
}

#[test]
fn a_syntax_error_is_reported_with_its_position() {
    let text = error_of("[cluster]\nname = \"x\n[user\n");
    assert!(text.contains("cluster.toml:2:"), "{text}");
    assert!(text.contains("2 | name = \"x"), "{text}");
    let text = Workspace::new().load(b"a = 1\n# \xff\n").unwrap_err().to_string();
    assert!(
        text.contains("cluster.toml:2: this line is not valid UTF-8"),
        "{text}"
    );
}

#[test]
fn a_cluster_without_a_manager_is_refused() {
    let text = error_of(&three_nodes("").replace("role = \"manager\"", ""));
    assert!(text.contains("no node is a manager"), "{text}");
    assert!(error_of("").contains("there are no nodes"));
}

#[test]
fn addresses_that_cannot_reach_each_other_are_refused() {
    for (lines, part) in [
        ("address = \"192.168.1.2\"", "has no prefix length"),
        ("address = \"192.168.1.0/24\"", "the network itself"),
        ("address = \"192.168.1.255/24\"", "broadcast address"),
        ("address = \"192.168.1.1/24\"", "is the gateway's own"),
        (
            "address = \"127.0.0.1/8\"",
            "not an address that a machine at home",
        ),
        ("address = \"192.168.1.2/32\"", "leaves no room"),
        ("address = \"192.168.1.200/25\"", "outside the gateway's network"),
        ("address = \"auto\"", "or \"dhcp\""),
    ] {
        let text = error_of(&with_b(lines));
        assert!(text.contains(part), "{lines}: {text}");
    }
    let two = |b: &str, c: &str| {
        with_b(&format!("address = \"{b}\""))
            .replace("name = \"c\"", &format!("name = \"c\"\naddress = \"{c}\""))
    };
    let text = error_of(&two("192.168.1.2/24", "192.168.1.2/24"));
    assert!(
        text.contains("address 192.168.1.2 of c is already used by b"),
        "{text}"
    );
    let text = error_of(&two("192.168.1.2/24", "192.168.1.3/16"));
    assert!(text.contains("a different prefix length"), "{text}");
    let text = error_of(&two("192.168.1.2/24", "192.168.3.3/24").replace("gateway = \"192.168.1.1\"", ""));
    assert!(text.contains("is not in the same network"), "{text}");
}

#[test]
fn reserved_and_malformed_node_names_are_refused() {
    for name in [
        "raspberrypi",
        "local",
        "ip6-loopback",
        "localhost",
        "Pi4",
        "pi4.lan",
        "12",
        "",
    ] {
        let text = error_of(&three_nodes("").replace("name = \"b\"", &format!("name = \"{name}\"")));
        assert!(text.contains(&format!("name \"{name}\"")), "{text}");
    }
}

#[test]
fn a_line_break_never_reaches_a_file_on_the_pi() {
    for text in [
        "[cluster]\nname = \"a\\nb\"",
        "[cluster]\nlocale = \"\"\"\nx\"\"\"\nname = \"\"\"a\nb\"\"\"",
        "[network]\nwifi = { ssid = \"a\\u0007b\", country = \"DE\" }",
        "[network]\ndns = [\"1.1.1.1\\n\"]",
    ] {
        let text = error_of(&three_nodes(text));
        assert!(text.contains("line break or another control character"), "{text}");
        assert!(!text.contains('\u{7}'));
    }
}

#[test]
fn a_passphrase_is_never_printed() {
    for line in [
        "wifi = { ssid = \"\", psk = \"tópsecret\", country = \"de\" }",
        "wifi = { ssid = \"x\", psk = 12345678, country = \"DE\" }",
        "wifi = { ssid = \"x\", psk = \"topsecret, country = \"DE\" }",
        "wifi = { ssid = \"x\", psk = \"topsecret\", psk = \"topsecret\" }",
        "wifi = { ssid = \"x\", psk = [\"topsecret\"] }",
        "wifi = { ssid = \"x\", psk = \"topsecret\\nx\", country = \"DE\" }",
    ] {
        let text = error_of(&three_nodes(&format!("[network]\n{line}")));
        assert!(!text.contains("psecret") && !text.contains("12345678"), "{text}");
    }
    let loaded = loaded(&three_nodes(
        "[network]\nwifi = { ssid = \"x\", psk = \"topsecret\", country = \"DE\" }",
    ));
    assert!(!format!("{loaded:?}").contains("topsecret"));
}

#[test]
fn the_mask_over_a_secret_does_not_hide_the_mistake() {
    for (text, part) in [
        (
            "[network]\nwifi = { ssid = \"x\", psk = \"hunter22\", contry = \"DE\" }",
            "did you mean country?",
        ),
        (
            "[network]\nwifi = { ssid = \"x\", pks = \"hunter22\" }",
            "unknown key \"pks\"",
        ),
        (
            "[network]\nwifi = { ssid = \"x\", passphrase = \"hunter22\" }",
            "unknown key \"passphrase\"",
        ),
        ("[network]\nwifi = { ssid = \"x\" psk = \"hunter22\" }", "comma"),
        (
            "[network]\nwifi = { ssid = \"x\", psk = \"hunter22\\c\" }",
            "use single quotes",
        ),
        ("[network]\nwifi = \"hunter22\"", "key = value pairs"),
        ("[network]\npsk = \"hunter22\"", "unknown key \"psk\""),
        ("[user]\npassword = \"hunter22\"", "did you mean password_hash?"),
        ("[user]\npassword_hash = [\"hunter22\"]", "expected a string"),
        ("[user]\npassword \"hunter22\"", "cluster.toml:2:"),
        ("user = \"hunter22\"", "key = value pairs"),
        ("password = \"hunter22\"", "unknown key \"password\""),
        ("[apt]\nproxy = \"http://me:hunter22@cache:3142\"", "@cache:3142"),
        ("[apt]\nmirror = \"me:hunter22@cache\"", "mirror"),
    ] {
        let message = error_of(&three_nodes(text));
        assert!(message.contains(part), "{text}: {message}");
        assert!(!message.contains("hunter22"), "{text}: {message}");
    }
}

#[test]
fn invalid_wifi_settings_are_refused() {
    for (wifi, part) in [
        ("{ psk = \"12345678\", country = \"DE\" }", "no ssid"),
        ("{ ssid = \"x\", psk = \"12345678\" }", "no country"),
        ("{ ssid = \"x\", psk = \"1234567\", country = \"DE\" }", "8 to 63"),
        (
            "{ ssid = \"x\", psk = \"12345678\", country = \"de\" }",
            "did you mean \"DE\"",
        ),
        (
            "{ ssid = \"x\", psk = \"12345678\", country = \"UK\" }",
            "did you mean \"GB\"",
        ),
        (
            "{ ssid = \"x\", psk = \"12345678\", country = \"XX\" }",
            "two upper-case letters",
        ),
        ("{ ssid = \"\", psk = \"12345678\", country = \"DE\" }", "1 to 32"),
    ] {
        let text = error_of(&three_nodes(&format!("[network]\nwifi = {wifi}")));
        assert!(text.contains(part), "{text}");
    }
    for psk in ["a".repeat(63), "0123456789abcdef".repeat(4)] {
        loaded(&three_nodes(&format!(
            "[network]\nwifi = {{ ssid = \"x\", psk = \"{psk}\", country = \"DE\" }}"
        )));
    }
}

#[test]
fn a_plain_password_is_refused_with_the_command_to_hash_it() {
    let text = error_of(&three_nodes("[user]\npassword_hash = \"raspberry\""));
    assert!(
        text.contains("openssl passwd -6") && !text.contains("raspberry"),
        "{text}"
    );
    let hash = std::process::Command::new("openssl")
        .args(["passwd", "-6", "raspberry"])
        .output()
        .expect("openssl is needed for this test");
    let hash = String::from_utf8(hash.stdout).unwrap();
    loaded(&three_nodes(&format!(
        "[user]\npassword_hash = \"{}\"",
        hash.trim()
    )));
}

#[test]
fn an_ssh_login_by_password_is_refused_without_a_password() {
    let hash = format!("password_hash = \"$5$salt${}\"\n", "x".repeat(43));
    let with =
        |hash: &str, ssh_password: bool| three_nodes(&format!("[user]\n{hash}ssh_password = {ssh_password}"));
    let text = error_of(&with("", true));
    assert!(text.contains("there is no password"), "{text}");
    assert!(loaded(&with(&hash, true)).cluster.user.ssh_password);
    assert!(!loaded(&with(&hash, false)).cluster.user.ssh_password);
    assert!(!loaded(&with("", false)).cluster.user.ssh_password);
    assert!(
        !loaded(&three_nodes(&format!("[user]\n{hash}")))
            .cluster
            .user
            .ssh_password
    );
}

#[test]
fn containers_never_hide_the_home_network() {
    for (pool, part) in [
        ("10.10.0.0", "has no prefix length"),
        ("10.10.0.1/16", "the network is \\\"10.10.0.0/16\\\""),
        ("10.10.0.0/25", "is smaller than"),
        ("192.168.0.0/16", "overlaps the nodes' own network 192.168.1.0/24"),
    ] {
        let text = error_of(&three_nodes(&format!(
            "[network]\ngateway = \"192.168.1.1\"\n[swarm]\ndefault_addr_pool = \"{pool}\""
        )));
        assert!(text.contains(&part.replace('\\', "")), "{text}");
    }
    let pool = |gateway: &str| {
        loaded(&three_nodes(&format!("[network]\ngateway = \"{gateway}\"")))
            .cluster
            .swarm
            .default_addr_pool
            .unwrap()
            .to_string()
    };
    assert_eq!(pool("192.168.1.1"), "10.10.0.0/16");
    assert_eq!(pool("10.10.3.1"), "172.30.0.0/16");
}

#[test]
fn other_invalid_values_are_refused() {
    for (text, part) in [
        ("[cluster]\nname = \"My Lab\"", "is not a valid cluster name"),
        ("[cluster]\nbase = \" \"", "base is empty"),
        ("[cluster]\ntimezone = \"Berlin; rm\"", "is not a time zone"),
        ("[cluster]\nlocale = \"de_DE\"", "is not a UTF-8 locale"),
        ("[cluster]\nkeyboard = \"DE\"", "is not a keyboard layout"),
        (
            "[cluster]\ntimezone = \"US/Pacific\"",
            "use today's name: \"America/Los_Angeles\"",
        ),
        ("[cluster]\nkeyboard = \"uk\"", "did you mean \"gb\"?"),
        ("[cluster]\nlocale = \"de\"", "did you mean \"de_DE.UTF-8\"?"),
        (
            "[user]\nname = \"Anna\"",
            "user \"Anna\" must start with a letter",
        ),
        ("[user]\nname = \"mkimage\"", "is a system account"),
        (
            "[network]\ngateway = \"192.168.1.1/24\"",
            "not a router's address",
        ),
        ("[network]\ngateway = \"0.0.0.0\"", "not a router's address"),
        ("[network]\ndns = [\"one.one\"]", "not a name server's address"),
        ("[network]\ndns = \"1.1.1.1\"", "write a list in brackets"),
        ("[network]\ndomain = \"lab.local\"", "belongs to mDNS"),
        ("[network]\ndomain = \"a b\"", "is not a domain name"),
        ("[apt]\nproxy = \"192.168.1.5:3142\"", "proxy"),
        ("[apt]\nmirror = \"http://u:p@mirror\"", "contains a login"),
    ] {
        let text = error_of(&three_nodes(text));
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_stick_is_named_by_a_disk_path_only() {
    for device in [
        "sda",
        "/dev",
        "/dev/",
        "/dev/../etc/passwd",
        "/etc/x",
        "/dev/sda;reboot",
        "/dev//sda",
        "/dev/s a",
    ] {
        let text = error_of(&with_b(&format!("brick = {{ device = \"{device}\" }}")));
        assert!(text.contains("is not the path of a disk"), "{text}");
    }
    assert!(error_of(&with_b("brick = { wipe = \"yes\" }")).contains("\"if-empty\", \"always\", \"never\""));
    let device = "/dev/disk/by-id/usb-SanDisk_Ultra-0:0";
    let loaded = loaded(&with_b(&format!(
        "brick = {{ device = \"{device}\", wipe = \"never\" }}"
    )));
    let brick = loaded.cluster.node("b").unwrap().brick.clone().unwrap();
    assert_eq!(
        (brick.device.as_deref(), brick.wipe.as_str()),
        (Some(device), "never")
    );
}

#[test]
fn a_node_in_single_brackets_is_pointed_to_double_brackets() {
    let node = |name: &str| format!("[node]\nname = \"{name}\"\nmodel = \"pi4\"\nrole = \"manager\"\n");
    for text in [node("a"), node("a") + &node("b")] {
        let message = error_of(&text);
        assert!(message.contains("start every node with [[node]]"), "{message}");
        assert!(!message.contains("[\"...\"]"), "{message}");
    }
}
