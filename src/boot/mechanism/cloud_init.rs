//! cloud-init, which Raspberry Pi OS has since 2025-11-24: it reads `user-data` and `meta-data` from the boot partition.

mod user_data;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Hook, Kind, Mechanism, Recognised};
use crate::boot::network::netplan;
use crate::boot::overlay::{BootPath, Overlay};
use crate::boot::plan::Plan;
use crate::boot::yaml::yaml;
use crate::error::{Category, Error, Result};
use crate::release::{BaseFacts, BootFiles, Date, Refusal};

const NAME: &str = "cloud-init";

const NETWORK_CONFIG: &str = "network-config";

/// First image of Raspberry Pi OS that has it.
const FIRST: Date = Date::new(2025, 11, 24);

/// First image in which it cannot start before the boot partition is mounted (canonical/cloud-init#6614).
const FIRST_WITHOUT_RACE: Date = Date::new(2026, 4, 1);

/// Gives cloud-init's service a drop-in, in base64, as a credential (systemd.system-credentials(7), from systemd 256 on).
const DROP_IN: &str = "systemd.set_credential_binary=systemd.unit-dropin.cloud-init-main.service:";

/// Starts cloud-init anew when a power cut has emptied its files. It fails on them in its first stage, and would never come to ours.
const WITHOUT_EMPTY_FILES: &str = "[Service]\nExecStartPre=-find /var/lib/cloud -type f -empty -delete\n";

pub(super) const KIND: Kind = Kind {
    name: NAME,
    kernel_words: &["ds=nocloud", DROP_IN],
    recognise,
};

#[derive(Debug)]
struct CloudInit {
    /// `dsmode` of the base's `meta-data`.
    dsmode: Option<String>,
}

/// The part of the base's `meta-data` that a node's keeps.
#[derive(Deserialize)]
struct StockMetaData {
    dsmode: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct MetaData<'a> {
    instance_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none", rename = "dsmode")]
    dsmode: Option<&'a str>,
}

fn recognise(base: &BaseFacts, files: &dyn BootFiles) -> Recognised {
    let (there, missing) = match (base.has("user-data"), base.has("meta-data")) {
        (false, false) => return Ok(None),
        (true, true) => {
            check_age(base)?;
            let stock = files
                .read("meta-data")?
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .and_then(|text| serde_saphyr::from_str::<StockMetaData>(&text).ok());
            let dsmode = stock.and_then(|stock| stock.dsmode);
            return Ok(Some(Box::new(CloudInit { dsmode })));
        }
        (true, false) => ("user-data", "meta-data"),
        (false, true) => ("meta-data", "user-data"),
    };
    let what =
        format!("the boot partition has {there} but no {missing}: cloud-init needs both or is not there");
    Err(Error::new(Category::Verification, what).with_remedy("use an unchanged Raspberry Pi OS Lite image"))
}

/// People often put cloud-init's files on an image without cloud-init, where nothing reads them.
fn check_age(base: &BaseFacts) -> Result<()> {
    let older = match base.date {
        Some(date) if date < FIRST => format!("issue.txt says {date}"),
        _ if base.grows_by_init() => "cmdline.txt has an init= word of older images".to_owned(),
        _ => return Ok(()),
    };
    let what = format!(
        "the boot partition has user-data and meta-data, but {older}, and Raspberry Pi OS has cloud-init only since \
             {FIRST}: somebody changed this image"
    );
    Err(Error::new(Category::Verification, what).with_remedy("use an unchanged Raspberry Pi OS Lite image"))
}

impl Mechanism for CloudInit {
    fn name(&self) -> &'static str {
        NAME
    }

    fn refusal(&self, base: &BaseFacts) -> Option<Refusal> {
        let date = base.date.filter(|date| *date < FIRST_WITHOUT_RACE)?;
        Some(Refusal {
            category: Category::Refused,
            reason: format!(
                "the image of {date} can start cloud-init before the boot partition is mounted, and then ignores \
                 everything on it (canonical/cloud-init#6614)"
            ),
            remedy: "use an image of 2026-04 or later".to_owned(),
        })
    }

    fn lay_over(&self, plan: &Plan<'_>, overlay: &mut Overlay) -> Result<Vec<String>> {
        overlay.insert(BootPath::parse("user-data")?, user_data::user_data(plan)?);
        let is_customised = plan.base.leftovers.contains(&NETWORK_CONFIG);
        let config = netplan::network_config(plan.cluster, plan.node)?;
        if let Some(config) = config.or_else(|| is_customised.then(|| netplan::NOTHING.to_owned())) {
            overlay.insert(BootPath::parse(NETWORK_CONFIG)?, config);
        }
        // cloud-init acts on a changed image because that is a new instance; the same image is the same instance.
        let id = instance_id(plan, overlay);
        overlay.insert(BootPath::parse("meta-data")?, self.meta_data(&id)?);
        // With its id on the command line cloud-init does not read its files at every boot.
        let drop_in = format!("{DROP_IN}{}", STANDARD.encode(WITHOUT_EMPTY_FILES));
        Ok(vec![format!("ds=nocloud;i={id}"), drop_in])
    }

    fn hooks(&self) -> &'static [Hook] {
        &[Hook::Command("mkimage/install"), Hook::KernelWord("ds=nocloud")]
    }
}

impl CloudInit {
    fn meta_data(&self, instance_id: &str) -> Result<String> {
        let dsmode = self.dsmode.as_deref();
        yaml("meta-data", &MetaData { instance_id, dsmode })
    }
}

/// Returns a name for this content on this node of this cluster.
fn instance_id(plan: &Plan<'_>, overlay: &Overlay) -> String {
    let mut digest = Sha256::new()
        .chain_update(plan.cluster_id)
        .chain_update([0])
        .chain_update(plan.node.name.as_str());
    let user_files = plan
        .user_files
        .iter()
        .map(|(path, bytes)| (path, bytes.as_slice()));
    for (path, bytes) in overlay.files().chain(user_files) {
        digest = digest
            .chain_update([0])
            .chain_update(path.as_str())
            .chain_update([0])
            .chain_update((bytes.len() as u64).to_le_bytes())
            .chain_update(bytes);
    }
    let digits = base16ct::lower::encode_string(&digest.finalize());
    format!(
        "mkimage-{}-{}",
        plan.node.name,
        digits.get(..16).unwrap_or(&digits)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::boot::facts::BootFacts;
    use crate::boot::overlay::Overlay;
    use crate::boot::render::render;
    use crate::boot::testing::{Lab, read_yaml};
    use crate::release::testing::Base;

    #[test]
    fn images_that_can_ignore_their_boot_partition_are_refused() {
        let refusal = |date: &str| {
            let facts = BootFacts::detect(&Base::trixie(date)).unwrap();
            facts.mechanism.refusal(&facts.base)
        };
        for date in ["2025-11-24", "2025-12-04"] {
            let refusal = refusal(date).unwrap();
            assert_eq!(refusal.category, Category::Refused);
            assert!(refusal.reason.contains("6614"), "{refusal:?}");
        }
        for date in ["2026-04-13", "2026-10-06"] {
            assert_eq!(refusal(date), None);
        }
    }

    #[test]
    fn the_instance_id_is_under_the_name_that_is_read() {
        let read = |dsmode: Option<&str>| -> Value {
            let dsmode = dsmode.map(str::to_owned);
            read_yaml(&CloudInit { dsmode }.meta_data("mkimage-pi4-1-0123").unwrap())
        };
        assert_eq!(read(None), json!({ "instance-id": "mkimage-pi4-1-0123" }));
        assert_eq!(
            read(Some("local")),
            json!({ "instance-id": "mkimage-pi4-1-0123", "dsmode": "local" })
        );
    }

    #[test]
    fn a_changed_image_is_a_new_instance_and_the_same_image_the_same() {
        let text =
            |overlay: &Overlay, path: &str| String::from_utf8(overlay.get(path).unwrap().to_vec()).unwrap();
        let id = |lab: &Lab, node: usize| {
            let facts = BootFacts::detect(&Base::trixie("2026-10-06")).unwrap();
            let overlay = render(&lab.plan(node, &facts.base), &*facts.mechanism).unwrap();
            let meta = read_yaml(&text(&overlay, "meta-data"));
            assert_eq!(meta["dsmode"], "local", "as the base has it");
            let id = meta["instance-id"].as_str().unwrap().to_owned();
            assert!(text(&overlay, "cmdline.txt").contains(&format!(" ds=nocloud;i={id} {DROP_IN}")));
            id
        };
        let lab = Lab::new();
        assert_eq!(id(&lab, 0), id(&lab, 0));
        assert_ne!(id(&lab, 0), id(&lab, 1));
        let mut other = Lab::new();
        other.cluster.general.timezone = "Etc/UTC".to_owned();
        assert_ne!(id(&lab, 0), id(&other, 0));
        let mut own_file = Lab::new();
        own_file
            .user_files
            .push((BootPath::parse("motd").unwrap(), b"hello".to_vec()));
        assert_ne!(id(&lab, 0), id(&own_file, 0));
    }
}
