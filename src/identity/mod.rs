//! What must stay the same when a card is made again: the `cluster.secrets/` folder.
//!
//! | file | is |
//! |---|---|
//! | `cluster-id` | 32 hexadecimal digits |
//! | `nodes/<name>/host_key`, `.pub` | what the node proves itself with |
//! | `nodes/<name>/enrolment_key`, `.pub` | what the node asks the others with |
//! | `admin_key`, `.pub` | the user's login, made when he has no ssh key and kept when he gets one |
//! | `known_hosts`, `ssh_config` | for the user's own ssh; written again whenever the cluster changes |
//! | `.gitignore` | keeps all of it out of version control |

mod folder;
mod keys;
mod known_hosts;
mod look;
mod secrets;
mod ssh_config;
#[cfg(test)]
mod tests;

pub use keys::{KeyPair, NodeIdentity};
pub use known_hosts::{enrolment_keys, known_hosts};
pub use secrets::{AdminKey, FOLDER_NAME, Secrets};
