//! A cluster, its bases and judges for this module's tests.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::boot::facts::BootFacts;
use crate::boot::mechanism::BootFiles;
use crate::boot::overlay::BootPath;
use crate::boot::plan::Plan;
use crate::cluster::{
    Address, Apt, Brick, Cluster, Docker, Gluster, Ipv4Cidr, Model, Network, Node, NodeName, Origin, Role,
    User, UserName, Wifi, Wipe,
};
use crate::error::Result;
use crate::identity::{KeyPair, NodeIdentity};

pub(crate) const TRIXIE_CMDLINE: &str = "console=serial0,115200 console=tty1 root=PARTUUID=0a1b2c3d-02 rootfstype=ext4 \
                                  fsck.repair=yes rootwait resize\n";
pub(crate) const BOOKWORM_CMDLINE: &str = "console=serial0,115200 console=tty1 root=PARTUUID=0a1b2c3d-02 rootfstype=ext4 \
     fsck.repair=yes rootwait quiet init=/usr/lib/raspberrypi-sys-mods/firstboot\n";
pub(crate) const BUSTER_CMDLINE: &str = "console=serial0,115200 console=tty1 root=PARTUUID=0a1b2c3d-02 rootfstype=ext4 \
     elevator=deadline fsck.repair=yes rootwait quiet init=/usr/lib/raspi-config/init_resize.sh\n";

/// The boot partition of a base.
#[derive(Clone, Default)]
pub(crate) struct Base(BTreeMap<String, Vec<u8>>);

impl Base {
    pub(crate) fn with(mut self, path: &str, text: &str) -> Self {
        self.0.insert(path.to_owned(), text.as_bytes().to_vec());
        self
    }

    pub(crate) fn without(mut self, path: &str) -> Self {
        self.0.remove(path);
        self
    }

    fn new(date: &str, cmdline: &str) -> Self {
        let issue = format!(
            "Raspberry Pi reference {date}\nGenerated using pi-gen, https://github.com/RPi-Distro/pi-gen, 0123abcd, stage2\n"
        );
        Self::default()
            .with("cmdline.txt", cmdline)
            .with(
                "config.txt",
                "dtparam=audio=on\n\n[cm5]\ndtoverlay=dwc2,dr_mode=host\n\n[all]\n",
            )
            .with("issue.txt", &issue)
            .with("kernel8.img", "")
    }

    pub(crate) fn trixie(date: &str) -> Self {
        Self::new(date, TRIXIE_CMDLINE)
            .with("kernel_2712.img", "")
            .with("initramfs8", "")
            .with("user-data", "#cloud-config\n#hostname: raspberrypi\n")
            .with("meta-data", "dsmode: local\ninstance_id: rpios-image\n")
            .with("network-config", "# empty\n")
    }

    pub(crate) fn bookworm(date: &str) -> Self {
        Self::new(date, BOOKWORM_CMDLINE)
            .with("kernel_2712.img", "")
            .with("initramfs8", "")
    }

    pub(crate) fn bullseye(date: &str) -> Self {
        Self::new(date, BOOKWORM_CMDLINE)
    }

    pub(crate) fn buster(date: &str) -> Self {
        Self::new(date, BUSTER_CMDLINE)
            .without("kernel8.img")
            .with("kernel.img", "")
            .with("kernel7.img", "")
            .with("kernel7l.img", "")
    }

    pub(crate) fn facts(&self) -> BootFacts {
        BootFacts::detect(self).unwrap()
    }
}

impl BootFiles for Base {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(path).cloned())
    }

    fn root_names(&self) -> Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }
}

pub(crate) fn node(name: &str, role: Role, model: Model, address: &str) -> Node {
    Node {
        name: NodeName::parse(name).unwrap(),
        model,
        role,
        address: match address {
            "dhcp" => Address::Dhcp,
            cidr => Address::Fixed(Ipv4Cidr::parse(cidr).unwrap()),
        },
        brick: Some(Brick {
            device: None,
            wipe: Wipe::IfEmpty,
        }),
    }
}

/// Two managers' worth of trouble: fixed addresses, Wi-Fi, a password.
pub(crate) fn cluster() -> Cluster {
    Cluster {
        origin: Origin::BuiltIn,
        name: "homelab".to_owned(),
        base: None,
        timezone: "Europe/Berlin".to_owned(),
        locale: "de_DE.UTF-8".to_owned(),
        keyboard: "no".to_owned(),
        user: User {
            name: UserName::parse("pi").unwrap(),
            ssh_authorized_keys: Vec::new(),
            key_files: Vec::new(),
            private_key_files: Vec::new(),
            password_hash: Some(Zeroizing::new("$6$saltsaltsalt$SECRETHASH".to_owned())),
        },
        network: Network {
            gateway: Some([192, 168, 1, 1].into()),
            dns: vec![[192, 168, 1, 2].into(), "fd00::53".parse().unwrap()],
            domain: Some("lan".to_owned()),
            wifi: Some(Wifi {
                ssid: "Caf\u{e9}; 5 GHz".to_owned(),
                psk: Some(Zeroizing::new(" SECRET\\psk\"; 1".to_owned())),
                country: "DE".to_owned(),
            }),
        },
        docker: Docker::default(),
        swarm_address_pool: Some(Ipv4Cidr::parse("10.10.0.0/16").unwrap()),
        gluster: Some(Gluster {
            volume: "cluster-data".to_owned(),
            mount: "/mnt/cluster-data".to_owned(),
            replica: 3,
            arbiter: None,
        }),
        apt: Apt::default(),
        nodes: vec![
            node("pi4-1", Role::Manager, Model::Pi4, "192.168.1.31/24"),
            node("pi4-2", Role::Worker, Model::Pi4, "192.168.1.32/24"),
            node("pi5-1", Role::Worker, Model::Pi5, "dhcp"),
        ],
    }
}

pub(crate) fn identity() -> NodeIdentity {
    let pair = |what: &str| KeyPair {
        private: Zeroizing::new(format!(
            "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET{what}\n-----END OPENSSH PRIVATE KEY-----\n"
        )),
        public: format!("ssh-ed25519 AAAA{what}"),
    };
    NodeIdentity {
        host_key: pair("host"),
        enrolment_key: pair("enrolment"),
    }
}

/// What a plan borrows.
pub(crate) struct Lab {
    pub cluster: Cluster,
    pub identity: NodeIdentity,
    pub keys: Vec<String>,
    pub user_files: Vec<(BootPath, Vec<u8>)>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self {
            cluster: cluster(),
            identity: identity(),
            keys: vec![
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f somebody@a: very \
                 long # comment that does not fit on a line"
                    .to_owned(),
            ],
            user_files: Vec::new(),
        }
    }

    pub(crate) fn plan<'a>(&'a self, node: usize, facts: &'a BootFacts) -> Plan<'a> {
        Plan {
            cluster: &self.cluster,
            node: &self.cluster.nodes[node],
            identity: &self.identity,
            cluster_id: "00112233445566778899aabbccddeeff",
            authorized_keys: &self.keys,
            known_hosts: "pi4-1,192.168.1.31 ssh-ed25519 AAAAhost\n",
            enrolment_keys: "pi4-1 ssh-ed25519 AAAAenrolment\n",
            build_time: 1_795_000_000,
            facts,
            user_files: &self.user_files,
        }
    }
}

/// Runs a real program as judge over text on its standard input; its absence is a failure, not a reason to skip.
pub(crate) fn judge(program: &str, arguments: &[&str], input: &[u8]) -> String {
    use std::io::Write as _;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("this test needs the program {program}: {error}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The Python that Debian's cloud-init runs in, with its modules.
pub(crate) const PYTHON: &str = "/usr/bin/python3";

/// What cloud-init's own YAML reader makes of a text.
pub(crate) fn read_yaml(text: &str) -> serde_json::Value {
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout, default=repr)";
    serde_json::from_str(&judge(PYTHON, &["-c", script], text.as_bytes())).unwrap()
}
