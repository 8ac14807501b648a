//! Time zones, by the names of the IANA tz database that Debian's package tzdata has.

use super::lists::{OLD_TIME_ZONES, TIME_ZONES, entries, pairs};
use super::problem::Unusable;
use super::suggestion::{Known, did_you_mean};

/// Checks the name of a time zone. An old name, which a node would not know, is refused with today's.
pub(super) fn parse(text: &str) -> Result<String, Unusable> {
    if entries(TIME_ZONES).any(|name| name == text) {
        return Ok(text.to_owned());
    }
    if let Some((_, today)) = pairs(OLD_TIME_ZONES).find(|(old, _)| old.eq_ignore_ascii_case(text)) {
        let remedy = format!("use today's name: {today:?}");
        return Err(Unusable::new(
            "is an old name, which Raspberry Pi OS does not know from trixie on",
            remedy,
        ));
    }
    let known = entries(TIME_ZONES).map(|name| Known::new(name, [city(name)]));
    let old = pairs(OLD_TIME_ZONES).map(|(old, today)| Known::new(today, [city(old)]));
    let otherwise = "use a name from the IANA list, such as \"Europe/Berlin\"";
    Err(Unusable::new(
        "is not a time zone",
        did_you_mean(text, known.chain(old), otherwise),
    ))
}

/// Returns the last part of a name.
fn city(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_a_node_knows_is_accepted() {
        for good in [
            "Etc/UTC",
            "UTC",
            "Europe/Berlin",
            "Europe/Amsterdam",
            "Europe/Kyiv",
            "America/Argentina/Ushuaia",
            "Etc/GMT+5",
        ] {
            assert_eq!(parse(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "/etc/passwd",
            "Europe/",
            "../UTC",
            "a b",
            "x'y",
            "-5",
            "# From",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_old_name_is_refused_with_todays() {
        for (old, today) in [
            ("US/Pacific", "America/Los_Angeles"),
            ("us/pacific", "America/Los_Angeles"),
            ("US/Eastern", "America/New_York"),
            ("Europe/Kiev", "Europe/Kyiv"),
            ("Asia/Calcutta", "Asia/Kolkata"),
            ("CET", "Europe/Brussels"),
            ("GB", "Europe/London"),
            ("Japan", "Asia/Tokyo"),
        ] {
            let refused = parse(old).unwrap_err();
            assert!(refused.why.contains("is an old name"), "{refused:?}");
            assert_eq!(refused.remedy, format!("use today's name: {today:?}"));
        }
        for (old, today) in pairs(OLD_TIME_ZONES) {
            assert!(parse(old).is_err() && parse(today).is_ok(), "{old}");
        }
    }

    #[test]
    fn a_mistyped_zone_is_refused_with_the_one_that_was_meant() {
        for (wrong, meant) in [
            ("Berlin", "\"Europe/Berlin\""),
            ("Europe/Belrin", "\"Europe/Berlin\""),
            ("europe/berlin", "\"Europe/Berlin\""),
            ("Los Angeles", "\"America/Los_Angeles\""),
            ("Buenos_Aires", "\"America/Argentina/Buenos_Aires\""),
            ("kiev", "\"Europe/Kyiv\""),
            ("utc", "\"UTC\""),
            ("Mars/Olympus", "such as \"Europe/Berlin\""),
            ("Europe", "such as \"Europe/Berlin\""),
        ] {
            let refused = parse(wrong).unwrap_err();
            assert_eq!(refused.why, "is not a time zone");
            assert!(refused.remedy.contains(meant), "{wrong}: {}", refused.remedy);
        }
    }
}
