//! `bulkhead auth explain`: who decides what about a caller, and why.

use std::process::ExitCode;

use bulkhead_oci::RepositoryName;
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::EXIT_CODES;
use super::admin::{AdminError, Answer, CONNECTING, Client, Detail, Table, Target};

const EXAMPLES: &str = "\
Examples:
  bulkhead auth explain --registry contoso --user alice --action push --repository team/app
      alice as the plugins of the chain know her
  bulkhead auth explain --user repo:org/app --plugin ci --group builders \\
      --claim ref=refs/heads/main --action push --repository org/app
      somebody whom the plugin `ci` would let in, with these groups and claims
  bulkhead auth explain --anonymous --action pull --repository public/app

Nothing is done and nothing is let in: the plugins are asked what they would say, and
each answer is printed in the order in which they are asked.
";

/// Ask the chain of plugins about a caller.
#[derive(Subcommand)]
#[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
pub enum Auth {
    /// Print who decides what about a caller, and why.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Explain(Explain),
}

#[derive(Args)]
pub struct Explain {
    /// The caller's name, as the plugin that vouches for it has it.
    #[arg(long, value_name = "NAME", required_unless_present = "anonymous", conflicts_with = "anonymous")]
    user: Option<String>,

    /// Nobody: a caller without credentials.
    #[arg(long)]
    anonymous: bool,

    /// The plugin that vouches for the caller, which is then not asked whether it does.
    #[arg(long, value_name = "NAME", requires = "user", conflicts_with = "anonymous")]
    plugin: Option<String>,

    /// A group of the caller; may be said several times.
    #[arg(long = "group", value_name = "NAME", requires = "plugin")]
    groups: Vec<String>,

    /// A claim of the caller; may be said several times.
    #[arg(long = "claim", value_name = "NAME=VALUE", requires = "plugin", value_parser = parse_claim)]
    claims: Vec<(String, String)>,

    /// What the caller would do.
    #[arg(long, value_enum)]
    action: Action,

    /// Where: a repository, which need not exist; for all actions but list and administer.
    #[arg(long, value_name = "NAME")]
    repository: Option<RepositoryName>,

    #[command(flatten)]
    target: Target,
}

/// What there is to do.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    Pull,
    Push,
    Delete,
    ReadMetadata,
    WriteMetadata,
    /// List the registry's repositories.
    List,
    /// Administer the registry.
    Administer,
}

fn parse_claim(text: &str) -> Result<(String, String), String> {
    let claim = text.split_once('=').filter(|(name, _)| !name.is_empty());
    claim.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "a claim is NAME=VALUE".to_owned())
}

impl Action {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Explain {
    fn body(&self) -> Result<Value, AdminError> {
        let whole = matches!(self.action, Action::List | Action::Administer);
        if whole == self.repository.is_some() {
            let (action, what) = (self.action.name(), if whole { "leave --repository away" } else { "say --repository" });
            return Err(AdminError::Usage(format!(
                "{action} is about {}: {what}",
                if whole { "the registry as a whole" } else { "a repository" }
            )));
        }
        let mut body = Map::new();
        body.insert("user".to_owned(), json!(self.user));
        if let Some(plugin) = &self.plugin {
            let mut claims = Map::new();
            for (name, value) in &self.claims {
                if claims.insert(name.clone(), value.clone().into()).is_some() {
                    return Err(AdminError::Usage(format!("the claim {name} is there twice")));
                }
            }
            body.insert("plugin".to_owned(), json!(plugin));
            body.insert("groups".to_owned(), json!(self.groups));
            body.insert("claims".to_owned(), claims.into());
        }
        body.insert("action".to_owned(), self.action.name().into());
        if let Some(repository) = &self.repository {
            body.insert("repository".to_owned(), repository.as_str().into());
        }
        Ok(Value::Object(body))
    }
}

impl Auth {
    /// Does what it says.
    pub fn run(self) -> ExitCode {
        let Self::Explain(explain) = self;
        let body = explain.body();
        explain.target.run(async |client, registry| {
            let json = client.call(Method::POST, &registry.path("explain"), Some(&body?)).await?;
            Ok(Answer { text: Explanation::read(client, &json)?.text(), json })
        })
    }
}

/// What the chain said.
#[derive(Deserialize)]
struct Explanation {
    ruling: String,
    by: Option<String>,
    #[serde(default)]
    reason: String,
    caller: Option<Caller>,
    #[serde(default)]
    identified: Vec<Step>,
    #[serde(default)]
    decided: Vec<Step>,
    #[serde(default)]
    notes: Vec<String>,
}

#[derive(Deserialize)]
struct Caller {
    plugin: String,
    subject: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    claims: Map<String, Value>,
    expires: Option<String>,
}

#[derive(Deserialize)]
struct Step {
    plugin: String,
    digest: String,
    said: String,
    #[serde(default)]
    reason: String,
}

impl Explanation {
    fn read(client: &Client, value: &Value) -> Result<Self, AdminError> {
        Self::deserialize(value).map_err(|error| client.strange(&error.to_string()))
    }

    fn text(&self) -> String {
        let by = self.by.as_ref().map(|plugin| format!(" by {plugin}")).unwrap_or_default();
        let mut detail = Detail::default().line("ruling", format!("{}{by}", self.ruling)).line("reason", &self.reason);
        detail = match &self.caller {
            Some(caller) => caller.lines(detail),
            // Whoever is known to nobody was looked for; an anonymous caller was not.
            None if self.identified.is_empty() => detail.line("caller", "anonymous"),
            None => detail.line("caller", "known to no plugin of the chain, or disabled or ended"),
        };
        for note in &self.notes {
            detail = detail.line("note", note);
        }
        let mut text = detail.text();
        for (head, steps) in [("Who it is:", &self.identified), ("What it may:", &self.decided)] {
            if !steps.is_empty() {
                text.push_str(&format!("\n{head}\n{}", table(steps)));
            }
        }
        text
    }
}

impl Caller {
    fn lines(&self, detail: Detail) -> Detail {
        let mut detail = detail
            .line("caller", format!("{} of the plugin {}", self.subject, self.plugin))
            .line("groups", self.groups.join(", "))
            .line("until", self.expires.as_deref().unwrap_or_default());
        for (name, value) in &self.claims {
            detail = detail.line("claims", format!("{name}={}", value.as_str().unwrap_or_default()));
        }
        detail
    }
}

fn table(steps: &[Step]) -> String {
    let mut table = Table::new(&["PLUGIN", "SAID", "REASON", "COMPONENT"]);
    for Step { plugin, digest, said, reason } in steps {
        // The first 12 digits tell components apart; all of them are in --output json and in the audit log.
        let digest = digest.get(..19).unwrap_or(digest);
        table.row(vec![plugin.clone(), said.clone(), reason.clone(), digest.to_owned()]);
    }
    table.text("nobody was asked")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Auth,
    }

    fn parse(line: &str) -> Result<Explain, clap::Error> {
        let Auth::Explain(explain) = Line::try_parse_from(std::iter::once("auth").chain(line.split(' ')))?.command;
        Ok(explain)
    }

    fn body(line: &str) -> Value {
        parse(line).unwrap_or_else(|error| panic!("{error}")).body().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_user_an_identity_and_nobody_are_asked_about() {
        assert_eq!(
            body("explain --user alice --action push --repository team/app"),
            json!({ "user": "alice", "action": "push", "repository": "team/app" })
        );
        assert_eq!(
            body("explain --user x --plugin oidc --group dev --group ops --claim k=v=w --action read-metadata --repository a"),
            json!({ "user": "x", "plugin": "oidc", "groups": ["dev", "ops"], "claims": { "k": "v=w" }, "action": "read-metadata", "repository": "a" })
        );
        assert_eq!(body("explain --anonymous --action list"), json!({ "user": null, "action": "list" }));
    }

    #[test]
    fn what_cannot_be_asked_is_told() {
        for wrong in [
            "explain --action pull --repository a",
            "explain --user a --anonymous --action pull --repository a",
            "explain --anonymous --plugin p --action pull --repository a",
            "explain --user a --group g --action pull --repository a",
            "explain --user a --plugin p --claim k --action pull --repository a",
            "explain --user a --action fetch --repository a",
            "explain --user a --action pull --repository A",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let says = |line: &str| parse(line).unwrap_or_else(|error| panic!("{error}")).body().unwrap_err().to_string();
        assert_eq!(says("explain --anonymous --action pull"), "pull is about a repository: say --repository");
        assert!(says("explain --anonymous --action list --repository a").starts_with("list is about the registry as a whole"));
        assert!(says("explain --user a --plugin p --claim k=1 --claim k=2 --action list").contains("twice"));
    }

    #[test]
    fn an_explanation_shows_every_answer_in_its_order() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let explanation: Explanation = serde_json::from_value(json!({
            "ruling": "denied", "by": "rules", "reason": "no rule lets alice push",
            "caller": { "plugin": "staff", "subject": "alice", "groups": ["dev"], "claims": { "k": "v" } },
            "identified": [{ "plugin": "staff", "digest": digest, "said": "accepted" }],
            "decided": [
                { "plugin": "accounts", "digest": digest, "said": "abstained" },
                { "plugin": "rules", "digest": digest, "said": "denied", "reason": "no rule lets alice push" }
            ],
            "notes": ["the repository team/app is locked"]
        }))
        .unwrap();
        assert_eq!(
            explanation.text(),
            "\
ruling  denied by rules
reason  no rule lets alice push
caller  alice of the plugin staff
groups  dev
claims  k=v
note    the repository team/app is locked

Who it is:
PLUGIN  SAID      COMPONENT
staff   accepted  sha256:aaaaaaaaaaaa

What it may:
PLUGIN    SAID       REASON                   COMPONENT
accounts  abstained                           sha256:aaaaaaaaaaaa
rules     denied     no rule lets alice push  sha256:aaaaaaaaaaaa
"
        );
    }

    #[test]
    fn nobody_and_somebody_unknown_are_told_apart() {
        let text = |identified: Value| {
            let explanation =
                json!({ "ruling": "denied", "reason": "", "caller": null, "identified": identified, "decided": [] });
            serde_json::from_value::<Explanation>(explanation).unwrap().text()
        };
        assert_eq!(text(json!([])), "ruling  denied\ncaller  anonymous\n");
        let unknown = text(json!([{ "plugin": "staff", "digest": "sha256:00", "said": "gone" }]));
        assert!(
            unknown.starts_with("ruling  denied\ncaller  known to no plugin of the chain, or disabled or ended\n\nWho it is:\n"),
            "{unknown}"
        );
    }
}
