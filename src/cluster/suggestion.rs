//! The known names that may have been meant by a wrong one.

/// The similarity to a wrong name from which a known one is suggested: the part of its letters that are right. Jaro-Winkler, which
/// favours a common beginning, would take `Europe/Rome` for a spelling of `Europe`.
const MIN_SIMILARITY: f64 = 0.65;

/// Names that fit worse than the best one by more than this are not suggested.
const MAX_DIFFERENCE: f64 = 0.02;

/// The number of names that are suggested. Of more that fit equally well, none is.
const MAX_SUGGESTIONS: usize = 3;

/// A longer text is not a name.
const MAX_LENGTH: usize = 64;

/// A known name.
pub(super) struct Known<'a> {
    name: &'a str,
    /// Other words for it.
    aliases: Vec<&'a str>,
}

impl<'a> Known<'a> {
    pub(super) fn new(name: &'a str, aliases: impl Into<Vec<&'a str>>) -> Self {
        let aliases = aliases.into();
        Self { name, aliases }
    }

    /// Returns how well the name fits: more than 1 if `wrong` is another spelling of the name, an alias, or words of an alias. `wrong`
    /// is simplified.
    fn fit(&self, wrong: &str) -> f64 {
        let name = simplified(self.name);
        if name == wrong {
            return 4.0;
        }
        let aliases: Vec<String> = self.aliases.iter().map(|alias| simplified(alias)).collect();
        if aliases.iter().any(|alias| alias == wrong) {
            return 3.0;
        }
        let spellings = aliases.iter().chain([&name]);
        let similarity = spellings
            .map(|spelling| strsim::normalized_damerau_levenshtein(spelling, wrong))
            .fold(0.0, f64::max);
        let begins = |alias: &String| {
            let rest = alias.strip_prefix(wrong);
            rest.is_some_and(|rest| rest.starts_with(' '))
        };
        let has_words = |alias: &String| {
            let mut words = wrong.split(' ');
            words.all(|wrong| wrong.len() > 1 && alias.split(' ').any(|word| word == wrong))
        };
        if aliases.iter().any(begins) {
            2.0 + similarity
        } else if aliases.iter().any(has_words) {
            1.0 + similarity
        } else {
            similarity
        }
    }
}

/// Returns the names that fit a wrong one best, at most three.
pub(super) fn suggestions<'a>(wrong: &str, known: impl IntoIterator<Item = Known<'a>>) -> Vec<&'a str> {
    if wrong.chars().nth(MAX_LENGTH).is_some() {
        return Vec::new();
    }
    let wrong = simplified(wrong);
    if wrong.is_empty() {
        return Vec::new();
    }
    let mut fits: Vec<(f64, &str)> = known
        .into_iter()
        .map(|known| (known.fit(&wrong), known.name))
        .filter(|(fit, _)| *fit > MIN_SIMILARITY)
        .collect();
    fits.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let best = fits.first().map_or(0.0, |(fit, _)| *fit);
    let mut names: Vec<&str> = Vec::new();
    for (fit, name) in fits {
        if fit >= best - MAX_DIFFERENCE && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > MAX_SUGGESTIONS {
        names.clear();
    }
    names
}

/// Returns the question for the names that fit best, or another remedy if there are none.
pub(super) fn did_you_mean<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = Known<'a>>,
    otherwise: &str,
) -> String {
    question(&suggestions(wrong, known)).unwrap_or_else(|| otherwise.to_owned())
}

/// Returns the question whether one of these names was meant.
pub(super) fn question(names: &[&str]) -> Option<String> {
    let (last, others) = names.split_last()?;
    let others: Vec<String> = others.iter().map(|name| format!("{name:?}")).collect();
    Some(if others.is_empty() {
        format!("did you mean {last:?}?")
    } else {
        format!("did you mean {} or {last:?}?", others.join(", "))
    })
}

/// Returns a text in lower case, with one blank in place of everything between its letters and digits.
fn simplified(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(wrong: &str) -> Vec<&'static str> {
        let known = [
            ("gb", "English (UK)"),
            ("us", "English (US)"),
            ("de", "German"),
            ("at", "German (Austria)"),
            ("New_York", ""),
        ];
        suggestions(wrong, known.map(|(name, alias)| Known::new(name, [alias])))
    }

    #[test]
    fn another_spelling_or_a_word_finds_the_name() {
        for (wrong, expected) in [
            ("DE", ["de"].as_slice()),
            ("german", &["de"]),
            ("Uk", &["gb"]),
            ("english", &["gb", "us"]),
            ("German, Austria", &["at"]),
            ("new york", &["New_York"]),
            ("New_Yrok", &["New_York"]),
            ("New", &[]),
            ("dee", &["de"]),
            ("zz", &[]),
            ("", &[]),
        ] {
            assert_eq!(meant(wrong), expected, "{wrong}");
        }
    }

    #[test]
    fn a_name_that_fits_no_better_than_many_others_is_not_suggested() {
        let names = ["pi-1", "pi-2", "pi-3", "pi-4"];
        let known = || names.map(|name| Known::new(name, []));
        assert_eq!(suggestions("pi-9", known()), [""; 0]);
        assert_eq!(suggestions("pi-9", known().into_iter().take(3)), names[..3]);
        assert_eq!(suggestions(&"pi-1".repeat(100_000), known()), [""; 0]);
    }

    #[test]
    fn the_question_names_all_suggestions() {
        let ask = |wrong: &str, names: &[&'static str]| {
            did_you_mean(wrong, names.iter().map(|name| Known::new(name, [])), "look")
        };
        assert_eq!(ask("x", &["abc"]), "look");
        assert_eq!(ask("abd", &["abc"]), r#"did you mean "abc"?"#);
        assert_eq!(
            ask("pi-9", &["pi-1", "pi-2"]),
            r#"did you mean "pi-1" or "pi-2"?"#
        );
    }
}
