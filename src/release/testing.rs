//! Boot partitions of every release, for tests.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::release::{BaseFacts, BootFiles};

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

    /// trixie before 2025-11-24.
    pub(crate) fn trixie_without_cloud_init(date: &str) -> Self {
        Self::trixie(date)
            .without("user-data")
            .without("meta-data")
            .without("network-config")
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

    pub(crate) fn facts(&self) -> BaseFacts {
        BaseFacts::detect(self).unwrap()
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
