//! Patterns over names of several levels.
//!
//! Within a level, `*` is any run of characters and `?` any one; `**` is a level by itself and stands for any number of levels. At the end
//! it stands for at least one, so that `public/**` is what lies below `public`, and not `public` itself. Every match takes time that is at
//! most the product of the lengths of pattern and name.

/// A pattern that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    levels: Vec<Level>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Any,
    One(Vec<u8>),
}

impl Glob {
    /// The error says what is wrong with the pattern.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let mut levels: Vec<Level> = pattern.split('/').map(|level| Self::level(pattern, level)).collect::<Result<_, _>>()?;
        if levels.last() == Some(&Level::Any) {
            levels.insert(levels.len() - 1, Level::One(b"*".to_vec()));
        }
        Ok(Self { levels })
    }

    fn level(pattern: &str, level: &str) -> Result<Level, String> {
        let known = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-:*?".contains(letter);
        if let Some(letter) = level.chars().find(|letter| !known(*letter)) {
            let hint = if letter.is_ascii_uppercase() { "; names of repositories have no capitals" } else { "" };
            return Err(format!("`{pattern}` holds `{letter}`, which no name has{hint}"));
        }
        match level {
            "**" => Ok(Level::Any),
            "" => Err(format!("`{pattern}` has an empty level: no `/` at its beginning or end, nor two in a row")),
            _ if level.contains("**") => {
                Err(format!("`{pattern}` has `**` beside other characters: it is a level by itself, as in `a/**`"))
            }
            _ => Ok(Level::One(level.as_bytes().to_vec())),
        }
    }

    /// Whether the pattern is `**`.
    pub fn is_everything(&self) -> bool {
        matches!(&self.levels[..], [Level::One(one), Level::Any] if one == b"*")
    }

    /// Whether it matches this name.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<&[u8]> = name.split('/').map(str::as_bytes).collect();
        wildcard(
            &self.levels,
            &name,
            |level| *level == Level::Any,
            |level, part| match level {
                Level::Any => false,
                Level::One(pattern) => {
                    wildcard(pattern, part, |letter| *letter == b'*', |letter, other| *letter == b'?' || letter == other)
                }
            },
        )
    }
}

/// The usual match with one point to go back to: where a run-of-anything was met last, and how much it has taken so far. That is enough,
/// since a later run can take whatever an earlier one could.
fn wildcard<P, N>(pattern: &[P], name: &[N], is_run: impl Fn(&P) -> bool, is_one: impl Fn(&P, &N) -> bool) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && is_run(&pattern[p]) {
            back = Some((p, n));
            p += 1;
        } else if p < pattern.len() && is_one(&pattern[p], &name[n]) {
            p += 1;
            n += 1;
        } else if let Some((run, taken)) = back {
            back = Some((run, taken + 1));
            p = run + 1;
            n = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(is_run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn a_star_stays_within_its_level() {
        assert!(matches("team/*", "team/app"));
        assert!(!matches("team/*", "team/app/web"));
        assert!(!matches("team/*", "team"));
        assert!(matches("*", "app") && !matches("*", "team/app"));
        assert!(matches("team/*-web", "team/my-old-web") && !matches("team/*-web", "team/my-web2"));
        assert!(matches("a*b*c", "abbbc") && matches("a*b*c", "abc") && !matches("a*b*c", "acb"));
        assert!(matches("app-?", "app-1") && !matches("app-?", "app-") && !matches("a?b", "a/b"));
    }

    #[test]
    fn two_stars_span_levels() {
        assert!(matches("**", "app") && matches("**", "a/b/c/d"));
        assert!(matches("public/**", "public/a") && matches("public/**", "public/a/b/c"));
        assert!(!matches("public/**", "public") && !matches("public/**", "publicity/a"));
        assert!(matches("**/web", "web") && matches("**/web", "a/b/web") && !matches("**/web", "a/web/b"));
        assert!(matches("a/**/z", "a/z") && matches("a/**/z", "a/b/c/z") && !matches("a/**/z", "a/b/c"));
        assert!(matches("a/**/b/**/c", "a/x/b/b/y/c") && !matches("a/**/b/**/c", "a/x/c"));
        assert!(matches("**/*-dev/**", "x/y-dev/z/w"));
    }

    #[test]
    fn a_literal_is_itself_alone() {
        assert!(matches("team/app", "team/app"));
        assert!(!matches("team/app", "team/app2") && !matches("team/app", "xteam/app") && !matches("team/app", "team/ap"));
    }

    #[test]
    fn a_pattern_that_can_never_match_is_refused() {
        for pattern in ["", "/", "a/", "/a", "a//b", "a**", "a/**b", "Team/*", "[ab]", "a b", "{a,b}", "é"] {
            assert!(Glob::parse(pattern).is_err(), "{pattern}");
        }
        assert!(Glob::parse("Team/*").unwrap_err().contains("no capitals"));
    }

    #[test]
    fn many_stars_do_not_take_long() {
        let name = "a".repeat(250);
        assert!(!matches(&format!("{}b", "*a".repeat(100)), &name));
        let levels = vec!["a"; 120].join("/");
        assert!(!matches(&format!("{}b", "**/a/".repeat(50)), &levels));
    }

    #[test]
    fn only_two_stars_are_everything() {
        assert!(Glob::parse("**").unwrap().is_everything());
        assert!(!Glob::parse("*").unwrap().is_everything() && !Glob::parse("a/**").unwrap().is_everything());
    }
}
