//! `bulkhead repository`: what is known of a repository, a tag or a manifest, and its locks. Beside a running server, by the administration's
//! interface; over the network, by Azure's, which takes the rights on metadata alone.

use std::process::ExitCode;

use bulkhead_core::ports::ids::RegistryName;
use bulkhead_oci::{Digest, RepositoryName, Tag};
use bulkhead_plugin::Origin;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value};

use super::EXIT_CODES;
use super::admin::{AdminError, Answer, Client, Detail, Elsewhere, LocalServer, Login, Print, Registry, password, run};
use crate::config;

const EXAMPLES: &str = "\
Examples:
  bulkhead repository show --name team/app
  bulkhead repository update --name team/app --tag v1 --write-enabled false
      locks a tag: no push moves it, and nothing deletes it
  bulkhead repository update --name team/app --write-enabled true
  bulkhead repository show --server https://registry.example.com --user ci --name team/app

The command talks to the server that runs on the data directory, through its socket
{data}/admin.sock: ./data unless --data or --config names another one. With --server it
talks to a registry anywhere, as a user who may read metadata, and write them to change
something; without --user, as nobody. The password is in BULKHEAD_PASSWORD, or comes with
--password-stdin. SSL_CERT_FILE names the authorities that are trusted where those of the
system are not.
";

/// Look at a repository, a tag or a manifest, and lock it.
#[derive(Subcommand)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub enum Repository {
    /// Show what is known of it.
    #[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
    Show(Show),
    /// Change what may be done to it.
    #[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
    Update(Update),
}

#[derive(Args)]
pub struct Show {
    #[command(flatten)]
    what: What,

    #[command(flatten)]
    server: Server,
}

#[derive(Args)]
pub struct Update {
    #[command(flatten)]
    what: What,

    #[command(flatten)]
    changes: Changes,

    #[command(flatten)]
    server: Server,
}

/// Which one.
#[derive(Args)]
struct What {
    /// The repository's name.
    #[arg(long, value_name = "NAME")]
    name: RepositoryName,

    /// A tag of it, in place of the repository itself.
    #[arg(long, value_name = "TAG", conflicts_with = "digest")]
    tag: Option<Tag>,

    /// A manifest of it, in place of the repository itself.
    #[arg(long, value_name = "DIGEST")]
    digest: Option<Digest>,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Whether it may be changed: pushed to, moved, deleted.
    #[arg(long, value_name = "true|false")]
    write_enabled: Option<bool>,

    /// Whether it may be deleted.
    #[arg(long, value_name = "true|false")]
    delete_enabled: Option<bool>,

    /// Whether it may be pulled.
    #[arg(long, value_name = "true|false")]
    read_enabled: Option<bool>,

    /// Whether lists show it.
    #[arg(long, value_name = "true|false")]
    list_enabled: Option<bool>,
}

/// Which registry, and as whom.
#[derive(Args)]
struct Server {
    /// The registry's name in the configuration, beside a running server.
    #[arg(long, value_name = "NAME", default_value = config::DEFAULT_REGISTRY)]
    registry: RegistryName,

    #[command(flatten)]
    local: LocalServer,

    /// The registry's URL, such as https://registry.example.com, in place of a socket.
    #[arg(long, value_name = "URL", conflicts_with_all = ["config", "data", "registry"])]
    server: Option<Origin>,

    /// The user to talk to it as; without one, nobody.
    #[arg(long, value_name = "NAME", requires = "server")]
    user: Option<String>,

    /// Read the user's password from the first line of the standard input.
    #[arg(long, requires = "user")]
    password_stdin: bool,

    #[command(flatten)]
    print: Print,
}

impl What {
    /// Below the place where a server has its repositories.
    fn path(&self) -> String {
        let rest = match (&self.tag, &self.digest) {
            (Some(tag), _) => format!("/_tags/{tag}"),
            (None, Some(digest)) => format!("/_manifests/{digest}"),
            (None, None) => String::new(),
        };
        format!("{}{rest}", self.name)
    }

    /// For a sentence.
    fn noun(&self) -> String {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => format!("tag {tag} in a repository {}", self.name),
            (None, Some(digest)) => format!("manifest {digest} in a repository {}", self.name),
            (None, None) => format!("repository {}", self.name),
        }
    }
}

impl Changes {
    fn body(&self) -> Value {
        let all = [
            ("writeEnabled", self.write_enabled),
            ("deleteEnabled", self.delete_enabled),
            ("readEnabled", self.read_enabled),
            ("listEnabled", self.list_enabled),
        ];
        let said = all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into())));
        Value::Object(said.collect::<Map<_, _>>())
    }
}

/// Where the repositories of a registry are, and how to ask there.
struct Place {
    client: Client,
    /// Where a path of a repository goes on.
    base: String,
    /// None: over the network, where it has no other name than its address.
    registry: Option<Registry>,
}

impl Server {
    fn connect(&self) -> Result<Place, AdminError> {
        let Some(server) = &self.server else {
            let registry = Registry(self.registry.clone());
            let base = registry.path("repositories/");
            return Ok(Place { client: self.local.connect(Elsewhere::Possible)?, base, registry: Some(registry) });
        };
        let login = match &self.user {
            Some(user) => Some(Login { user: user.clone(), password: password(self.password_stdin)? }),
            None => None,
        };
        Ok(Place { client: Client::remote(server, login)?, base: "/acr/v1/".to_owned(), registry: None })
    }
}

impl Place {
    /// Changes it first, where something is to be changed.
    async fn ask(&self, what: &What, change: Option<Value>) -> Result<Answer, AdminError> {
        let outcome = self.told(what, change).await.map_err(|error| error.in_words(&format!("there is no {} here", what.noun())));
        match &self.registry {
            Some(registry) => registry.asked(&self.client, outcome).await,
            None => outcome,
        }
    }

    async fn told(&self, what: &What, change: Option<Value>) -> Result<Answer, AdminError> {
        let path = format!("{}{}", self.base, what.path());
        if let Some(change) = change {
            self.client.call(Method::PATCH, &path, Some(&change)).await?;
        }
        let json = self.client.get(&path).await?;
        Ok(Answer { text: text(&json), json })
    }
}

impl Repository {
    /// Does what it says.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Show(Show { what, server }) => run(server.print.output, async || server.connect()?.ask(&what, None).await),
            Self::Update(Update { what, changes, server }) => {
                run(server.print.output, async || server.connect()?.ask(&what, Some(changes.body())).await)
            }
        }
    }
}

/// The keys of Azure's answers that people want to see, and what they are called here.
const FACTS: &[(&str, &str)] = &[
    ("imageName", "repository"),
    ("name", "tag"),
    ("digest", "digest"),
    ("mediaType", "media type"),
    ("imageSize", "size"),
    ("manifestCount", "manifests"),
    ("tagCount", "tags"),
    ("tags", "tags"),
    ("createdTime", "created"),
    ("lastUpdateTime", "changed"),
];

/// Of a repository, a tag or a manifest, whose facts may lie one level deeper.
fn text(answer: &Value) -> String {
    let inner = ["tag", "manifest"].iter().map(|key| &answer[*key]).find(|inner| inner.is_object()).unwrap_or(answer);
    let mut detail = Detail::default();
    for (key, name) in FACTS {
        let value = if inner[*key].is_null() { &answer[*key] } else { &inner[*key] };
        detail = detail.line(name, shown(value));
    }
    let attributes = &inner["changeableAttributes"];
    for (key, name) in [("writeEnabled", "write"), ("deleteEnabled", "delete"), ("readEnabled", "read"), ("listEnabled", "list")]
    {
        detail = match attributes[key].as_bool() {
            Some(true) => detail.line(name, "enabled"),
            Some(false) => detail.line(name, "locked"),
            None => detail,
        };
    }
    detail.text()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Repository,
    }

    fn parse(line: &str) -> Result<Repository, clap::Error> {
        let line = format!("repository {line}");
        Line::try_parse_from(line.split(' ')).map(|line| line.command)
    }

    fn update(line: &str) -> (String, Value) {
        match parse(line) {
            Ok(Repository::Update(update)) => (update.what.path(), update.changes.body()),
            Ok(Repository::Show(_)) => panic!("{line} is an update"),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_lock_is_on_a_repository_a_tag_or_a_manifest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(
            update("update --name team/app --write-enabled false"),
            ("team/app".to_owned(), json!({ "writeEnabled": false }))
        );
        assert_eq!(
            update("update --name app --tag v1 --read-enabled true --list-enabled false"),
            ("app/_tags/v1".to_owned(), json!({ "readEnabled": true, "listEnabled": false }))
        );
        assert_eq!(
            update(&format!("update --name app --digest {digest} --delete-enabled false")),
            (format!("app/_manifests/{digest}"), json!({ "deleteEnabled": false }))
        );
    }

    #[test]
    fn what_names_nothing_or_changes_nothing_is_told() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for wrong in [
            "update --name app".to_owned(),
            "update --write-enabled true".to_owned(),
            "update --name app --write-enabled maybe".to_owned(),
            "show --name App".to_owned(),
            "show --name app --tag .v".to_owned(),
            "show --name app --digest sha256:00".to_owned(),
            format!("show --name app --tag v1 --digest {digest}"),
            "show --name app --user ci".to_owned(),
            "show --name app --server http://127.0.0.1:5000 --data d".to_owned(),
            "show --name app --server http://127.0.0.1:5000 --registry contoso".to_owned(),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_registry_is_reached_by_its_socket_or_by_its_address() {
        for right in [
            "show --name app",
            "show --name app --registry contoso --data d",
            "show --name app --server http://127.0.0.1:5000",
            "show --name app --server https://registry.example.com --user ci --password-stdin",
        ] {
            assert!(parse(right).is_ok(), "{right}");
        }
    }

    #[test]
    fn facts_and_locks_are_shown() {
        let attributes = json!({ "writeEnabled": false, "deleteEnabled": true, "readEnabled": true, "listEnabled": true });
        let tag = json!({ "registry": "r", "imageName": "app", "tag": { "name": "v1", "digest": "sha256:aa", "changeableAttributes": attributes } });
        assert_eq!(
            text(&tag),
            "repository  app\ntag         v1\ndigest      sha256:aa\nwrite       locked\ndelete      enabled\nread        enabled\nlist        enabled\n"
        );
        let repository = json!({ "imageName": "app", "manifestCount": 2, "tagCount": 1, "changeableAttributes": {} });
        assert_eq!(text(&repository), "repository  app\nmanifests   2\ntags        1\n");
    }
}
