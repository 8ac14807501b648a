//! Settings for downloads.

use std::time::Duration;

/// Timeouts, retries and the proxy. Only tests change the defaults.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Limit for connecting to a server.
    pub connect_timeout: Duration,
    /// Limit for waiting without a byte. There is no limit for the whole download.
    pub stall_timeout: Duration,
    /// Limit for consecutive failures without a new byte.
    pub attempts: u32,
    /// The wait after the first failure. It doubles after each further one.
    pub first_wait: Duration,
    /// Limit for the wait between two attempts. If a server asks for more, the download fails.
    pub longest_wait: Duration,
    /// The proxy to use.
    pub proxy: Proxy,
}

/// The proxy for downloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// From `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the system's settings.
    System,
    /// No proxy.
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
