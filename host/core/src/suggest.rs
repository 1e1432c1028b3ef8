//! "Did you mean ...?" for names and words that are not known: in the configuration, and in the bodies of requests.

/// The known name that is nearest to `name`, as the end of a message: `; did you mean "x"?`, or nothing if none is near.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let most = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name.to_lowercase(), candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| format!("; did you mean \"{candidate}\"?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_name_is_suggested_if_one_is_near() {
        assert_eq!(did_you_mean("rols", ["roles", "role-map"]), "; did you mean \"roles\"?");
        assert_eq!(did_you_mean("colour", ["roles", "name"]), "");
    }
}
