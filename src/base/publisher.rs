//! The publisher of Raspberry Pi OS: its URL, and the key that signs its images.

use std::env;

use url::{Host, Url};

use crate::error::{Category, Context, Error, Result};
use crate::signature::PublisherKey;

const ADDRESS: &str = "https://downloads.raspberrypi.com/";

/// The publisher's hosts: that of [`ADDRESS`], and its former one, which still answers.
const HOSTS: [&str; 2] = ["downloads.raspberrypi.com", "downloads.raspberrypi.org"];

/// Environment variable for another publisher: a mirror or a test server.
const VARIABLE: &str = "MKIMAGE_PUBLISHER";

#[derive(Debug, Clone)]
pub struct Publisher {
    /// The URL of the folder with the list of images.
    pub address: Url,
    pub key: PublisherKey,
}

impl Publisher {
    /// Returns Raspberry Pi, with its own URL or the one in `MKIMAGE_PUBLISHER`.
    pub fn from_environment() -> Result<Self> {
        let address = match env::var(VARIABLE) {
            Ok(address) => parse(&address)?,
            Err(_) => parse(ADDRESS)?,
        };
        Ok(Self {
            address,
            key: PublisherKey::RASPBERRY_PI,
        })
    }

    /// Returns whether the image at `url` is the publisher's, so that it must be signed.
    pub(super) fn has(&self, url: &Url) -> bool {
        let is_own = url.host_str().is_some_and(|host| HOSTS.contains(&host));
        is_own
            || (url.host() == self.address.host()
                && url.port_or_known_default() == self.address.port_or_known_default())
    }
}

/// Parses a URL whose answers cannot be changed on the way.
fn parse(address: &str) -> Result<Url> {
    let url = Url::parse(address).context(Category::Usage, || {
        format!("{VARIABLE} is `{address}`, which is not a URL")
    })?;
    if url.scheme() == "https" || (url.scheme() == "http" && is_this_computer(&url)) {
        return Ok(url);
    }
    let what =
        format!("{VARIABLE} is `{address}`, and without encryption its answers can be changed on the way");
    Err(Error::new(Category::Usage, what).with_remedy("use an https URL"))
}

fn is_this_computer(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_and_this_computer_are_asked() {
        for address in [
            "https://mirror.example/pi/",
            "http://127.0.0.1:8080/",
            "http://127.1.2.3/",
            "http://[::1]:8080/",
            "http://localhost:8080/",
        ] {
            assert!(parse(address).is_ok(), "{address}");
        }
        for address in [
            "http://mirror.example/",
            "http://192.168.1.5/",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "ftp://127.0.0.1/",
            "file:///srv/mirror/",
            "mirror.example",
            "",
        ] {
            let error = parse(address).unwrap_err();
            assert_eq!(error.category().exit_code(), 2, "{address}");
            assert!(error.to_string().contains(VARIABLE), "{error}");
        }
    }

    #[test]
    fn the_publishers_images_are_known_by_their_host() {
        let publisher = Publisher {
            address: parse("http://127.0.0.1:8080/list/").unwrap(),
            key: PublisherKey::RASPBERRY_PI,
        };
        for (url, is_own) in [
            ("https://downloads.raspberrypi.com/a.img.xz", true),
            ("http://downloads.raspberrypi.org/a.zip", true),
            ("http://127.0.0.1:8080/images/a.img.xz", true),
            ("http://127.0.0.1:8081/images/a.img.xz", false),
            ("https://mirror.example/downloads.raspberrypi.com/a.img.xz", false),
        ] {
            assert_eq!(publisher.has(&Url::parse(url).unwrap()), is_own, "{url}");
        }
    }
}
