//! Patterns as the bundled policies have them: in repositories' names of several levels, and in texts without levels.
//!
//! Each reads itself from settings by serde: a pattern that makes no sense stops the start, named with its path (`repositories[1]: ...`).
//! Every match takes time that is at most the product of the lengths of pattern and text.

use serde::Deserialize;

/// A pattern over names of several levels.
///
/// Within a level, `*` is any run of characters and `?` any one; `**` is a level by itself and stands for any number of levels. At the end
/// it stands for at least one, so that `public/**` is what lies below `public`, and not `public` itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RepositoryGlob {
    levels: Vec<Level>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Any,
    One(Vec<u8>),
}

impl RepositoryGlob {
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

    /// Whether it takes in this repository; none is the registry as a whole, which `**` alone takes in.
    pub fn covers(&self, repository: Option<&str>) -> bool {
        match repository {
            Some(name) => self.matches(name),
            None => self.is_everything(),
        }
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

impl TryFrom<String> for RepositoryGlob {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, String> {
        Self::parse(&pattern)
    }
}

/// The repositories that a policy is for: patterns, any of them. Every repository unless the settings name some; an empty list is refused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<RepositoryGlob>")]
pub struct Repositories(Vec<RepositoryGlob>);

impl Repositories {
    /// Whether this one is among them.
    pub fn matches(&self, name: &str) -> bool {
        self.covers(Some(name))
    }

    /// Whether this repository is among them; none is the registry as a whole, which `**` alone takes in.
    pub fn covers(&self, repository: Option<&str>) -> bool {
        self.0.iter().any(|glob| glob.covers(repository))
    }
}

impl Default for Repositories {
    fn default() -> Self {
        Self(vec![RepositoryGlob { levels: vec![Level::One(b"*".to_vec()), Level::Any] }])
    }
}

impl TryFrom<Vec<RepositoryGlob>> for Repositories {
    type Error = &'static str;

    fn try_from(globs: Vec<RepositoryGlob>) -> Result<Self, &'static str> {
        if globs.is_empty() {
            Err("empty, so that this never applies: name repositories, or `**` for all")
        } else {
            Ok(Self(globs))
        }
    }
}

/// A pattern over a text without levels, such as a tag or a media type: `*` is any run of characters, also an empty one, and `?` any one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TextGlob {
    text: String,
    pattern: Vec<char>,
}

impl TextGlob {
    /// The error says what is wrong with the pattern: it is empty, or holds a blank or a control character.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        match pattern.chars().find(|letter| letter.is_whitespace() || letter.is_control()) {
            _ if pattern.is_empty() => Err("a pattern is never empty; `*` matches everything".to_owned()),
            Some(letter) => Err(format!("`{}` holds {letter:?}, which nothing that it is for has", pattern.escape_debug())),
            None => Ok(Self { text: pattern.to_owned(), pattern: pattern.chars().collect() }),
        }
    }

    /// The same for a text that may hold blanks, such as a name. The error says what is wrong with the pattern: it is empty, or holds a
    /// control character.
    pub fn parse_words(pattern: &str) -> Result<Self, String> {
        match pattern.chars().find(|letter| letter.is_control()) {
            _ if pattern.is_empty() => Err("a pattern is never empty; `*` matches everything".to_owned()),
            Some(letter) => Err(format!("`{}` holds {letter:?}, which nothing that it is for has", pattern.escape_debug())),
            None => Ok(Self { text: pattern.to_owned(), pattern: pattern.chars().collect() }),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches this text.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        wildcard(&self.pattern, &text, |letter| *letter == '*', |letter, other| *letter == '?' || letter == other)
    }
}

impl TryFrom<String> for TextGlob {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, String> {
        Self::parse(&pattern)
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
mod tests;
