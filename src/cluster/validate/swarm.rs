//! `[swarm]`: the networks that Docker creates for containers.

use super::super::file::SwarmTable;
use super::super::problem::Findings;
use super::super::{Address, Ipv4Cidr, Network, defaults};
use super::draft::Draft;

/// Docker divides the pool into networks with this prefix length, so the pool must be at least as large.
const SUBNET_PREFIX: u8 = 24;

pub(super) fn pool(
    table: SwarmTable,
    network: &Network,
    drafts: &[Draft],
    findings: &mut Findings<'_>,
) -> Option<Ipv4Cidr> {
    let mut networks: Vec<Ipv4Cidr> = drafts
        .iter()
        .filter_map(|draft| match draft.address {
            Some(Address::Fixed(address)) => Some(address),
            _ => None,
        })
        .collect();
    networks.extend(
        network
            .gateway
            .and_then(|gateway| Ipv4Cidr::parse(&format!("{gateway}/24")).ok()),
    );
    let Some(entry) = table.default_addr_pool else {
        return defaults::swarm_pool(&networks);
    };
    let pool = match Ipv4Cidr::parse(entry.get_ref()) {
        Ok(pool) => pool,
        Err(why) => {
            findings.problem(
                entry.span(),
                format!("default_addr_pool {:?} {why}", entry.get_ref()),
                "write a network like \"10.10.0.0/16\"",
            );
            return None;
        }
    };
    if pool.address() != pool.network() {
        findings.problem(
            entry.span(),
            format!("default_addr_pool {pool} is a host's address, not a network's"),
            format!("the network is \"{}/{}\"", pool.network(), pool.prefix()),
        );
    } else if pool.prefix() > SUBNET_PREFIX {
        findings.problem(
            entry.span(),
            format!("default_addr_pool {pool} is smaller than the /{SUBNET_PREFIX} networks that Docker divides it into"),
            "use a larger network, like \"10.10.0.0/16\"",
        );
    } else if let Some(nodes) = networks.iter().find(|nodes| nodes.overlaps(pool)) {
        findings.problem(
            entry.span(),
            format!(
                "default_addr_pool {pool} overlaps the nodes' own network {}/{}, which containers could not reach",
                nodes.network(),
                nodes.prefix()
            ),
            "choose a network that nothing at home uses, like \"10.10.0.0/16\"",
        );
    } else if !pool.address().is_private() {
        findings.warn(
            Some(entry.span()),
            format!(
                "default_addr_pool {pool} is not a private network, so containers cannot reach part of the internet"
            ),
            "",
        );
    }
    Some(pool)
}
