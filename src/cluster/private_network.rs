//! `[network] private`: the network in which the nodes reach each other, and nobody else reaches them.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

use ipnet::Ipv4Net;
use url::{Host, Url};

use super::address::{overlap, parse_cidr};
use super::problem::Findings;
use super::{Address, Apt, Cluster, Network, swarm};
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

/// Networks that home routers come with, the first three bytes of each.
const OF_ROUTERS: [[u8; 3]; 18] = [
    [10, 0, 0],
    [10, 0, 1],
    [10, 1, 1],
    [192, 168, 0],
    [192, 168, 1],
    [192, 168, 2],
    [192, 168, 3],
    [192, 168, 4],
    [192, 168, 8],
    [192, 168, 10],
    [192, 168, 11],
    [192, 168, 31],
    [192, 168, 50],
    [192, 168, 68],
    [192, 168, 86],
    [192, 168, 100],
    [192, 168, 178],
    [192, 168, 188],
];

/// The networks and addresses that a private network must leave alone.
pub(super) struct Others<'a> {
    /// The networks of the nodes' fixed addresses.
    pub(super) nodes: &'a [Ipv4Net],
    /// The networks of containers.
    pub(super) pool: Option<Ipv4Net>,
    /// The addresses of servers outside, each after the key that names it.
    pub(super) outside: Vec<(&'static str, Ipv4Addr)>,
}

impl<'a> Others<'a> {
    pub(super) fn new(nodes: &'a [Ipv4Net], pool: Option<Ipv4Net>, network: &Network, apt: &Apt) -> Self {
        let servers = network.dns.iter().filter_map(|server| match server {
            IpAddr::V4(server) => Some(("dns", *server)),
            IpAddr::V6(_) => None,
        });
        let urls = [("proxy", &apt.proxy), ("mirror", &apt.mirror)];
        let hosts =
            urls.into_iter()
                .filter_map(|(key, url)| match Url::parse(url.as_deref()?).ok()?.host()? {
                    Host::Ipv4(host) => Some((key, host)),
                    Host::Ipv6(_) | Host::Domain(_) => None,
                });
        Self {
            nodes,
            pool,
            outside: servers.chain(hosts).collect(),
        }
    }
}

impl Cluster {
    /// Returns the private network of the cluster with this id, 32 hexadecimal digits: the one that its nodes are in already, or
    /// else the cluster file's, or else one that is derived from the id. Fails if it overlaps another one of the cluster file.
    pub fn private_network(&self, id: &str, in_use: Option<Ipv4Net>) -> Result<Ipv4Net> {
        // An id that has been read or made is such a number.
        let random = || u128::from_str_radix(id, 16).unwrap_or_default().to_be_bytes();
        let network = in_use
            .or(self.network.private)
            .unwrap_or_else(|| derived(random()));
        let fixed = self.nodes.iter().filter_map(|node| match node.address {
            Address::Fixed(address) => Some(address),
            Address::Dhcp => None,
        });
        let nodes = swarm::node_networks(&self.network, fixed);
        let others = Others::new(&nodes, self.swarm.default_addr_pool, &self.network, &self.apt);
        match clash(network, &others) {
            None => Ok(network),
            Some(why) => {
                let what = format!("the private network {network} of the cluster's nodes overlaps {why}");
                let remedy = "add private = \"10.77.0.0/24\" to [network], or another network that nothing at home uses";
                let remedy = if in_use.is_some() {
                    format!("{remedy}, delete cluster.secrets/private-network and make all images again")
                } else {
                    remedy.to_owned()
                };
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

/// Reports an overlap with the networks of the nodes or of containers, and a network that may be that of the router,
/// unless all nodes have fixed addresses.
pub(super) fn check(
    private: Option<(Ipv4Net, Range<usize>)>,
    others: &Others<'_>,
    all_fixed: bool,
    findings: &mut Findings<'_>,
) {
    let Some((network, span)) = private else {
        return;
    };
    let remedy = "choose one that nothing at home uses, like \"10.77.0.0/24\"";
    let [first, second, third, _] = network.addr().octets();
    if let Some(why) = clash(network, others) {
        findings.problem(span, format!("private {network} overlaps {why}"), remedy);
    } else if !all_fixed && OF_ROUTERS.contains(&[first, second, third]) {
        let message = format!(
            "many routers use {network} themselves, and nodes that get their address from it refuse it as private"
        );
        findings.warn(span, message, remedy);
    }
}

/// Returns what a private network overlaps.
fn clash(private: Ipv4Net, others: &Others<'_>) -> Option<String> {
    let docker = DOCKER.parse().ok();
    let is_taken = |network: &Ipv4Net| overlap(*network, private);
    if let Some(nodes) = others.nodes.iter().copied().find(is_taken) {
        Some(format!("the nodes' own network {}", nodes.trunc()))
    } else if let Some(pool) = others.pool.filter(is_taken) {
        Some(format!("default_addr_pool {pool}"))
    } else if let Some((key, address)) = others
        .outside
        .iter()
        .find(|(_, address)| private.contains(address))
    {
        Some(format!("{key} {address}"))
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
                let others = Others {
                    nodes: &[],
                    pool: "10.10.0.0/16".parse().ok(),
                    outside: Vec::new(),
                };
                assert_eq!(clash(network, &others), None);
                assert!(!OF_ROUTERS.contains(&[first, chosen, third]));
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
        let network = Network {
            dns: vec!["10.66.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
            ..Network::default()
        };
        let apt = Apt {
            proxy: Some("http://10.67.0.9:3142".to_owned()),
            mirror: Some("http://mirror.example.org/debian".to_owned()),
        };
        let others = Others::new(&nodes, Some(net("10.10.0.0/16")), &network, &apt);
        let why = |text| clash(net(text), &others);
        assert_eq!(why("10.66.0.0/24").unwrap(), "dns 10.66.0.1");
        assert_eq!(why("10.67.0.0/24").unwrap(), "proxy 10.67.0.9");
        assert_eq!(why("10.77.0.0/24"), None);
        assert_eq!(
            why("192.168.1.0/24").unwrap(),
            "the nodes' own network 192.168.1.0/24"
        );
        assert_eq!(why("10.10.5.0/24").unwrap(), "default_addr_pool 10.10.0.0/16");
        assert!(why("172.17.0.0/24").unwrap().contains("Docker"));
    }
}
