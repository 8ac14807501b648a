//! `[swarm]`: the networks that Docker creates for containers.

use std::ops::Range;

use ipnet::Ipv4Net;
use serde::Deserialize;

use super::Network;
use super::address::{overlap, parse_cidr};
use super::problem::{Findings, Text};

/// Docker divides the pool into networks with this prefix length, so the pool must be at least as large.
const SUBNET_PREFIX: u8 = 24;

/// The default pool is the first of these that does not overlap the nodes' own network. Docker's own default,
/// 10.0.0.0/8, hides home networks that start with 10.
pub(super) const DEFAULT_POOLS: [&str; 2] = ["10.10.0.0/16", "172.30.0.0/16"];

/// The table as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SwarmTable {
    default_addr_pool: Text,
}

/// `[swarm]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swarm {
    /// The pool from which Docker takes networks; `None` if every default overlaps the nodes' own.
    pub default_addr_pool: Option<Ipv4Net>,
}

impl SwarmTable {
    /// Checks the table against the networks that the nodes are in.
    pub(super) fn check(self, networks: &[Ipv4Net], findings: &mut Findings<'_>) -> Swarm {
        let default_addr_pool = match self.default_addr_pool {
            None => {
                let mut pools = DEFAULT_POOLS.iter().filter_map(|pool| pool.parse().ok());
                pools.find(|pool| !networks.iter().any(|network| overlap(*network, *pool)))
            }
            Some(entry) => {
                let remedy = "write a network like \"10.10.0.0/16\"";
                let pool = findings.parse("default_addr_pool", &entry, parse_cidr, remedy);
                pool.inspect(|pool| check_pool(*pool, entry.span(), networks, findings))
            }
        };
        Swarm { default_addr_pool }
    }
}

/// Returns the networks that the nodes are in, as far as the cluster file says.
pub(super) fn node_networks(network: &Network, fixed: impl Iterator<Item = Ipv4Net>) -> Vec<Ipv4Net> {
    let gateway = network.gateway.and_then(|gateway| Ipv4Net::new(gateway, 24).ok());
    fixed.chain(gateway).collect()
}

fn check_pool(pool: Ipv4Net, span: Range<usize>, networks: &[Ipv4Net], findings: &mut Findings<'_>) {
    if pool.addr() != pool.network() {
        let message = format!("default_addr_pool {pool} is a host's address, not a network's");
        let remedy = format!("the network is \"{}/{}\"", pool.network(), pool.prefix_len());
        findings.problem(span, message, remedy);
    } else if pool.prefix_len() > SUBNET_PREFIX {
        let message = format!(
            "default_addr_pool {pool} is smaller than the /{SUBNET_PREFIX} networks that Docker divides it into"
        );
        findings.problem(span, message, "use a larger network, like \"10.10.0.0/16\"");
    } else if let Some(nodes) = networks.iter().find(|nodes| overlap(**nodes, pool)) {
        let message = format!(
            "default_addr_pool {pool} overlaps the nodes' own network {}/{}, which containers could not reach",
            nodes.network(),
            nodes.prefix_len()
        );
        let remedy = "choose a network that nothing at home uses, like \"10.10.0.0/16\"";
        findings.problem(span, message, remedy);
    } else if !pool.addr().is_private() {
        let message = format!(
            "default_addr_pool {pool} is not a private network, so containers cannot reach part of the internet"
        );
        findings.warn(Some(span), message, "");
    }
}
