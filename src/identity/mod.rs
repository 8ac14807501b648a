//! What must stay the same when a card is made again: the `cluster.secrets/` folder.

use zeroize::Zeroizing;

/// An ed25519 key pair as OpenSSH writes it.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The private key file, `-----BEGIN OPENSSH PRIVATE KEY-----` to its end.
    pub private: Zeroizing<String>,
    /// The public key line without a comment: `ssh-ed25519 AAAA...`.
    pub public: String,
}

/// A node's keys.
#[derive(Debug, Clone)]
pub struct NodeIdentity {
    /// What the node proves itself with to whoever logs in.
    pub host_key: KeyPair,
    /// What the node asks other nodes with.
    pub enrolment_key: KeyPair,
}
