//! The firmware's settings: `config.txt`.

use crate::cluster::Model;

/// Selects a kernel with pages of 4 KiB. The Pi 5's own has 16 KiB, on which programs with jemalloc do not run.
pub(super) const KERNEL: &str = "kernel=kernel8.img";

/// Returns the node's `config.txt` if it has to differ from the base's.
pub(super) fn render(base: &str, model: Model) -> Option<String> {
    if !matches!(model, Model::Pi5 | Model::Cm5) || holds_for_all(base, KERNEL) {
        return None;
    }
    let mut text = base.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if last_section(base).is_some_and(|section| section != "[all]") {
        text.push_str("\n[all]\n");
    }
    text.push_str(KERNEL);
    text.push('\n');
    Some(text)
}

/// Returns true if a setting is in a section for every model and no later line changes it.
fn holds_for_all(base: &str, setting: &str) -> bool {
    let key = setting.split_once('=').map_or(setting, |(key, _)| key);
    let mut all = true;
    let mut holds = false;
    for line in base.lines().map(str::trim) {
        if line.starts_with('[') {
            all = line == "[all]";
        } else if line.split_once('=').is_some_and(|(k, _)| k.trim() == key) {
            holds = all && line == setting;
        }
    }
    holds
}

/// Returns the last section header, or `None` without one.
fn last_section(base: &str) -> Option<&str> {
    base.lines().map(str::trim).rfind(|line| line.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pi_5_gets_the_kernel_that_containers_run_on() {
        let stock = "dtparam=audio=on\n\n[cm5]\ndtoverlay=dwc2,dr_mode=host\n\n[all]\n";
        let ours = render(stock, Model::Pi5).unwrap();
        assert_eq!(ours, format!("{stock}kernel=kernel8.img\n"));
        assert_eq!(render(&ours, Model::Cm5), None, "twice adds nothing");
    }

    #[test]
    fn the_kernel_is_set_for_all_models_after_any_last_section() {
        assert_eq!(
            render("[cm4]\notg_mode=1", Model::Cm5).unwrap(),
            "[cm4]\notg_mode=1\n\n[all]\nkernel=kernel8.img\n"
        );
        assert_eq!(
            render("[cm4]\nkernel=kernel8.img\n", Model::Pi5).unwrap(),
            "[cm4]\nkernel=kernel8.img\n\n[all]\nkernel=kernel8.img\n"
        );
        assert_eq!(render("", Model::Pi5).unwrap(), "kernel=kernel8.img\n");
    }

    #[test]
    fn other_boards_keep_the_settings_of_the_base() {
        for model in [Model::Pi3, Model::Pi4, Model::Zero2, Model::Cm3, Model::Cm4] {
            assert_eq!(render("[all]\n", model), None);
        }
    }
}
