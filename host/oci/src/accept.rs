//! `Accept` (RFC 9110, section 12.5.1), as far as manifests are chosen by it: which media types a client can read.

use crate::MediaType;

/// More entries than any client sends; what comes after is not looked at.
const MAX_ENTRIES: usize = 64;

/// The media types that a client takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// None: the client did not say.
    entries: Option<Vec<Entry>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// In lower case, without parameters.
    range: String,
    taken: Taken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Yes,
    /// `q=0`.
    No,
}

impl Accept {
    /// Of a client that did not say.
    pub const fn anything() -> Self {
        Self { entries: None }
    }

    /// Reads the values of all `Accept` headers of a request, in any number. No header, or nothing in it, takes anything.
    pub fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let texts = values.flat_map(|value| value.split(',')).map(str::trim).filter(|text| !text.is_empty());
        let entries: Vec<Entry> = texts.take(MAX_ENTRIES).map(Entry::parse).collect();
        Self { entries: (!entries.is_empty()).then_some(entries) }
    }

    /// Whether the client takes content of this type. The most precise entry decides. All manifests are JSON, so `application/json`, which
    /// old clients and `curl` users write, takes any of them.
    pub fn takes(&self, media_type: &MediaType) -> bool {
        self.takes_text(media_type.as_str())
    }

    /// The same of a type that is known.
    pub fn takes_text(&self, media_type: &str) -> bool {
        let Some(entries) = &self.entries else { return true };
        let exact = media_type.to_ascii_lowercase();
        let of = |range: &str| entries.iter().find(|entry| entry.range == range).map(|entry| entry.taken);
        let kind = exact.split_once('/').map_or("", |(kind, _)| kind);
        // A client that takes no plain JSON has said nothing of manifests.
        let json = || of("application/json").filter(|taken| *taken == Taken::Yes);
        let decided = of(&exact).or_else(json).or_else(|| of(&format!("{kind}/*"))).or_else(|| of("*/*"));
        decided == Some(Taken::Yes)
    }
}

impl Entry {
    fn parse(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = |parameter: &str| {
            let quality = parameter.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
            quality.and_then(|(_, value)| value.trim().parse::<f32>().ok()).is_some_and(|quality| quality <= 0.0)
        };
        Self { range, taken: if parts.any(refused) { Taken::No } else { Taken::Yes } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(values: &[&str], media_type: &str) -> bool {
        Accept::parse(values.iter().copied()).takes(&media_type.parse().unwrap())
    }

    #[test]
    fn who_does_not_say_takes_anything() {
        assert!(Accept::anything().takes(&MediaType::OCI_INDEX.parse().unwrap()));
        assert!(takes(&[], MediaType::OCI_INDEX) && takes(&["", " , "], MediaType::OCI_INDEX));
    }

    #[test]
    fn types_are_taken_from_all_lines_whatever_their_case_and_parameters() {
        let lines = ["application/json;q=0, text/plain", "Application/VND.oci.image.index.v1+JSON; charset=utf-8;q=0.5"];
        assert!(takes(&lines, MediaType::OCI_INDEX));
        assert!(!takes(&lines, MediaType::OCI_MANIFEST));
    }

    #[test]
    fn wildcards_and_plain_json_take_every_manifest() {
        for value in ["*/*", "application/*", "application/json", "text/html, */*;q=0.1"] {
            assert!(takes(&[value], MediaType::OCI_INDEX), "{value}");
        }
        assert!(!takes(&["text/*"], MediaType::OCI_INDEX));
    }

    #[test]
    fn the_most_precise_entry_decides() {
        assert!(!takes(&["*/*, application/vnd.oci.image.index.v1+json;q=0"], MediaType::OCI_INDEX));
        assert!(!takes(&["application/vnd.oci.image.index.v1+json; Q=0.000"], MediaType::OCI_INDEX));
        assert!(takes(&["application/json;q=0, */*"], MediaType::OCI_INDEX));
        assert!(takes(&["application/*;q=0, application/vnd.oci.image.index.v1+json"], MediaType::OCI_INDEX));
    }
}
