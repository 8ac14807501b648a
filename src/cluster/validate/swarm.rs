//! `[swarm]`: the networks that Docker creates for containers.

use std::ops::Range;

use super::super::file::SwarmTable;
use super::super::problem::Findings;
use super::super::{Ipv4Cidr, Network, defaults};
use super::draft::Draft;

/// Docker divides the pool into networks with this prefix length, so the pool must be at least as large.
const SUBNET_PREFIX: u8 = 24;

pub(super) fn pool(
    table: SwarmTable,
    network: &Network,
    drafts: &[Draft],
    findings: &mut Findings<'_>,
) -> Option<Ipv4Cidr> {
    let networks = node_networks(network, drafts);
    let Some(entry) = table.default_addr_pool else {
        return defaults::swarm_pool(&networks);
    };
    match Ipv4Cidr::parse(entry.get_ref()) {
        Ok(pool) => {
            check_pool(pool, entry.span(), &networks, findings);
            Some(pool)
        }
        Err(why) => {
            findings.problem(
                entry.span(),
                format!("default_addr_pool {:?} {why}", entry.get_ref()),
                "write a network like \"10.10.0.0/16\"",
            );
            None
        }
    }
}

/// Returns the networks that the nodes are in, as far as the cluster file says.
fn node_networks(network: &Network, drafts: &[Draft]) -> Vec<Ipv4Cidr> {
    let gateway = network
        .gateway
        .and_then(|gateway| Ipv4Cidr::parse(&format!("{gateway}/24")).ok());
    drafts
        .iter()
        .filter_map(Draft::fixed_address)
        .chain(gateway)
        .collect()
}

fn check_pool(pool: Ipv4Cidr, span: Range<usize>, networks: &[Ipv4Cidr], findings: &mut Findings<'_>) {
    if pool.address() != pool.network() {
        findings.problem(
            span,
            format!("default_addr_pool {pool} is a host's address, not a network's"),
            format!("the network is \"{}/{}\"", pool.network(), pool.prefix()),
        );
    } else if pool.prefix() > SUBNET_PREFIX {
        findings.problem(
            span,
            format!("default_addr_pool {pool} is smaller than the /{SUBNET_PREFIX} networks that Docker divides it into"),
            "use a larger network, like \"10.10.0.0/16\"",
        );
    } else if let Some(nodes) = networks.iter().find(|nodes| nodes.overlaps(pool)) {
        findings.problem(
            span,
            format!(
                "default_addr_pool {pool} overlaps the nodes' own network {}/{}, which containers could not reach",
                nodes.network(),
                nodes.prefix()
            ),
            "choose a network that nothing at home uses, like \"10.10.0.0/16\"",
        );
    } else if !pool.address().is_private() {
        findings.warn(
            Some(span),
            format!(
                "default_addr_pool {pool} is not a private network, so containers cannot reach part of the internet"
            ),
            "",
        );
    }
}
