//! Renders a node's boot partition.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::boot::cmdline::NodeWords;
use crate::boot::mechanism::{Mechanism, Release};
use crate::boot::overlay::{BootPath, Overlay};
use crate::boot::plan::Plan;
use crate::boot::settings::Settings;
use crate::boot::{bundle, cloud_init, config_txt, network, nodes, settings, user_files};
use crate::error::{Category, Context, Error, Result};

/// Returns the files of the node's boot partition. The same plan gives the same bytes.
///
/// # Errors
/// When a value of the cluster file cannot be written, or a file of the user cannot lie where they put it.
pub fn render(plan: &Plan<'_>) -> Result<Overlay> {
    render_files(plan).while_doing(|| format!("preparing the boot partition of {}", plan.node.name))
}

fn render_files(plan: &Plan<'_>) -> Result<Overlay> {
    let facts = plan.facts;
    let mut overlay = Overlay::default();
    bundle::lay_over(&mut overlay, facts.mechanism)?;

    let mut put = |path: &str, bytes: Vec<u8>| -> Result<()> {
        overlay.insert(BootPath::parse(path)?, bytes);
        Ok(())
    };
    put(settings::PATH, Settings::of(plan)?.to_shell().into_bytes())?;
    put(nodes::PATH, nodes::nodes(plan.cluster).into_bytes())?;
    put("mkimage/known_hosts", plan.known_hosts.into())?;
    put("mkimage/enrolment_keys", plan.enrolment_keys.into())?;
    put("mkimage/authorized_keys", authorized_keys(plan)?.into_bytes())?;
    for (path, bytes) in secrets(plan)? {
        put(&format!("mkimage/secrets/{path}"), bytes)?;
    }
    if let Some(config) = config_txt::render(&facts.config_txt, plan.node.model) {
        put("config.txt", config.into_bytes())?;
    }

    let run = format!("{}/mkimage/systemd-run", facts.mechanism.mount().as_str());
    let mut words = NodeWords {
        old_kernel: facts.release.is_none_or(|release| release < Release::Bookworm),
        wifi_country: plan
            .cluster
            .network
            .wifi
            .as_ref()
            .map(|wifi| wifi.country.as_str()),
        instance_id: None,
        run: matches!(facts.mechanism, Mechanism::SystemdRun { .. }).then_some(run.as_str()),
    };
    put("cmdline.txt", facts.cmdline.render(words)?)?;

    if matches!(facts.mechanism, Mechanism::SystemdRun { .. }) {
        for (path, text) in network::address_files(plan.cluster, plan.node) {
            put(&format!("mkimage/network{path}"), text.into_bytes())?;
        }
    }
    if facts.mechanism == Mechanism::CloudInit {
        put("user-data", cloud_init::user_data(plan)?.into_bytes())?;
        if let Some(config) = network::netplan::network_config(plan.cluster, plan.node)? {
            put("network-config", config.into_bytes())?;
        }
        // A changed image is a new instance, so that cloud-init acts on it; the same image is the same instance.
        let id = instance_id(plan, &overlay);
        words.instance_id = Some(&id);
        let meta_data = cloud_init::meta_data(&id, facts.dsmode.as_deref())?;
        overlay.insert(BootPath::parse("meta-data")?, meta_data);
        overlay.insert(BootPath::parse("cmdline.txt")?, facts.cmdline.render(words)?);
    }
    user_files::lay_over(&mut overlay, plan.user_files)?;
    Ok(overlay)
}

/// Files below `mkimage/secrets/`.
fn secrets(plan: &Plan<'_>) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        ("host_key", plan.identity.host_key.private.as_bytes().to_vec()),
        (
            "enrolment_key",
            plan.identity.enrolment_key.private.as_bytes().to_vec(),
        ),
    ];
    if let Some(hash) = &plan.cluster.user.password_hash {
        files.push(("password_hash", format!("{}\n", hash.as_str()).into_bytes()));
    }
    let wifi = network::wifi_secret(plan.cluster, plan.node, plan.facts.release, plan.cluster_id)?;
    files.extend(wifi.map(|(name, text)| (name, text.into_bytes())));
    Ok(files)
}

fn authorized_keys(plan: &Plan<'_>) -> Result<String> {
    let mut lines = String::new();
    for key in plan.authorized_keys {
        if key.contains(['\n', '\r', '\0']) {
            return Err(Error::new(
                Category::ClusterFile,
                "a public key of [user] ssh_authorized_keys has a line break",
            ));
        }
        lines.push_str(key);
        lines.push('\n');
    }
    Ok(lines)
}

/// A name for this content on this node of this cluster.
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
    let mut id = format!("mkimage-{}-", plan.node.name);
    for byte in digest.finalize().iter().take(8) {
        write!(id, "{byte:02x}").ok();
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing::{Base, Lab};

    const BASES: [fn() -> Base; 4] = [
        || Base::trixie("2026-10-06"),
        || Base::bookworm("2024-11-19"),
        || Base::bullseye("2023-05-03"),
        || Base::buster("2020-02-13"),
    ];

    #[test]
    fn the_same_plan_gives_the_same_bytes() {
        let lab = Lab::new();
        for base in BASES {
            let facts = base().facts();
            let bytes = |overlay: Overlay| format!("{overlay:?}");
            assert_eq!(
                bytes(render(&lab.plan(0, &facts)).unwrap()),
                bytes(render(&lab.plan(0, &facts)).unwrap())
            );
        }
    }

    #[test]
    fn a_file_of_the_users_that_stops_the_first_boot_is_noticed() {
        let lab = Lab::new();
        for base in BASES {
            let facts = base().facts();
            let mut plan = lab.plan(0, &facts);
            let overlay = render(&plan).unwrap();
            let none: [&str; 0] = [];
            assert_eq!(
                user_files::that_stop_the_first_boot(facts.mechanism, &overlay),
                none
            );
            let stock = [(
                BootPath::parse("CMDLINE.TXT").unwrap(),
                b"console=tty1 rootwait\n".to_vec(),
            )];
            plan.user_files = &stock;
            let overlay = render(&plan).unwrap();
            assert_eq!(
                user_files::that_stop_the_first_boot(facts.mechanism, &overlay),
                ["cmdline.txt"]
            );
        }
    }

    #[test]
    fn secrets_lie_nowhere_but_in_the_folder_that_is_wiped() {
        let lab = Lab::new();
        for base in BASES {
            let facts = base().facts();
            for node in 0..3 {
                let overlay = render(&lab.plan(node, &facts)).unwrap();
                let mut secret_files = 0;
                for (path, bytes) in overlay.files() {
                    let holds = bytes.windows(6).any(|window| window == b"SECRET");
                    let may = path.as_str().starts_with("mkimage/secrets/");
                    assert_eq!(holds, may, "{path} of {:?}", facts.mechanism);
                    secret_files += usize::from(holds);
                }
                assert_eq!(secret_files, 4, "two keys, a password, a passphrase");
            }
        }
    }

    #[test]
    fn a_changed_image_is_a_new_instance_and_the_same_image_the_same() {
        let id = |lab: &Lab, node: usize| {
            let facts = Base::trixie("2026-10-06").facts();
            let overlay = render(&lab.plan(node, &facts)).unwrap();
            let text = |path: &str| String::from_utf8(overlay.get(path).unwrap().to_vec()).unwrap();
            let meta = text("meta-data");
            let id = meta.lines().find_map(|line| line.strip_prefix("instance-id: "));
            let id = id.unwrap().to_owned();
            assert!(text("cmdline.txt").ends_with(&format!(" ds=nocloud;i={id}\n")));
            id
        };
        let lab = Lab::new();
        assert_eq!(id(&lab, 0), id(&lab, 0));
        assert_ne!(id(&lab, 0), id(&lab, 1));
        let mut other = Lab::new();
        other.cluster.timezone = "Etc/UTC".to_owned();
        assert_ne!(id(&lab, 0), id(&other, 0));
        let mut own_file = Lab::new();
        own_file
            .user_files
            .push((BootPath::parse("motd").unwrap(), b"hello".to_vec()));
        assert_ne!(id(&lab, 0), id(&own_file, 0));
    }

    #[test]
    fn each_era_gets_the_files_that_its_programs_read() {
        let lab = Lab::new();
        let has = |base: Base, path: &str| {
            let facts = base.facts();
            render(&lab.plan(0, &facts)).unwrap().get(path).is_some()
        };
        for base in BASES {
            assert!(has(base(), "ssh"));
            assert!(has(base(), settings::PATH));
        }
        for (path, eras) in [
            ("user-data", [true, false, false, false]),
            ("meta-data", [true, false, false, false]),
            ("network-config", [true, false, false, false]),
            ("mkimage/systemd-run", [false, true, true, true]),
            ("mkimage/network/etc/dhcpcd.conf", [false, true, true, true]),
            ("mkimage/secrets/wifi.nmconnection", [true, true, false, false]),
            ("mkimage/secrets/wpa_supplicant.conf", [false, false, true, true]),
        ] {
            for (base, expected) in BASES.into_iter().zip(eras) {
                assert_eq!(has(base(), path), expected, "{path}");
            }
        }
    }

    #[test]
    fn a_users_own_file_wins() {
        let mut lab = Lab::new();
        lab.user_files = vec![(BootPath::parse("CMDLINE.TXT").unwrap(), b"mine".to_vec())];
        let facts = Base::trixie("2026-10-06").facts();
        let overlay = render(&lab.plan(0, &facts)).unwrap();
        assert_eq!(overlay.get("cmdline.txt"), Some(&b"mine"[..]));
        assert_eq!(overlay.get("CMDLINE.TXT"), None);
    }
}
