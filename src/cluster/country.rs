//! Countries, by the two-letter codes of ISO 3166-1.

use super::lists::{COUNTRIES, pairs};
use super::problem::Unusable;
use super::suggestion::{Known, did_you_mean};

/// Codes that stand for no country, and those that people mean by them.
const MISTAKEN: [(&str, &str); 3] = [("UK", "GB"), ("EN", "GB"), ("USA", "US")];

/// Checks the upper-case code of a country.
pub(super) fn parse(text: &str) -> Result<String, Unusable> {
    if pairs(COUNTRIES).any(|(code, _)| code == text) {
        return Ok(text.to_owned());
    }
    let known = pairs(COUNTRIES).map(|(code, name)| Known::new(code, [name]));
    let mistaken = MISTAKEN.iter().map(|(wrong, code)| Known::new(code, [*wrong]));
    let otherwise = "use two upper-case letters (ISO 3166), such as \"DE\" or \"GB\"";
    Err(Unusable::new(
        "is not a country code",
        did_you_mean(text, known.chain(mistaken), otherwise),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_existing_countries_are_accepted() {
        for good in ["GB", "US", "ZW"] {
            assert_eq!(parse(good).as_deref(), Ok(good));
        }
        for (wrong, remedy) in [
            ("UK", "did you mean \"GB\"?"),
            ("EN", "did you mean \"GB\"?"),
            ("de", "did you mean \"DE\"?"),
            ("Germany", "did you mean \"DE\"?"),
            ("USA", "did you mean \"US\"?"),
            ("XX", "two upper-case letters"),
            ("", "two upper-case letters"),
            ("D", "two upper-case letters"),
            ("E ", "two upper-case letters"),
        ] {
            let refused = parse(wrong).unwrap_err();
            assert!(refused.remedy.contains(remedy), "{wrong}: {}", refused.remedy);
        }
    }
}
