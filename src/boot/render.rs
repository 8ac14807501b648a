//! Renders a node's boot partition.

use crate::boot::mechanism::Mechanism;
use crate::boot::overlay::{BootPath, Overlay};
use crate::boot::plan::Plan;
use crate::boot::settings::{self, Settings};
use crate::boot::{bundle, cmdline, config_txt, network, user_files};
use crate::error::{Context, Result};

/// Returns the files of the node's boot partition. The same plan gives the same bytes. Fails if a value of the
/// cluster file cannot be written, or a file of the user cannot lie where they put it.
pub fn render(plan: &Plan<'_>, mechanism: &dyn Mechanism) -> Result<Overlay> {
    render_files(plan, mechanism)
        .while_doing(|| format!("preparing the boot partition of {}", plan.node.name))
}

fn render_files(plan: &Plan<'_>, mechanism: &dyn Mechanism) -> Result<Overlay> {
    let mut overlay = Overlay::default();
    bundle::lay_over(&mut overlay, mechanism.name())?;

    let mut put = |path: &str, bytes: Vec<u8>| -> Result<()> {
        overlay.insert(BootPath::parse(path)?, bytes);
        Ok(())
    };
    put(settings::PATH, Settings::of(plan)?.to_shell().into_bytes())?;
    put("mkimage/description", plan.description.into())?;
    put("mkimage/owner", plan.owner.into())?;
    put("mkimage/enrolment_certificate", plan.certificate.into())?;
    for (path, bytes) in secrets(plan)? {
        put(&format!("mkimage/secrets/{path}"), bytes)?;
    }
    if let Some(config) = config_txt::render(&plan.base.config_txt, plan.node.model) {
        put("config.txt", config.into_bytes())?;
    }
    put(CMDLINE, cmdline(plan, &[])?)?;

    let words = mechanism.lay_over(plan, &mut overlay)?;
    overlay.insert(BootPath::parse(CMDLINE)?, cmdline(plan, &words)?);
    // Otherwise the system applies a stranger's settings beside ours.
    for file in &plan.base.leftovers {
        overlay.wipe(BootPath::parse(file)?);
    }
    user_files::lay_over(&mut overlay, plan.user_files)?;
    Ok(overlay)
}

const CMDLINE: &str = "cmdline.txt";

fn cmdline(plan: &Plan<'_>, mechanism: &[String]) -> Result<Vec<u8>> {
    let wifi = plan.cluster.network.wifi.as_ref();
    let country = wifi.map(|wifi| wifi.country.as_str());
    cmdline::render(&plan.base.cmdline, plan.base.release, country, mechanism)
}

/// Returns the files below `mkimage/secrets/`.
fn secrets(plan: &Plan<'_>) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        ("host_key", plan.identity.host_key.private.as_bytes().to_vec()),
        (
            "enrolment_key",
            plan.identity.enrolment_key.private.as_bytes().to_vec(),
        ),
        (
            "wireguard_key",
            plan.identity.wireguard_key.private.as_bytes().to_vec(),
        ),
    ];
    if let Some(hash) = &plan.cluster.user.password_hash {
        files.push(("password_hash", format!("{}\n", hash.as_str()).into_bytes()));
    }
    if let Some(backup) = &plan.cluster.backup {
        files.push(("backup", backup.to_shell().as_bytes().to_vec()));
    }
    let wifi = network::wifi_secret(plan.cluster, plan.node, plan.base.release, plan.cluster_id)?;
    files.extend(wifi.map(|(name, text)| (name, text.into_bytes())));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::facts::BootFacts;
    use crate::boot::testing::Lab;
    use crate::release::testing::Base;

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
            let facts = BootFacts::detect(&base()).unwrap();
            let bytes = |overlay: Overlay| format!("{overlay:?}");
            assert_eq!(
                bytes(render(&lab.plan(0, &facts.base), &*facts.mechanism).unwrap()),
                bytes(render(&lab.plan(0, &facts.base), &*facts.mechanism).unwrap())
            );
        }
    }

    #[test]
    fn a_file_of_the_user_that_stops_the_first_boot_is_found() {
        let lab = Lab::new();
        for base in BASES {
            let facts = BootFacts::detect(&base()).unwrap();
            let mut plan = lab.plan(0, &facts.base);
            let overlay = render(&plan, &*facts.mechanism).unwrap();
            let none: [&str; 0] = [];
            assert_eq!(
                user_files::files_replacing_boot_hooks(&*facts.mechanism, &overlay),
                none
            );
            let stock = [(
                BootPath::parse("CMDLINE.TXT").unwrap(),
                b"console=tty1 rootwait\n".to_vec(),
            )];
            plan.user_files = &stock;
            let overlay = render(&plan, &*facts.mechanism).unwrap();
            assert_eq!(
                user_files::files_replacing_boot_hooks(&*facts.mechanism, &overlay),
                ["cmdline.txt"]
            );
        }
    }

    #[test]
    fn secrets_are_only_in_the_folder_that_is_wiped() {
        let lab = Lab::new();
        for base in BASES {
            let facts = BootFacts::detect(&base()).unwrap();
            for node in 0..3 {
                let overlay = render(&lab.plan(node, &facts.base), &*facts.mechanism).unwrap();
                let mut secret_files = 0;
                for (path, bytes) in overlay.files() {
                    let holds = bytes.windows(6).any(|window| window == b"SECRET");
                    let may = path.as_str().starts_with("mkimage/secrets/");
                    assert_eq!(holds, may, "{path} of {:?}", facts.mechanism);
                    secret_files += usize::from(holds);
                }
                assert_eq!(secret_files, 5, "three keys, a password, a passphrase");
            }
        }
    }

    #[test]
    fn each_era_gets_the_files_that_its_programs_read() {
        let lab = Lab::new();
        let has = |base: Base, path: &str| {
            let facts = BootFacts::detect(&base).unwrap();
            render(&lab.plan(0, &facts.base), &*facts.mechanism)
                .unwrap()
                .get(path)
                .is_some()
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
    fn nothing_of_an_earlier_customisation_is_applied() {
        let mut lab = Lab::new();
        let wifi = "network:\n  wifis: {wlan0: {access-points: {home: {password: SECRET}}}}\n";
        let trixie = Base::trixie("2026-10-06")
            .with("network-config", wifi)
            .with("user-data", "#cloud-config\nhostname: other\n")
            .with("custom.toml", "");
        let rendered = |lab: &Lab, base: &Base, node: usize| {
            let facts = BootFacts::detect(base).unwrap();
            render(&lab.plan(node, &facts.base), &*facts.mechanism).unwrap()
        };
        let removed =
            |overlay: &Overlay| -> Vec<String> { overlay.removed().map(ToString::to_string).collect() };
        // The third node uses DHCP.
        for node in 0..3 {
            let overlay = rendered(&lab, &trixie, node);
            let config = String::from_utf8_lossy(overlay.get("network-config").unwrap()).into_owned();
            assert!(!config.contains("wifis"), "{config}");
            assert_eq!(removed(&overlay), ["custom.toml"]);
        }
        let stock = rendered(&lab, &Base::trixie("2026-10-06"), 2);
        assert_eq!(stock.get("network-config"), None);
        assert_eq!(removed(&stock), [""; 0]);

        let bullseye = Base::bullseye("2023-05-03")
            .with("wpa_supplicant.conf", "")
            .with("userconf.txt", "")
            .with("network-config", wifi);
        let overlay = rendered(&lab, &bullseye, 2);
        assert_eq!(
            removed(&overlay),
            ["network-config", "userconf.txt", "wpa_supplicant.conf"]
        );
        lab.user_files = vec![(BootPath::parse("Userconf.TXT").unwrap(), b"mine".to_vec())];
        let overlay = rendered(&lab, &bullseye, 2);
        assert_eq!(removed(&overlay), ["network-config", "wpa_supplicant.conf"]);
        assert!(overlay.get("Userconf.TXT").is_some());
    }

    #[test]
    fn a_users_own_file_wins() {
        let mut lab = Lab::new();
        lab.user_files = vec![(BootPath::parse("CMDLINE.TXT").unwrap(), b"mine".to_vec())];
        let facts = BootFacts::detect(&Base::trixie("2026-10-06")).unwrap();
        let overlay = render(&lab.plan(0, &facts.base), &*facts.mechanism).unwrap();
        assert_eq!(overlay.get("cmdline.txt"), Some(&b"mine"[..]));
        assert_eq!(overlay.get("CMDLINE.TXT"), None);
    }
}
