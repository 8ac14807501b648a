//! Identities that must survive a new card: the `cluster.secrets/` folder.
//!
//! | file | content |
//! |---|---|
//! | `cluster-id` | 32 hexadecimal digits |
//! | `made` | when that was, in seconds since 1970 |
//! | `private-network` | the network in which the nodes reach each other, a /24 |
//! | `nodes/<name>/host_key`, `.pub` | the node's ssh host key |
//! | `nodes/<name>/enrolment_key`, `.pub` | the key that the node uses to ask other nodes |
//! | `nodes/<name>/wireguard_key` | its key in the private network |
//! | `nodes/<name>/private_number` | the last byte of its address there, which it keeps |
//! | `admin_key`, `.pub` | a login for a user without an ssh key; kept if they get one later |
//! | `known_hosts`, `ssh_config` | for the user's own ssh; written again when the cluster changes |
//! | `.gitignore` | keeps all of it out of version control |

mod folder;
mod keys;
mod private_place;
mod secrets;
mod ssh_config;
#[cfg(test)]
mod tests;

pub use keys::{KeyPair, NodeIdentity};
pub use secrets::{AdminKey, FOLDER_NAME, Secrets};
