//! How patient a download is.

use std::time::Duration;

/// Timeouts, retries and the way out. The default is right for everybody but tests.
#[derive(Debug, Clone)]
pub struct Connection {
    /// How long a server may take to answer a connection.
    pub connect_timeout: Duration,
    /// How long nothing may arrive. There is no limit on the whole.
    pub stall_timeout: Duration,
    /// How many times in a row a transfer may fail without having brought a single new byte.
    pub attempts: u32,
    /// The wait after the first failure. It doubles with every further one.
    pub first_wait: Duration,
    /// The longest wait between two attempts. A server that asks for more is given up.
    pub longest_wait: Duration,
    /// Which proxy is used.
    pub proxy: Proxy,
}

/// Which proxy a download goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the system's settings, say.
    System,
    /// None.
    None,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(60),
            attempts: 6,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
            proxy: Proxy::System,
        }
    }
}
