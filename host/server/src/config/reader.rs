//! Reads a TOML document with the line of every key and value, and collects all that is wrong instead of stopping at the first.
//!
//! A [`Section`] hands out its keys one by one; whatever nobody has taken when it ends is an unknown key. It knows nothing of what the
//! keys mean: `plugins.rs`, `registries.rs` and `server.rs` do.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::location::{Fault, Located, Location};
use super::suggest::{did_you_mean, listed};

/// A file under way: its lines, and the faults and warnings so far.
pub struct Source {
    file: Arc<str>,
    /// The byte at which each line begins.
    lines: Vec<usize>,
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<Fault>>,
}

impl Source {
    /// For this text of this file.
    pub fn new(file: &str, text: &str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(index, _)| index + 1)).collect();
        Self { file: file.into(), lines, faults: RefCell::default(), warnings: RefCell::default() }
    }

    /// The line of a byte.
    pub fn locate(&self, span: Range<usize>) -> Location {
        let line = self.lines.partition_point(|start| *start <= span.start);
        Location { file: self.file.clone(), line: u32::try_from(line).unwrap_or(u32::MAX) }
    }

    /// Notes a fault.
    pub fn fault(&self, location: &Location, message: impl Into<String>) {
        self.faults.borrow_mut().push(Fault::new(location, message));
    }

    /// All faults so far; none are left.
    pub fn take_faults(&self) -> Vec<Fault> {
        self.faults.take()
    }

    /// All warnings so far; none are left.
    pub fn take_warnings(&self) -> Vec<Fault> {
        self.warnings.take()
    }
}

/// A value with its line and its name for messages.
#[derive(Clone)]
pub struct Item<'a> {
    source: &'a Source,
    name: String,
    /// Where its key stands, or for an element of a list the element.
    pub location: Location,
    value: &'a DeValue<'a>,
}

impl<'a> Item<'a> {
    /// Notes a fault: `message` goes on after the name of the key.
    pub fn fault(&self, message: impl AsRef<str>) {
        self.source.fault(&self.location, format!("{} {}", self.name, message.as_ref()));
    }

    /// Notes what is legal, and probably not meant: `message` goes on after the name of the key.
    pub fn warning(&self, message: impl AsRef<str>) {
        let warning = Fault::new(&self.location, format!("{} {}", self.name, message.as_ref()));
        self.source.warnings.borrow_mut().push(warning);
    }

    /// Notes a fault in words of its own.
    pub fn fault_plain(&self, message: impl Into<String>) {
        self.source.fault(&self.location, message);
    }

    fn wrong_type(&self, wanted: &str) {
        let found = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(format!("must be {wanted}, not {found}"));
    }

    /// The value, raw.
    pub fn value(&self) -> &'a DeValue<'a> {
        self.value
    }

    /// A string, or a fault.
    pub fn text(&self) -> Option<Located<String>> {
        match self.value {
            DeValue::String(text) => Some(Located::new(self.location.clone(), text.to_string())),
            _ => {
                self.wrong_type("a string");
                None
            }
        }
    }

    /// A string that `parse` accepts, or a fault; its error goes on after the name of the key.
    pub fn parsed<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<Located<T>> {
        let text = self.text()?;
        match parse(&text.value) {
            Ok(value) => Some(Located::new(text.location, value)),
            Err(message) => {
                self.fault(message);
                None
            }
        }
    }

    /// `true` or `false`, or a fault.
    pub fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.wrong_type("true or false");
                None
            }
        }
    }

    /// A whole number of this range, or a fault.
    pub fn integer(&self, range: std::ops::RangeInclusive<u32>) -> Option<Located<u32>> {
        let DeValue::Integer(number) = self.value else {
            self.wrong_type("a whole number");
            return None;
        };
        match u32::from_str_radix(number.as_str(), number.radix()) {
            Ok(value) if range.contains(&value) => Some(Located::new(self.location.clone(), value)),
            _ => {
                self.fault(format!("must be a whole number from {} to {}", range.start(), range.end()));
                None
            }
        }
    }

    /// The elements of a list, or a fault.
    pub fn elements(&self) -> Option<Vec<Item<'a>>> {
        let DeValue::Array(elements) = self.value else {
            self.wrong_type("a list");
            return None;
        };
        let items = elements
            .iter()
            .map(|element| Item {
                source: self.source,
                name: self.name.clone(),
                location: self.source.locate(element.span()),
                value: element.get_ref(),
            })
            .collect();
        Some(items)
    }

    /// A list of strings, or a fault. An element that is none is a fault too, and left out.
    pub fn texts(&self) -> Option<Vec<(Item<'a>, String)>> {
        let elements = self.elements()?;
        Some(elements.into_iter().filter_map(|item| item.text().map(|text| (item, text.value))).collect())
    }

    /// A list of strings that `parse` accepts; a fault for each that it refuses, which is left out.
    pub fn parsed_elements<T>(&self, parse: impl Fn(&str) -> Result<T, String>) -> Vec<Located<T>> {
        self.elements().unwrap_or_default().iter().filter_map(|element| element.parsed(&parse)).collect()
    }

    /// The entries of a table whose keys are names that the operator chooses, in the order of the file; or a fault and none.
    pub fn entries(&self) -> Vec<(Located<String>, Item<'a>)> {
        let DeValue::Table(table) = self.value else {
            self.wrong_type("a table");
            return Vec::new();
        };
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| {
                let location = self.source.locate(key.span());
                let item = Item {
                    source: self.source,
                    name: format!("{}.{}", self.name, quoted(key.get_ref())),
                    location: location.clone(),
                    value: value.get_ref(),
                };
                (key.span().start, Located::new(location, key.get_ref().to_string()), item)
            })
            .collect();
        entries.sort_by_key(|(start, ..)| *start);
        entries.into_iter().map(|(_, key, item)| (key, item)).collect()
    }

    /// A table whose keys are known, or a fault.
    pub fn section(&self) -> Option<Section<'a>> {
        match self.value {
            DeValue::Table(table) => Some(Section::new(self.source, self.name.clone(), self.location.clone(), table)),
            _ => {
                self.wrong_type("a table");
                None
            }
        }
    }
}

/// A table whose keys are known.
pub struct Section<'a> {
    source: &'a Source,
    name: String,
    /// Where it begins.
    pub location: Location,
    left: BTreeMap<&'a str, Item<'a>>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The whole document.
    pub fn root(source: &'a Source, table: &'a DeTable<'a>) -> Self {
        Self::new(source, String::new(), source.locate(0..0), table)
    }

    fn new(source: &'a Source, name: String, location: Location, table: &'a DeTable<'a>) -> Self {
        let left = table
            .iter()
            .map(|(key, value)| {
                let word = quoted(key.get_ref());
                let name = if name.is_empty() { word } else { format!("{name}.{word}") };
                let item = Item { source, name, location: source.locate(key.span()), value: value.get_ref() };
                (key.get_ref().as_ref(), item)
            })
            .collect();
        Self { source, name, location, left, known: Vec::new() }
    }

    /// Whether a key is there, and was not taken yet.
    pub fn has(&self, key: &str) -> bool {
        self.left.contains_key(key)
    }

    /// The value of a key, if it is there.
    pub fn take(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.known.push(key);
        self.left.remove(key)
    }

    /// The value of a key; that it is missing is a fault of the section's first line.
    pub fn require(&mut self, key: &'static str, hint: &str) -> Option<Item<'a>> {
        let item = self.take(key);
        if item.is_none() {
            self.fault(format!("has no `{key}`: {hint}"));
        }
        item
    }

    /// Notes a fault of the section as a whole: `message` goes on after its name.
    pub fn fault(&self, message: impl AsRef<str>) {
        self.source.fault(&self.location, format!("[{}] {}", self.name, message.as_ref()));
    }

    /// Ends the section: every key that nobody took is a fault.
    pub fn finish(self) {
        for (key, item) in &self.left {
            let suggestion = did_you_mean(key, self.known.iter().copied());
            let place = if self.name.is_empty() { "a configuration".to_owned() } else { format!("[{}]", self.name) };
            let known =
                if suggestion.is_empty() { format!("; it has {}", listed(self.known.iter().copied())) } else { suggestion };
            self.source.fault(&item.location, format!("unknown key \"{key}\" in {place}{known}"));
        }
    }
}

/// A key as it stands in TOML.
fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if bare { key.to_owned() } else { format!("{key:?}") }
}
