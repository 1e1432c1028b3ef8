//! "Did you mean ...?" for names and words that are not known.

pub use bulkhead_core::suggest::did_you_mean;

/// Names for a message: `a, b and c`.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    joined(&names.into_iter().collect::<Vec<_>>(), "and")
}

fn joined(names: &[&str], word: &str) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

/// What a word means, of a fixed few.
///
/// # Errors
/// The end of a sentence that begins with the key: the words that there are, and the nearest of them.
pub fn parse_word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*meaning);
    }
    let quoted: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    let quoted: Vec<&str> = quoted.iter().map(String::as_str).collect();
    let suggestion = did_you_mean(text, words.iter().map(|(word, _)| *word));
    Err(format!("must be {}, not {text:?}{suggestion}", joined(&quoted, "or")))
}
