//! Checks the values of a cluster file. Every check continues after a problem, so that all are reported at once.

mod countries;
mod draft;
mod gluster;
mod identity;
mod network;
mod nodes;
mod peers;
mod swarm;
mod user;

use std::ops::Range;

use toml::Spanned;

use super::file::FileTable;
use super::problem::Findings;
use super::{Cluster, Environment, Origin, apt, docker};

/// Checks everything. Returns `None` if something essential is missing; `findings` then says what.
pub(super) fn validate(
    file: FileTable,
    origin: Origin,
    environment: &Environment,
    findings: &mut Findings<'_>,
) -> Option<Cluster> {
    if origin == Origin::BuiltIn {
        findings.assumed.push(
            "there is no cluster.toml here, so the built-in home lab is used: pi4-1 (manager), pi4-2, pi4-3 and \
             pi3-1, each with a USB stick; mkimage init writes it to a cluster.toml for you to change"
                .to_owned(),
        );
    }
    let identity = identity::identity(file.cluster, findings);
    let user = user::user(file.user, &origin, environment, findings);
    let network = network::network(file.network, findings);
    let docker = docker::docker(&file.docker, findings);
    let apt = apt::apt(file.apt, findings);
    let (nodes, drafts) = nodes::nodes(file.node, findings);
    peers::check(&drafts, &network, findings);
    let swarm_address_pool = swarm::pool(file.swarm, &network, &drafts, findings);
    let gluster = gluster::gluster(file.gluster, &drafts, findings);
    Some(Cluster {
        origin,
        name: identity.name,
        base: identity.base,
        timezone: identity.timezone,
        locale: identity.locale,
        keyboard: identity.keyboard,
        user: user?,
        network,
        docker,
        swarm_address_pool,
        gluster,
        apt,
        nodes: nodes?,
    })
}

/// Returns the choice with the spelling of `entry`.
pub(super) fn choice<T: Copy>(
    entry: &Spanned<String>,
    key: &str,
    choices: &[T],
    spelling: impl Fn(T) -> &'static str,
    findings: &mut Findings<'_>,
) -> Option<T> {
    let found = choices
        .iter()
        .copied()
        .find(|choice| spelling(*choice) == entry.get_ref());
    if found.is_none() {
        let known: Vec<String> = choices
            .iter()
            .map(|choice| format!("{:?}", spelling(*choice)))
            .collect();
        findings.problem(
            entry.span(),
            format!("{key} {:?} is not known", entry.get_ref()),
            format!("use one of {}", known.join(", ")),
        );
    }
    found
}

/// Returns a checked value or its default.
fn checked(
    entry: Option<Spanned<String>>,
    default: &str,
    check: impl Fn(&str) -> bool,
    wrong: &str,
    remedy: &str,
    findings: &mut Findings<'_>,
) -> String {
    match entry {
        None => default.to_owned(),
        Some(entry) => {
            if !check(entry.get_ref()) {
                findings.problem(entry.span(), format!("{:?} {wrong}", entry.get_ref()), remedy);
            }
            entry.into_inner()
        }
    }
}

/// Returns the position of an entry.
fn span<T>(entry: Option<&Spanned<T>>) -> Option<Range<usize>> {
    entry.map(Spanned::span)
}
