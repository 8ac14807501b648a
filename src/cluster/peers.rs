//! Compares the nodes with each other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ipnet::Ipv4Net;

use super::node::Draft;
use super::problem::Findings;
use super::{Address, Network, Role};

/// Checks every pair of nodes. A cluster without nodes has been reported already.
pub(super) fn check(drafts: &[Draft], network: &Network, findings: &mut Findings<'_>) {
    if drafts.is_empty() {
        return;
    }
    check_duplicates(drafts, findings);
    check_mdns_names(drafts, findings);
    check_networks(drafts, network, findings);
    check_managers(drafts, findings);
}

/// Checks that names and addresses are unique.
fn check_duplicates(drafts: &[Draft], findings: &mut Findings<'_>) {
    let mut names = BTreeSet::new();
    let mut addresses = BTreeMap::new();
    for draft in drafts {
        if let (Some(name), Some(span)) = (&draft.name, &draft.name_span)
            && !names.insert(name.as_str())
        {
            let message = format!("name \"{name}\" is given to two nodes");
            findings.problem(span.clone(), message, "give every node a different name");
        }
        if let (Some(fixed), Some(span)) = (draft.fixed_address(), &draft.address_span)
            && let Some(other) = addresses.insert(fixed.addr(), draft.display_name())
        {
            let message = format!(
                "address {} of {} is already used by {other}",
                fixed.addr(),
                draft.display_name()
            );
            findings.problem(span.clone(), message, "give every node a different address");
        }
    }
}

/// Avahi renames a machine whose name is taken by appending `-2` (`avahi_alternative_host_name`).
fn check_mdns_names(drafts: &[Draft], findings: &mut Findings<'_>) {
    let on_dhcp = || drafts.iter().filter(|draft| draft.address == Some(Address::Dhcp));
    let names: BTreeSet<&str> = on_dhcp().map(Draft::display_name).collect();
    for draft in on_dhcp() {
        let name = draft.display_name();
        if names.contains(format!("{name}-2").as_str()) {
            let message = format!(
                "if another machine uses the mDNS name {name}.local, {name} becomes {name}-2.local, which is another \
                     node"
            );
            findings.warn(draft.name_span.clone(), message, "rename one of them");
        }
    }
}

/// Checks that all fixed addresses are in the gateway's network.
fn check_networks(drafts: &[Draft], network: &Network, findings: &mut Findings<'_>) {
    let fixed: Vec<(&Draft, Ipv4Net, Range<usize>)> = drafts
        .iter()
        .filter_map(|draft| Some((draft, draft.fixed_address()?, draft.address_span.clone()?)))
        .collect();
    let Some((first, first_address, first_span)) = fixed.first() else {
        return;
    };
    for (draft, address, span) in &fixed {
        let address_of = format!("address \"{address}\" of {}", draft.display_name());
        let first_of = format!("\"{first_address}\" of {}", first.display_name());
        let (what, remedy) = match network.gateway {
            Some(gateway) if !address.contains(&gateway) => (
                format!(
                    "{address_of} is outside the gateway's network: {gateway} is not in {}/{}",
                    address.network(),
                    address.prefix_len()
                ),
                "correct the address, its prefix length, or gateway in [network]",
            ),
            Some(gateway) if address.addr() == gateway => (
                format!(
                    "{address_of} is the gateway's own, in {gateway}'s network {}/{}",
                    address.network(),
                    address.prefix_len()
                ),
                "give the node a different address",
            ),
            _ if address.prefix_len() != first_address.prefix_len() => (
                format!("{address_of} has a different prefix length from {first_of}"),
                "use the same prefix length for all nodes, because they are in one network",
            ),
            None if address.network() != first_address.network() => (
                format!("{address_of} is not in the same network as {first_of}"),
                "all nodes must be in one network",
            ),
            _ => continue,
        };
        findings.problem(span.clone(), what, remedy);
    }
    if network.gateway.is_none() {
        let message = "nodes have fixed addresses but [network] has no gateway, so without another route they cannot reach the \
             internet, not even to install Docker";
        let remedy = "add gateway = \"192.168.1.1\" to [network], with your router's address";
        findings.warn(first_span.clone(), message, remedy);
    }
}

/// Checks that there are managers, and warns about risky numbers of them.
fn check_managers(drafts: &[Draft], findings: &mut Findings<'_>) {
    if drafts.iter().any(|draft| draft.role.is_none()) {
        return;
    }
    let managers: Vec<&Draft> = drafts
        .iter()
        .filter(|draft| draft.role == Some(Role::Manager))
        .collect();
    match managers.len() {
        0 => findings.missing(
            drafts.first().map(|draft| draft.span.clone()),
            "no node is a manager, so there would be no swarm",
            "add role = \"manager\" to one node or to three",
        ),
        1 if drafts.len() >= 3 => findings.warn(
            None,
            format!(
                "{} is the only manager: while it is down, containers keep running but cannot be started, moved or changed",
                managers.first().map_or("one node", |draft| draft.display_name())
            ),
            "with three managers, one may fail",
        ),
        1 => {}
        count if count % 2 == 0 => findings.warn(
            None,
            format!(
                "{count} managers tolerate no more failures than {} would, and one more can fail",
                count.saturating_sub(1)
            ),
            "use an odd number of managers",
        ),
        _ => {}
    }
}
