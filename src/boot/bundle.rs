//! The files that every node gets as they are: `firstboot/` and the mechanism's folder of `overlays/`,
//! embedded in the program by `build.rs`.

use crate::boot::mechanism::Mechanism;
use crate::boot::overlay::{BootPath, Overlay};
use crate::error::Result;

/// Path below the tree, contents.
type EmbeddedFile = (&'static str, &'static [u8]);

include!(concat!(env!("OUT_DIR"), "/embedded_trees.rs"));

/// Lays both trees over the boot partition: `firstboot/X` becomes `mkimage/X`, `overlays/<mechanism>/X` becomes `X`.
pub(super) fn lay_over(overlay: &mut Overlay, mechanism: Mechanism) -> Result<()> {
    for (path, bytes) in FIRSTBOOT {
        overlay.insert(BootPath::parse(&format!("mkimage/{path}"))?, *bytes);
    }
    let tree = match mechanism {
        Mechanism::CloudInit => CLOUD_INIT,
        Mechanism::SystemdRun { .. } => SYSTEMD_RUN,
    };
    for (path, bytes) in tree {
        overlay.insert(BootPath::parse(path)?, *bytes);
    }
    Ok(())
}

/// Every embedded file.
#[cfg(test)]
pub(super) fn every_file() -> Vec<EmbeddedFile> {
    [FIRSTBOOT, CLOUD_INIT, SYSTEMD_RUN].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::mechanism::BootMount;

    #[test]
    fn what_starts_the_first_boot_is_on_every_card() {
        for (mechanism, files) in [
            (Mechanism::CloudInit, &["mkimage/install", "ssh"][..]),
            (
                Mechanism::SystemdRun {
                    mount: BootMount::Boot,
                },
                &["mkimage/install", "mkimage/systemd-run", "ssh"],
            ),
        ] {
            let mut overlay = Overlay::default();
            lay_over(&mut overlay, mechanism).unwrap();
            for file in files {
                assert!(overlay.get(file).is_some(), "{mechanism:?} has no {file}");
            }
        }
    }

    #[test]
    fn no_script_carries_what_a_windows_checkout_adds() {
        for (path, bytes) in every_file() {
            assert!(!bytes.contains(&b'\r'), "{path} has a carriage return");
        }
    }
}
