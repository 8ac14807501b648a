//! systemd's run generator, for images without cloud-init: it starts a script that the kernel's command line names, without
//! a network.

use super::{Hook, Kind, Mechanism, Recognised};
use crate::boot::network;
use crate::boot::overlay::{BootPath, Overlay};
use crate::boot::plan::Plan;
use crate::error::Result;
use crate::release::{BaseFacts, BootFiles, BootMount};

const NAME: &str = "systemd.run";

pub(super) const KIND: Kind = Kind {
    name: NAME,
    kernel_words: &[
        "systemd.run=",
        "systemd.run_success_action=",
        "systemd.run_failure_action=",
        "systemd.unit=kernel-command-line.target",
    ],
    recognise,
};

#[derive(Debug)]
struct SystemdRun {
    mount: BootMount,
}

/// Every release has it, so it is the last that is tried.
#[allow(clippy::unnecessary_wraps)] // as every mechanism's
fn recognise(base: &BaseFacts, _: &dyn BootFiles) -> Recognised {
    Ok(Some(Box::new(SystemdRun { mount: base.mount })))
}

impl Mechanism for SystemdRun {
    fn name(&self) -> &'static str {
        NAME
    }

    fn description(&self) -> String {
        format!("{NAME} in {}", self.mount)
    }

    fn lay_over(&self, plan: &Plan<'_>, overlay: &mut Overlay) -> Result<Vec<String>> {
        for (path, text) in network::address_files(plan.cluster, plan.node) {
            overlay.insert(BootPath::parse(&format!("mkimage/network{path}"))?, text);
        }
        // Clean-up code in the field deletes from ` systemd.run=` on, so these come last and in this order.
        Ok(vec![
            format!("systemd.run={}/mkimage/systemd-run", self.mount),
            "systemd.run_success_action=reboot".to_owned(),
            "systemd.unit=kernel-command-line.target".to_owned(),
        ])
    }

    fn hooks(&self) -> &'static [Hook] {
        &[Hook::KernelWord("systemd.run=")]
    }
}
