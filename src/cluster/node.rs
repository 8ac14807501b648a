//! `[[node]]`: the nodes, each checked by itself.

use std::fmt;
use std::ops::Range;

use ipnet::Ipv4Net;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use toml::Spanned;

use super::address::parse_cidr;
use super::network::is_host;
use super::problem::{Findings, Text};
use super::{Address, NodeName};

const MODELS: [Model; 7] = [
    Model::Pi3,
    Model::Pi4,
    Model::Pi5,
    Model::Zero2,
    Model::Cm3,
    Model::Cm4,
    Model::Cm5,
];

/// Names used by Debian's `/etc/hosts`, mDNS or a new Raspberry Pi, and why they cannot be used.
const RESERVED_NAMES: [(&str, &str); 7] = [
    ("local", "is the domain of all mDNS names"),
    (
        "raspberrypi",
        "is the default name of every Raspberry Pi, so its mDNS name would cause conflicts",
    ),
    ("broadcasthost", "is already in /etc/hosts on some systems"),
    ("ip6-localhost", "is already in /etc/hosts"),
    ("ip6-loopback", "is already in /etc/hosts"),
    ("ip6-allnodes", "is already in /etc/hosts"),
    ("ip6-allrouters", "is already in /etc/hosts"),
];

/// The table as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NodeTable {
    name: Text,
    model: Text,
    role: Text,
    address: Text,
    brick: Option<BrickEntry>,
}

/// `brick = { ... }` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BrickTable {
    device: Text,
    wipe: Text,
}

/// `brick = false`, `true` or a table.
#[derive(Debug)]
enum BrickEntry {
    Absent,
    Present(BrickTable),
}

// An untagged enum would lose the positions of the values inside.
impl<'de> Deserialize<'de> for BrickEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = BrickEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("false or a table such as { device = \"auto\", wipe = \"if-empty\" }")
            }

            fn visit_bool<E: de::Error>(self, present: bool) -> Result<BrickEntry, E> {
                Ok(if present {
                    BrickEntry::Present(BrickTable::default())
                } else {
                    BrickEntry::Absent
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BrickEntry, A::Error> {
                BrickTable::deserialize(MapAccessDeserializer::new(map)).map(BrickEntry::Present)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// `[[node]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub name: NodeName,
    pub model: Model,
    pub role: Role,
    pub address: Address,
    /// The USB stick, if this node has one.
    pub brick: Option<Brick>,
}

/// A Raspberry Pi board. Variants that boot the same image are one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Raspberry Pi 3, all variants.
    Pi3,
    /// Raspberry Pi 4 and 400.
    Pi4,
    /// Raspberry Pi 5 and 500: its default kernel has 16 KiB pages.
    Pi5,
    /// Zero 2 W.
    Zero2,
    /// Compute Module 3.
    Cm3,
    /// Compute Module 4.
    Cm4,
    /// Compute Module 5.
    Cm5,
}

/// A node's role in the swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Holds the swarm's state and accepts commands.
    Manager,
    /// Runs containers.
    Worker,
}

/// `brick = { device, wipe }`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Brick {
    /// `None` for the only USB disk that is neither the root nor the boot disk.
    pub device: Option<String>,
    /// The sticks that may be formatted.
    pub wipe: Wipe,
}

/// `wipe = ...`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wipe {
    /// A stick that is blank, or factory-formatted with no user files.
    #[default]
    IfEmpty,
    /// Any stick, once.
    Always,
    /// Nothing: only a stick that already belongs to this cluster is used.
    Never,
}

impl Node {
    /// Returns where other nodes find this one in the owner's network: its fixed address, or its mDNS name.
    pub fn place(&self) -> String {
        match self.address {
            Address::Fixed(cidr) => cidr.addr().to_string(),
            Address::Dhcp => self.name.mdns(),
        }
    }
}

impl Model {
    /// Returns the spelling used in the cluster file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pi3 => "pi3",
            Self::Pi4 => "pi4",
            Self::Pi5 => "pi5",
            Self::Zero2 => "zero2",
            Self::Cm3 => "cm3",
            Self::Cm4 => "cm4",
            Self::Cm5 => "cm5",
        }
    }
}

impl Role {
    /// Returns the spelling used in the cluster file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Worker => "worker",
        }
    }
}

impl Wipe {
    /// Returns the spelling used in the cluster file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IfEmpty => "if-empty",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// The valid parts of a `[[node]]` entry, with their positions.
pub(super) struct Draft {
    /// Position of the whole entry.
    pub(super) span: Range<usize>,
    pub(super) name_span: Option<Range<usize>>,
    pub(super) address_span: Option<Range<usize>>,
    pub(super) name: Option<NodeName>,
    model: Option<Model>,
    pub(super) role: Option<Role>,
    pub(super) address: Option<Address>,
    pub(super) brick: Option<Brick>,
}

impl Draft {
    /// Returns the node's name for messages.
    pub(super) fn display_name(&self) -> &str {
        self.name.as_ref().map_or("a node", NodeName::as_str)
    }

    /// Returns the node's address if it is fixed.
    pub(super) fn fixed_address(&self) -> Option<Ipv4Net> {
        match self.address {
            Some(Address::Fixed(address)) => Some(address),
            _ => None,
        }
    }

    /// Returns the node; `None` if a required value is missing or invalid.
    fn finish(&self) -> Option<Node> {
        Some(Node {
            name: self.name.clone()?,
            model: self.model?,
            role: self.role?,
            address: self.address?,
            brick: self.brick.clone(),
        })
    }
}

/// Returns all nodes, and the finished ones if every node could be understood.
pub(super) fn check(
    tables: Vec<Spanned<NodeTable>>,
    findings: &mut Findings<'_>,
) -> (Option<Vec<Node>>, Vec<Draft>) {
    if tables.is_empty() {
        let message = "there are no nodes";
        let remedy = "add one: [[node]] with name = \"pi4-1\", model = \"pi4\", role = \"manager\"";
        findings.missing(None, message, remedy);
        return (None, Vec::new());
    }
    let drafts: Vec<Draft> = tables.into_iter().map(|table| node(table, findings)).collect();
    if drafts.iter().all(|draft| draft.address_span.is_none()) {
        findings.assumed.push(
            "every node gets its address from the router (DHCP) and is reachable as <name>.local".to_owned(),
        );
    }
    (drafts.iter().map(Draft::finish).collect(), drafts)
}

fn node(entry: Spanned<NodeTable>, findings: &mut Findings<'_>) -> Draft {
    let span = entry.span();
    let table = entry.into_inner();
    let name = match &table.name {
        None => {
            findings.missing(span.clone(), "this node has no name", "add name = \"pi4-1\"");
            None
        }
        Some(entry) => findings.parse("name", entry, parse_name, "choose a name like \"pi4-1\""),
    };
    let model = match &table.model {
        None => {
            let known = MODELS.map(|model| format!("{:?}", model.as_str())).join(", ");
            let node = name.as_ref().map_or("this node", NodeName::as_str);
            let remedy = format!("add model = one of {known}");
            findings.missing(span.clone(), format!("{node} has no model"), remedy);
            None
        }
        Some(entry) => findings.choice("model", entry, &MODELS, Model::as_str),
    };
    let roles = [Role::Manager, Role::Worker];
    let role = match &table.role {
        None => Some(Role::Worker),
        Some(entry) => findings.choice("role", entry, &roles, Role::as_str),
    };
    let address = match &table.address {
        None => Some(Address::Dhcp),
        Some(entry) => {
            let of = name
                .as_ref()
                .map_or_else(String::new, |name| format!("of {name} "));
            let parse = |text: &str| parse_address(text).map_err(|why| format!("{of}{why}"));
            findings.parse(
                "address",
                entry,
                parse,
                "write it like \"192.168.1.31/24\", or \"dhcp\"",
            )
        }
    };
    Draft {
        span,
        name_span: table.name.as_ref().map(Spanned::span),
        address_span: table.address.as_ref().map(Spanned::span),
        model,
        role,
        address,
        brick: brick(table.brick, findings),
        name,
    }
}

fn parse_name(text: &str) -> Result<NodeName, String> {
    let name = NodeName::parse(text)?;
    match RESERVED_NAMES.iter().find(|(reserved, _)| *reserved == text) {
        Some((_, why)) => Err((*why).to_owned()),
        None => Ok(name),
    }
}

fn parse_address(text: &str) -> Result<Address, String> {
    if text == "dhcp" {
        return Ok(Address::Dhcp);
    }
    let cidr = parse_cidr(text)?;
    let why = if !is_host(cidr.addr()) {
        "is not an address that a machine at home can have"
    } else if cidr.prefix_len() > 30 {
        "leaves no room for other machines in the network"
    } else if cidr.addr() == cidr.network() {
        "is the address of the network itself"
    } else if cidr.addr() == cidr.broadcast() {
        "is the broadcast address of its network"
    } else {
        return Ok(Address::Fixed(cidr));
    };
    Err(why.to_owned())
}

fn brick(entry: Option<BrickEntry>, findings: &mut Findings<'_>) -> Option<Brick> {
    let table = match entry {
        None => return Some(Brick::default()),
        Some(BrickEntry::Absent) => return None,
        Some(BrickEntry::Present(table)) => table,
    };
    let choices = [Wipe::IfEmpty, Wipe::Always, Wipe::Never];
    let wipe = table
        .wipe
        .and_then(|entry| findings.choice("wipe", &entry, &choices, Wipe::as_str));
    let device = table.device.filter(|device| device.get_ref() != "auto");
    Some(Brick {
        device: device.and_then(|entry| check_device(&entry, findings)),
        wipe: wipe.unwrap_or_default(),
    })
}

fn check_device(entry: &Spanned<String>, findings: &mut Findings<'_>) -> Option<String> {
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._:@+-=,".contains(c))
    };
    let parse = |text: &str| match text.strip_prefix("/dev/") {
        Some(rest) if rest.len() < 240 && rest.split('/').all(plain) => Ok(text.to_owned()),
        _ => Err("is not the path of a disk"),
    };
    let remedy = "write \"auto\", or a path like \"/dev/disk/by-id/usb-...\"";
    let device = findings.parse("device", entry, parse, remedy)?;
    if device.starts_with("/dev/mmcblk") {
        let message = format!("device {device:?} is a memory card, and the node most likely boots from it");
        let remedy = "write \"auto\", or the stick's path under /dev/disk/by-id/";
        findings.warn(entry.span(), message, remedy);
    }
    Some(device)
}
