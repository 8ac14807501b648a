//! The names that Debian knows, from `lists/`: those of trixie, the release that Raspberry Pi OS is built from.
//!
//! `lists/update` writes the files from Debian's packages, and the first line of each names them.

/// Time zones: the names in Debian's package tzdata.
pub(super) const TIME_ZONES: &str = include_str!("lists/time-zones");

/// Old names of time zones, which only the package tzdata-legacy has, each with a tab and today's name.
pub(super) const OLD_TIME_ZONES: &str = include_str!("lists/old-time-zones");

/// Countries: ISO 3166-1 codes, each with a tab and the usual English name. `raspi-config` takes the same list from tzdata
/// for the country of the radio.
pub(super) const COUNTRIES: &str = include_str!("lists/countries");

/// Locales with UTF-8: the names in `/usr/share/i18n/SUPPORTED`.
pub(super) const LOCALES: &str = include_str!("lists/locales");

/// Keyboard layouts of XKB, each with a tab and its English name; then, if it has variants, another tab and their names
/// with blanks between.
pub(super) const KEYBOARDS: &str = include_str!("lists/keyboards");

/// Returns the entries of a list, one per line.
pub(super) fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter(|line| !line.starts_with('#'))
}

/// Returns the entries of a list in two columns.
pub(super) fn pairs(list: &str) -> impl Iterator<Item = (&str, &str)> {
    entries(list).filter_map(|line| line.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_whole_and_names_its_packages() {
        for (list, package, least) in [
            (TIME_ZONES, "tzdata ", 480),
            (OLD_TIME_ZONES, "tzdata-legacy ", 100),
            (COUNTRIES, "tzdata ", 249),
            (LOCALES, "locales ", 300),
            (KEYBOARDS, "xkb-data ", 95),
        ] {
            let (first, _) = list.split_once('\n').unwrap();
            assert!(first.contains(package), "{first}");
            assert!(entries(list).count() >= least, "{first}");
            assert!(entries(list).is_sorted() && list.ends_with('\n'), "{first}");
        }
    }
}
