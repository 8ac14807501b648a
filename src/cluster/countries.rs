//! Country codes for the radio: those of ISO 3166-1, as in the kernel's regulatory database.

/// All officially assigned two-letter codes of ISO 3166-1, sorted.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY \
    MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM \
    PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ \
    TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Common mistakes and the codes that are meant.
const MISTAKEN: [(&str, &str); 2] = [("UK", "GB"), ("EN", "GB")];

/// Returns whether `code` is an upper-case country code.
pub(super) fn is_country(code: &str) -> bool {
    code.len() == 2 && COUNTRIES.split(' ').any(|country| country == code)
}

/// Returns the code that was probably meant by `code`.
pub(super) fn suggestion(code: &str) -> Option<&'static str> {
    let upper = code.to_ascii_uppercase();
    COUNTRIES
        .split(' ')
        .find(|country| *country == upper)
        .or_else(|| {
            MISTAKEN
                .iter()
                .find(|(mistaken, _)| *mistaken == upper)
                .map(|(_, meant)| *meant)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_existing_countries_are_accepted() {
        assert_eq!(COUNTRIES.split(' ').count(), 249);
        assert!(COUNTRIES.split(' ').is_sorted());
        assert!(is_country("GB") && is_country("US") && is_country("ZW"));
        for wrong in ["UK", "XX", "de", "", "DEU", "D", "E "] {
            assert!(!is_country(wrong), "{wrong}");
        }
        assert_eq!(suggestion("UK"), Some("GB"));
        assert_eq!(suggestion("de"), Some("DE"));
        assert_eq!(suggestion("XX"), None);
    }
}
