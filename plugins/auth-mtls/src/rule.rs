//! One rule: which certificates it is about, and who their owners are.

use bulkhead_plugin_sdk::authenticator::Certificate;
use bulkhead_plugin_sdk::prelude::*;

use crate::alternative::NamePattern;
use crate::name::{self, SubjectPattern};
use crate::template::{Source, Template};

/// A rule as it stands in the settings.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default)]
    fingerprints: Option<Vec<String>>,
    #[serde(default = "default_user")]
    user: String,
    #[serde(default)]
    groups: Vec<String>,
}

fn default_user() -> String {
    "{cn}".to_owned()
}

/// A rule that was found to make sense.
pub struct Rule {
    subject: Option<SubjectPattern>,
    names: Option<Vec<NamePattern>>,
    fingerprints: Option<Vec<String>>,
    user: Template,
    groups: Vec<String>,
}

impl Rule {
    /// `index` counts from 0, as the host shows paths into the settings.
    pub fn new(index: usize, settings: RuleSettings) -> Result<Self> {
        let RuleSettings { subject, names, fingerprints, user, groups } = settings;
        let fault = |key: &str, text: String| Error::invalid(format!("rules[{index}].{key}: {text}"));
        if subject.is_none() && names.is_none() && fingerprints.is_none() {
            return Err(Error::invalid(format!(
                "rules[{index}]: say which certificates: by `subject`, `names` or `fingerprints`"
            )));
        }
        let subject =
            subject.map(|subject| SubjectPattern::parse(&subject)).transpose().map_err(|text| fault("subject", text))?;
        let names = names.map(|names| each(&names, NamePattern::parse)).transpose().map_err(|text| fault("names", text))?;
        let fingerprints =
            fingerprints.map(|prints| each(&prints, fingerprint)).transpose().map_err(|text| fault("fingerprints", text))?;
        let is_group = |group: &String| !group.is_empty() && group.len() <= 256 && !group.chars().any(char::is_control);
        if let Some(group) = groups.iter().find(|group| !is_group(group)) {
            return Err(fault("groups", format!("`{}` is no name of 1 to 256 bytes", group.escape_debug())));
        }
        let template = Template::parse(&user).map_err(|text| fault("user", text))?;
        let rule = Self { subject, names, fingerprints, user: template, groups };
        if let Some(free) = rule.user.sources().find(|source| !rule.constrains(*source)) {
            let text = format!(
                "`{}` takes {free}, of which the rule says nothing: whoever has a certificate of this form could choose the name. Say it in `subject` or `names`, or name the user otherwise",
                user.escape_debug()
            );
            return Err(fault("user", text));
        }
        Ok(rule)
    }

    /// Whether what is of this form can only be what the operator had in mind.
    fn constrains(&self, source: Source) -> bool {
        if self.fingerprints.is_some() {
            return true;
        }
        match source {
            Source::Part(kind) => self.subject.as_ref().is_some_and(|pattern| pattern.names(kind)),
            // Any of the names makes the rule match, so each has to be of this kind.
            Source::Name(kind) => self.names.as_ref().is_some_and(|names| names.iter().all(|name| name.kind() == kind)),
            Source::Subject => self.subject.as_ref().is_some_and(SubjectPattern::is_whole),
            Source::Fingerprint => true,
        }
    }

    /// Whether this rule is about that certificate. A subject that is not understood matches no pattern.
    pub fn matches(&self, certificate: &Certificate) -> bool {
        let by_subject = self
            .subject
            .as_ref()
            .is_none_or(|pattern| name::parse(&certificate.subject).is_ok_and(|subject| pattern.matches(&subject)));
        let by_name = self
            .names
            .as_ref()
            .is_none_or(|patterns| certificate.names.iter().any(|name| patterns.iter().any(|pattern| pattern.matches(name))));
        let by_print = self.fingerprints.as_ref().is_none_or(|prints| prints.contains(&certificate.fingerprint));
        by_subject && by_name && by_print
    }

    /// Whose certificate it is. The error says why that cannot be said.
    pub fn identity(&self, certificate: &Certificate) -> Result<Identity, String> {
        let subject = name::parse(&certificate.subject)?;
        let user = self.user.fill(certificate, &subject)?;
        Ok(Identity { expires: Some(certificate.expires), ..Identity::new(user).with_groups(&self.groups) })
    }
}

fn each<T>(texts: &[String], parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    if texts.is_empty() {
        return Err("empty, so that this rule never matches".to_owned());
    }
    texts.iter().map(|text| parse(text)).collect()
}

/// As `openssl x509 -fingerprint -sha256` prints it, with colons, or without.
fn fingerprint(text: &str) -> Result<String, String> {
    let plain = text.replace(':', "").to_ascii_lowercase();
    let is_digest = plain.len() == 64 && plain.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest { Ok(plain) } else { Err(format!("`{}` is no SHA-256 of 64 hex digits", text.escape_debug())) }
}
