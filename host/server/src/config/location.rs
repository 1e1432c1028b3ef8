//! Where in which file something stands, and what is wrong there. No I/O, no parsing.

use std::fmt;
use std::sync::Arc;

/// A line of a configuration file. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The file as the operator named it.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A value and the line that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The line.
    pub location: Location,
    /// The value.
    pub value: T,
}

impl<T> Located<T> {
    /// Puts both together.
    pub fn new(location: Location, value: T) -> Self {
        Self { location, value }
    }
}

/// One thing that is wrong in a configuration; as text `FILE:LINE: message`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where.
    pub location: Location,
    /// What, and what to do about it.
    pub message: String,
}

impl Fault {
    /// A fault at this line.
    pub fn new(location: &Location, message: impl Into<String>) -> Self {
        Self { location: location.clone(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.message)
    }
}

/// Everything that is wrong in a configuration, at least one thing, in the order of the file; as text one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Nothing if the list is empty, else all of it.
    ///
    /// # Errors
    /// The faults, sorted by line, doubles left out.
    pub fn check(mut faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() {
            return Ok(());
        }
        faults.sort();
        faults.dedup();
        Err(Self(faults))
    }

    /// This one alone.
    pub fn one(fault: Fault) -> Self {
        Self(vec![fault])
    }

    /// These and those.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut all = [self.0, other.0].concat();
        all.sort();
        all.dedup();
        Self(all)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
