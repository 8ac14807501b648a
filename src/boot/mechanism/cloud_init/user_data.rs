//! `user-data` for cloud-init's `NoCloud` source. It ends up in `/var/lib/cloud`, so it holds no secrets.

use serde::Serialize;

use crate::boot::plan::Plan;
use crate::boot::yaml::yaml;
use crate::error::Result;

/// The first line of a cloud-config. cloud-init silently ignores `user-data` without it.
const MARK: &str = "#cloud-config";

/// cloud-config keys, as in cloud-init's module reference.
#[derive(Serialize)]
#[allow(clippy::struct_excessive_bools)] // the format's own switches
struct UserData<'a> {
    hostname: &'a str,
    // mkimage/install writes the nodes' addresses there.
    manage_etc_hosts: bool,
    timezone: &'a str,
    // No locale: cloud-init fails at one that /etc/locale.gen does not list yet; mkimage/install makes it.
    keyboard: Keyboard<'a>,
    // The singular form changes the image's default user, which keeps the groups the image gives it.
    user: User<'a>,
    ssh_pwauth: bool,
    // Nothing about host keys: Raspberry Pi OS makes its own and tells cloud-init to leave them alone, and ours comes from
    // mkimage/secrets.
    package_update: bool,
    package_upgrade: bool,
    // cloud-init considers a step done once it has begun. This runs at every start, before anything waits for the network, so
    // that a runcmd that a power cut interrupted is done at the next start.
    bootcmd: [[&'a str; 3]; 1],
    runcmd: [[&'a str; 2]; 1],
}

#[derive(Serialize)]
struct Keyboard<'a> {
    layout: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
}

#[derive(Serialize)]
struct User<'a> {
    name: &'a str,
    gecos: &'a str,
    shell: &'a str,
    // Since 2026-04-13 the image's default user has to type a password for sudo, and ours may have none.
    sudo: &'a str,
    lock_passwd: bool,
    ssh_authorized_keys: &'a [String],
}

pub(super) fn user_data(plan: &Plan<'_>) -> Result<String> {
    let cluster = plan.cluster;
    let name = &cluster.user.name;
    let install = format!("{}/mkimage/install", plan.base.mount);
    let yaml = yaml(
        "user-data",
        &UserData {
            hostname: plan.node.name.as_str(),
            manage_etc_hosts: false,
            timezone: &cluster.general.timezone,
            keyboard: Keyboard {
                layout: cluster.general.keyboard.layout(),
                variant: cluster.general.keyboard.variant(),
            },
            user: User {
                name,
                gecos: name,
                shell: "/bin/bash",
                sudo: "ALL=(ALL) NOPASSWD:ALL",
                lock_passwd: true,
                ssh_authorized_keys: plan.authorized_keys,
            },
            ssh_pwauth: cluster.user.ssh_password,
            package_update: false,
            package_upgrade: false,
            bootcmd: [["sh", &install, "--promise"]],
            runcmd: [["sh", &install]],
        },
    )?;
    Ok(format!("{MARK}\n{yaml}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::boot::testing::{Lab, cloud_init, read_yaml};
    use crate::cluster::testing::node;
    use crate::cluster::{Keyboard, Model, Role};
    use crate::release::testing::Base;

    fn user_data_of(lab: &Lab, node: usize) -> String {
        let facts = Base::trixie("2026-10-06").facts();
        user_data(&lab.plan(node, &facts)).unwrap()
    }

    #[test]
    fn cloud_init_accepts_the_file_of_every_node() {
        let lab = Lab::new();
        for node in 0..lab.cluster.nodes.len() {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("user-data");
            std::fs::write(&file, user_data_of(&lab, node)).unwrap();
            let said = cloud_init(&["schema", "--config-file", file.to_str().unwrap()], b"");
            assert!(said.contains("Valid"), "{said}");
        }
    }

    #[test]
    fn cloud_init_reads_the_values_that_were_meant() {
        let lab = Lab::new();
        let text = user_data_of(&lab, 0);
        assert!(text.starts_with("#cloud-config\n"));
        assert_eq!(
            read_yaml(&text),
            json!({
                "hostname": "pi4-1",
                "manage_etc_hosts": false,
                "timezone": "Europe/Berlin",
                "keyboard": { "layout": "no" },
                "user": {
                    "name": "pi",
                    "gecos": "pi",
                    "shell": "/bin/bash",
                    "sudo": "ALL=(ALL) NOPASSWD:ALL",
                    "lock_passwd": true,
                    "ssh_authorized_keys": lab.keys,
                },
                "ssh_pwauth": false,
                "package_update": false,
                "package_upgrade": false,
                "bootcmd": [["sh", "/boot/firmware/mkimage/install", "--promise"]],
                "runcmd": [["sh", "/boot/firmware/mkimage/install"]],
            })
        );
    }

    /// cloud-init's answer and sshd's configuration by `mkimage/install` must not differ.
    #[test]
    fn a_password_is_for_the_console_unless_the_cluster_file_says_otherwise() {
        let mut lab = Lab::new();
        assert_eq!(read_yaml(&user_data_of(&lab, 0))["ssh_pwauth"], false);
        lab.cluster.user.ssh_password = true;
        assert_eq!(read_yaml(&user_data_of(&lab, 0))["ssh_pwauth"], true);
    }

    /// cloud-init writes them to `/etc/default/keyboard`, as XKBLAYOUT and XKBVARIANT.
    #[test]
    fn a_variant_of_the_keyboard_is_handed_on() {
        let mut lab = Lab::new();
        lab.cluster.general.keyboard = Keyboard::parse("us(intl)").unwrap();
        let text = user_data_of(&lab, 0);
        let keyboard = json!({ "layout": "us", "variant": "intl" });
        assert_eq!(read_yaml(&text)["keyboard"], keyboard);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("user-data");
        std::fs::write(&file, text).unwrap();
        let said = cloud_init(&["schema", "--config-file", file.to_str().unwrap()], b"");
        assert!(said.contains("Valid"), "{said}");
    }

    /// Without quotes, cloud-init's YAML 1.1 reader takes these for booleans, dates and numbers.
    #[test]
    fn no_name_is_taken_for_another_type() {
        let mut lab = Lab::new();
        lab.cluster.nodes = ["1e3", "0x1f", "2020-01-01", "0b1", "no", "null", "1-1"]
            .map(|name| node(name, Role::Manager, Model::Pi4, "dhcp"))
            .to_vec();
        for at in 0..lab.cluster.nodes.len() {
            let read = read_yaml(&user_data_of(&lab, at));
            assert_eq!(read["hostname"], lab.cluster.nodes[at].name.as_str());
        }
        for name in ["y", "on", "off", "null", "true", "e1"] {
            lab.cluster.user.name = name.to_owned();
            assert_eq!(read_yaml(&user_data_of(&lab, 0))["user"]["name"], name);
        }
    }
}
