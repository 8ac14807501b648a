//! The files that every node gets unchanged: `firstboot/` and the mechanism's folder of `overlays/`, which `build.rs` embeds in
//! the program.

use crate::boot::overlay::{BootPath, Overlay};
use crate::error::Result;

/// Path below its folder, contents.
type EmbeddedFile = (&'static str, &'static [u8]);

include!(concat!(env!("OUT_DIR"), "/embedded_trees.rs"));

/// Adds both, and what switches ssh on: `firstboot/X` becomes `mkimage/X`, and `overlays/<mechanism>/X` becomes `X`.
pub(super) fn lay_over(overlay: &mut Overlay, mechanism: &str) -> Result<()> {
    for (path, bytes) in FIRSTBOOT {
        overlay.insert(BootPath::parse(&format!("mkimage/{path}"))?, *bytes);
    }
    for (path, bytes) in OVERLAYS
        .iter()
        .filter(|(name, _)| *name == mechanism)
        .flat_map(|(_, files)| *files)
    {
        overlay.insert(BootPath::parse(path)?, *bytes);
    }
    // Raspberry Pi OS switches its ssh server on when there is such a file, whatever is in it.
    overlay.insert(BootPath::parse("ssh")?, &b""[..]);
    Ok(())
}

/// Returns every embedded file.
#[cfg(test)]
pub(super) fn every_file() -> impl Iterator<Item = &'static EmbeddedFile> {
    let of_mechanisms = OVERLAYS.iter().flat_map(|(_, files)| *files);
    FIRSTBOOT.iter().chain(of_mechanisms)
}

/// Returns the names of the folders in `overlays/`.
#[cfg(test)]
pub(super) fn mechanisms() -> impl Iterator<Item = &'static str> {
    OVERLAYS.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_the_first_boot_is_on_every_card() {
        for mechanism in mechanisms() {
            let mut overlay = Overlay::default();
            lay_over(&mut overlay, mechanism).unwrap();
            for file in ["mkimage/install", "mkimage/mechanism", "ssh"] {
                assert!(overlay.get(file).is_some(), "{mechanism} has no {file}");
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
