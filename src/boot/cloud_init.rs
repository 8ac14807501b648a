//! `user-data` and `meta-data` for cloud-init's `NoCloud` source. They end up in `/var/lib/cloud`, so they hold no secrets.

use serde::Serialize;
use serde_saphyr::{ser_options, to_string_with_options};

use crate::boot::plan::Plan;
use crate::error::{Category, Context, Result};

/// The first line that makes `user-data` a cloud-config; anything else is skipped without a word.
const MARK: &str = "#cloud-config";

/// cloud-config keys, as in cloud-init's module reference.
#[derive(Serialize)]
#[allow(clippy::struct_excessive_bools)] // the format's own switches
struct UserData<'a> {
    hostname: &'a str,
    // mkimage/install writes the nodes' addresses there.
    manage_etc_hosts: bool,
    timezone: &'a str,
    locale: &'a str,
    keyboard: Keyboard<'a>,
    // The singular form changes the image's default user, which keeps the groups the image gives it.
    user: User<'a>,
    ssh_pwauth: bool,
    // The host key comes from mkimage/secrets; keys made here only show strangers for a minute. None at all
    // is what is wanted, but the schema takes no empty list.
    ssh_deletekeys: bool,
    ssh_genkeytypes: [&'a str; 1],
    package_update: bool,
    package_upgrade: bool,
    runcmd: [[&'a str; 2]; 1],
}

#[derive(Serialize)]
struct Keyboard<'a> {
    layout: &'a str,
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

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct MetaData<'a> {
    instance_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none", rename = "dsmode")]
    dsmode: Option<&'a str>,
}

/// A node's `user-data`.
pub(super) fn user_data(plan: &Plan<'_>) -> Result<String> {
    let cluster = plan.cluster;
    let name = cluster.user.name.as_str();
    let install = format!("{}/mkimage/install", plan.facts.mechanism.mount().as_str());
    let yaml = yaml(
        "user-data",
        &UserData {
            hostname: plan.node.name.as_str(),
            manage_etc_hosts: false,
            timezone: &cluster.timezone,
            locale: &cluster.locale,
            keyboard: Keyboard {
                layout: &cluster.keyboard,
            },
            user: User {
                name,
                gecos: name,
                shell: "/bin/bash",
                sudo: "ALL=(ALL) NOPASSWD:ALL",
                lock_passwd: true,
                ssh_authorized_keys: plan.authorized_keys,
            },
            ssh_pwauth: false,
            ssh_deletekeys: false,
            ssh_genkeytypes: ["ed25519"],
            package_update: false,
            package_upgrade: false,
            runcmd: [["sh", &install]],
        },
    )?;
    Ok(format!("{MARK}\n{yaml}"))
}

/// A node's `meta-data`.
pub(super) fn meta_data(instance_id: &str, dsmode: Option<&str>) -> Result<String> {
    yaml("meta-data", &MetaData { instance_id, dsmode })
}

/// YAML that YAML 1.1 readers such as cloud-init's read the same, with long keys on one line.
pub(super) fn yaml(what: &str, value: &impl Serialize) -> Result<String> {
    let options = ser_options! { prefer_block_scalars: false };
    to_string_with_options(value, options).context(Category::Other, || format!("writing {what}"))
}
