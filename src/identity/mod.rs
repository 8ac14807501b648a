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
//! | `removed/<name>/` | the keys of a node that is out of the cluster |
//! | `replaced/<name>` | the public host keys that the node had before, until it has its new ones |
//! | `owner_key`, `.pub` | signs the cluster's description; never on a card |
//! | `owner_key.old`, `admin_key.old` | the ones before, which nodes that were off still know |
//! | `description` | the newest description, with its signature |
//! | `release` | the Debian release that the newest cards were made from |
//! | `admin_key`, `.pub` | a login for a user without an ssh key; kept if they get one later |
//! | `known_hosts`, `ssh_config` | for the user's own ssh; written again when the cluster changes |
//! | `.gitignore` | keeps all of it out of version control |

mod folder;
mod keys;
mod owner;
mod private_place;
mod release;
mod renewal;
mod secrets;
mod ssh_config;
#[cfg(test)]
mod tests;

pub use keys::{KeyPair, NodeIdentity};
pub use release::recorded_release;
pub use secrets::{AdminKey, FOLDER_NAME, Secrets};
