//! `[[node]]`: checks each node separately.

use toml::Spanned;

use super::super::file::{BrickEntry, NodeTable};
use super::super::problem::Findings;
use super::super::{Address, Brick, Ipv4Cidr, Model, Node, NodeName, Role, Wipe};
use super::draft::Draft;
use super::network::is_host;
use super::{choice, span};

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

/// All nodes; the finished ones only when every node could be understood.
pub(super) fn nodes(
    tables: Vec<Spanned<NodeTable>>,
    findings: &mut Findings<'_>,
) -> (Option<Vec<Node>>, Vec<Draft>) {
    if tables.is_empty() {
        findings.missing(
            None,
            "there are no nodes",
            "add one: [[node]] with name = \"pi4-1\", model = \"pi4\", role = \"manager\"",
        );
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

/// One node by itself.
fn node(entry: Spanned<NodeTable>, findings: &mut Findings<'_>) -> Draft {
    let whole = entry.span();
    let table = entry.into_inner();
    let name_span = span(table.name.as_ref());
    let address_span = span(table.address.as_ref());
    let name = match &table.name {
        None => {
            findings.missing(Some(&whole), "this node has no name", "add name = \"pi4-1\"");
            None
        }
        Some(entry) => name(entry, findings),
    };
    let model = match &table.model {
        None => {
            let known: Vec<String> = MODELS
                .iter()
                .map(|model| format!("{:?}", model.as_str()))
                .collect();
            findings.missing(
                Some(&whole),
                format!(
                    "{} has no model",
                    name.as_ref().map_or("this node", NodeName::as_str)
                ),
                format!("add model = one of {}", known.join(", ")),
            );
            None
        }
        Some(entry) => choice(entry, "model", &MODELS, Model::as_str, findings),
    };
    let role = match &table.role {
        None => Some(Role::Worker),
        Some(entry) => choice(
            entry,
            "role",
            &[Role::Manager, Role::Worker],
            Role::as_str,
            findings,
        ),
    };
    let address = match &table.address {
        None => Some(Address::Dhcp),
        Some(entry) => address(entry, name.as_ref(), findings),
    };
    Draft {
        span: whole,
        name_span,
        address_span,
        model,
        role,
        address,
        brick: brick(table.brick, findings),
        name,
    }
}

fn name(entry: &Spanned<String>, findings: &mut Findings<'_>) -> Option<NodeName> {
    let text = entry.get_ref();
    let parsed = NodeName::parse(text).and_then(|name| {
        match RESERVED_NAMES.iter().find(|(reserved, _)| reserved == text) {
            Some((_, why)) => Err((*why).to_owned()),
            None => Ok(name),
        }
    });
    parsed
        .map_err(|why| {
            findings.problem(
                entry.span(),
                format!("name {text:?} {why}"),
                "choose a name like \"pi4-1\"",
            );
        })
        .ok()
}

fn address(entry: &Spanned<String>, node: Option<&NodeName>, findings: &mut Findings<'_>) -> Option<Address> {
    let text = entry.get_ref();
    if text == "dhcp" {
        return Some(Address::Dhcp);
    }
    let of = node.map_or_else(String::new, |name| format!(" of {name}"));
    let parsed = Ipv4Cidr::parse(text).and_then(|cidr| {
        if !is_host(cidr.address()) {
            Err("is not an address that a machine at home can have".to_owned())
        } else if cidr.prefix() > 30 {
            Err("leaves no room for other machines in the network".to_owned())
        } else if cidr.address() == cidr.network() {
            Err("is the address of the network itself".to_owned())
        } else if cidr.address() == cidr.broadcast() {
            Err("is the broadcast address of its network".to_owned())
        } else {
            Ok(Address::Fixed(cidr))
        }
    });
    parsed
        .map_err(|why| {
            findings.problem(
                entry.span(),
                format!("address {text:?}{of} {why}"),
                "write it like \"192.168.1.31/24\", or \"dhcp\"",
            );
        })
        .ok()
}

fn brick(entry: Option<Spanned<BrickEntry>>, findings: &mut Findings<'_>) -> Option<Brick> {
    let table = match entry.map(Spanned::into_inner) {
        None => {
            return Some(Brick {
                device: None,
                wipe: Wipe::default(),
            });
        }
        Some(BrickEntry::Absent) => return None,
        Some(BrickEntry::Present(table)) => table,
    };
    let wipe = table.wipe.as_ref().and_then(|entry| {
        choice(
            entry,
            "wipe",
            &[Wipe::IfEmpty, Wipe::Always, Wipe::Never],
            Wipe::as_str,
            findings,
        )
    });
    let device = table.device.filter(|device| device.get_ref() != "auto");
    if let Some(device) = &device {
        check_device(device, findings);
    }
    Some(Brick {
        device: device.map(Spanned::into_inner),
        wipe: wipe.unwrap_or_default(),
    })
}

fn check_device(entry: &Spanned<String>, findings: &mut Findings<'_>) {
    let text = entry.get_ref();
    let plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._:@+-=,".contains(c))
    };
    if !text
        .strip_prefix("/dev/")
        .is_some_and(|rest| rest.len() < 240 && rest.split('/').all(plain))
    {
        findings.problem(
            entry.span(),
            format!("device {text:?} is not the path of a disk"),
            "write \"auto\", or a path like \"/dev/disk/by-id/usb-...\"",
        );
    } else if text.starts_with("/dev/mmcblk") {
        findings.warn(
            Some(entry.span()),
            format!("device {text:?} is a memory card, and the node most likely boots from it"),
            "write \"auto\", or the stick's path under /dev/disk/by-id/",
        );
    }
}
