//! A plan with everything that it borrows, and judges, for this module's tests.

use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::boot::overlay::BootPath;
use crate::boot::plan::Plan;
use crate::cluster::Cluster;
use crate::cluster::testing::cluster;
use crate::identity::{KeyPair, NodeIdentity};
use crate::release::BaseFacts;

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
        wireguard_key: pair("wireguard"),
        private_number: 1,
    }
}

/// The values that a plan borrows.
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

    pub(crate) fn plan<'a>(&'a self, node: usize, base: &'a BaseFacts) -> Plan<'a> {
        Plan {
            cluster: &self.cluster,
            node: &self.cluster.nodes[node],
            identity: &self.identity,
            cluster_id: "00112233445566778899aabbccddeeff",
            authorized_keys: &self.keys,
            description: "mkimage description 1\n",
            owner: "mkimage ssh-ed25519 AAAAowner\n",
            certificate: "ssh-ed25519-cert-v01@openssh.com AAAAcertificate\n",
            private_network: "10.77.0.0/24".parse().unwrap(),
            build_time: 1_795_000_000,
            base,
            user_files: &self.user_files,
        }
    }
}

/// Runs a real program on a text and returns its output. The test fails if the program is missing or ends with an error.
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

/// Runs cloud-init, which is not installed for that, or, with `python` as the first argument, the Python that has its modules.
pub(crate) fn cloud_init(arguments: &[&str], input: &[u8]) -> String {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/image/cloud-init");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tmp/cloud-init");
    judge(program, &[&[folder], arguments].concat(), input)
}

/// Reads YAML with cloud-init's own reader.
pub(crate) fn read_yaml(text: &str) -> serde_json::Value {
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout, default=repr)";
    serde_json::from_str(&cloud_init(&["python", "-c", script], text.as_bytes())).unwrap()
}
