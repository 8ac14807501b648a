//! `[network] private`: the network in which the nodes reach each other, and nobody else reaches them.

use std::ops::Range;

use ipnet::Ipv4Net;

use super::address::{overlap, parse_cidr};
use super::problem::Findings;
use super::{Address, Cluster, swarm};
use crate::error::{Category, Error, Result};

/// A node's place in it is one byte, and the shell compares the first three.
const PREFIX: u8 = 24;

/// Docker takes its bridges from here (the first of moby's default address pools).
const DOCKER: &str = "172.16.0.0/12";

/// Derived networks are 10.64.0.0/24 to 10.127.255.0/24: home networks that begin with 10 mostly go on with a small number.
const FIRST: u8 = 64;
const COUNT: u8 = 64;

/// Within them, the usual networks of Podman (10.88.0.0/16) and Kubernetes' services (10.96.0.0/12) are left out.
const TAKEN: [u8; 17] = [
    88, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
];

impl Cluster {
    /// Returns the private network of the cluster with this id, 32 hexadecimal digits. It never changes unless the cluster
    /// file names another one. Fails if it is derived from the id and overlaps a network of the cluster file.
    pub fn private_network(&self, id: &str) -> Result<Ipv4Net> {
        if let Some(network) = self.network.private {
            return Ok(network);
        }
        // An id that has been read or made is such a number.
        let network = derived(u128::from_str_radix(id, 16).unwrap_or_default().to_be_bytes());
        let fixed = self.nodes.iter().filter_map(|node| match node.address {
            Address::Fixed(address) => Some(address),
            Address::Dhcp => None,
        });
        let nodes = swarm::node_networks(&self.network, fixed);
        match clash(network, &nodes, self.swarm.default_addr_pool) {
            None => Ok(network),
            Some(why) => {
                let what =
                    format!("the private network {network}, derived from the cluster's id, overlaps {why}");
                let remedy = "add private = \"10.77.0.0/24\" to [network], or another network that nothing at home uses";
                Err(Error::new(Category::ClusterFile, what).with_remedy(remedy))
            }
        }
    }
}

/// Returns the network of a cluster whose file names none: always the same for the same random bytes.
fn derived(random: [u8; 16]) -> Ipv4Net {
    let [.., last] = random;
    let seconds = random.map(|byte| FIRST | (byte % COUNT));
    let free = seconds.into_iter().find(|second| !TAKEN.contains(second));
    let octets = [10, free.unwrap_or(FIRST), last, 0];
    // The prefix length is in range.
    Ipv4Net::new(octets.into(), PREFIX).unwrap_or_default()
}

/// Parses a network of the file. The error is the end of a sentence that starts with the text.
pub(super) fn parse(text: &str) -> std::result::Result<Ipv4Net, String> {
    let network = parse_cidr(text)?;
    if network.prefix_len() != PREFIX || network.addr() != network.network() {
        Err(format!("is not a network with the prefix length {PREFIX}"))
    } else if !network.addr().is_private() {
        Err("is not in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16".to_owned())
    } else {
        Ok(network)
    }
}

/// Reports an overlap with the networks of the nodes or of containers.
pub(super) fn check(
    private: Option<(Ipv4Net, Range<usize>)>,
    nodes: &[Ipv4Net],
    pool: Option<Ipv4Net>,
    findings: &mut Findings<'_>,
) {
    if let Some((network, span)) = private
        && let Some(why) = clash(network, nodes, pool)
    {
        let remedy = "choose one that nothing at home uses, like \"10.77.0.0/24\"";
        findings.problem(span, format!("private {network} overlaps {why}"), remedy);
    }
}

/// Returns the network that a private network overlaps.
fn clash(private: Ipv4Net, nodes: &[Ipv4Net], pool: Option<Ipv4Net>) -> Option<String> {
    let docker = DOCKER.parse().ok();
    let is_taken = |network: &Ipv4Net| overlap(*network, private);
    if let Some(nodes) = nodes.iter().copied().find(is_taken) {
        Some(format!("the nodes' own network {}", nodes.trunc()))
    } else if let Some(pool) = pool.filter(is_taken) {
        Some(format!("default_addr_pool {pool}"))
    } else {
        docker
            .filter(is_taken)
            .map(|docker| format!("{docker}, from which Docker takes networks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_network_is_a_free_one_of_the_range() {
        for second in 0..=255 {
            for last in [0, 1, 255] {
                let mut random = [second; 16];
                random[15] = last;
                let network = derived(random);
                let [first, chosen, third, fourth] = network.addr().octets();
                assert_eq!((first, third, fourth, network.prefix_len()), (10, last, 0, 24));
                assert!(
                    (64..=127).contains(&chosen) && !TAKEN.contains(&chosen),
                    "{network}"
                );
                assert_eq!(clash(network, &[], "10.10.0.0/16".parse().ok()), None);
            }
        }
        assert_ne!(derived([1; 16]), derived([2; 16]));
    }

    #[test]
    fn only_private_networks_of_one_size_are_taken() {
        for good in ["10.77.0.0/24", "192.168.77.0/24"] {
            assert_eq!(parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "10.77.0.0",
            "10.77.0.0/16",
            "10.77.0.1/24",
            "8.8.8.0/24",
            "100.64.0.0/24",
            "x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn overlaps_are_named() {
        let net = |text: &str| text.parse::<Ipv4Net>().unwrap();
        let nodes = [net("192.168.1.31/24")];
        let why = |text| clash(net(text), &nodes, Some(net("10.10.0.0/16")));
        assert_eq!(why("10.77.0.0/24"), None);
        assert_eq!(
            why("192.168.1.0/24").unwrap(),
            "the nodes' own network 192.168.1.0/24"
        );
        assert_eq!(why("10.10.5.0/24").unwrap(), "default_addr_pool 10.10.0.0/16");
        assert!(why("172.17.0.0/24").unwrap().contains("Docker"));
    }
}
