//! `bulkhead scope-map`: rights on single repositories, for tokens and service principals.

use std::collections::BTreeMap;
use std::process::ExitCode;

use bulkhead_core::ports::accounts::{ScopeMapName, ScopeTarget};
use clap::{ArgAction, ArgMatches, Args, Command, FromArgMatches, Subcommand, error::ErrorKind};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::EXIT_CODES;
use super::admin::{AdminError, Answer, CONNECTING, Client, Detail, Registry, Table, Target, deleted, parse_name};

const EXAMPLES: &str = "\
Examples:
  bulkhead scope-map create --name samples \\
      --repository samples/hello content/read content/write \\
      --repository 'samples/demo/*' content/read
  bulkhead scope-map update --name samples --repository samples/hello content/read
      these rights on samples/hello, in the place of those that it had
  bulkhead scope-map update --name samples --remove-repository 'samples/demo/*'
  bulkhead scope-map list
  bulkhead scope-map delete --name samples

A repository is a name, or PREFIX/* for all below a prefix; it need not exist yet.
Rights: content/read (pull), content/write (push), content/delete (delete),
metadata/read and metadata/write (attributes, such as locks).
";

/// The rights, as they are written.
const RIGHTS: [&str; 5] = ["content/read", "content/write", "content/delete", "metadata/read", "metadata/write"];

/// Look after scope maps: named lists of rights on repositories. Who has one has its rights as they are at the moment.
#[derive(Subcommand)]
#[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
pub enum ScopeMap {
    /// Make one.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Create(Create),
    /// Change one: the rights on some repositories, or its description.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Update(Update),
    /// List all of them.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    List(List),
    /// Show one.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Show(One),
    /// Delete one that no account uses.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Delete(One),
}

/// Which one.
#[derive(Args)]
struct Name {
    /// The scope map's name.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name: ScopeMapName,
}

impl Name {
    fn path(&self, registry: &Registry) -> String {
        registry.path(&format!("scope-maps/{}", self.name))
    }

    /// Asks for something that is said without a word.
    async fn call(&self, client: &Client, registry: &Registry, method: Method) -> Result<Value, AdminError> {
        client.call(method, &self.path(registry), None).await.map_err(|error| {
            let (name, argument) = (&self.name, registry.argument());
            error.in_words(&format!(
                "there is no scope map {name} in the registry {registry}: `bulkhead scope-map list{argument}` shows which there are"
            ))
        })
    }
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    name: Name,

    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    #[command(flatten)]
    scopes: SomeScopes,

    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct Update {
    #[command(flatten)]
    name: Name,

    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    #[command(flatten)]
    scopes: Scopes,

    /// A repository or PREFIX/* that it has no rights on any more; may be said several times.
    #[arg(long, value_name = "NAME", value_parser = parse_target)]
    remove_repository: Vec<String>,

    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct One {
    #[command(flatten)]
    name: Name,

    #[command(flatten)]
    target: Target,
}

/// `--repository NAME RIGHT...`, any number of times: rights by repository.
struct Scopes(BTreeMap<String, Vec<String>>);

const REPOSITORY: &str = "repository";

impl Args for Scopes {
    fn augment_args(command: Command) -> Command {
        let repository = clap::Arg::new(REPOSITORY)
            .long(REPOSITORY)
            .num_args(2..)
            .action(ArgAction::Append)
            .value_names(["NAME", "RIGHT"])
            .help("A repository or PREFIX/*, and the rights on it; may be said several times");
        command.arg(repository)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The same, once at least.
struct SomeScopes(Scopes);

impl Args for SomeScopes {
    fn augment_args(command: Command) -> Command {
        Scopes::augment_args(command).mut_arg(REPOSITORY, |argument| argument.required(true))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SomeScopes {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Scopes::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl FromArgMatches for Scopes {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut scopes = BTreeMap::new();
        for mut words in matches.get_occurrences::<String>(REPOSITORY).into_iter().flatten() {
            let name = words.next().map(String::as_str).unwrap_or_default();
            let rights = words.map(|word| parse_right(word)).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
            if scopes.insert(parse_target(name).map_err(wrong)?, rights).is_some() {
                return Err(wrong(format!("`{name}` is named twice: name it once, with all its rights")));
            }
        }
        Ok(Self(scopes))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn wrong(message: String) -> clap::Error {
    clap::Error::raw(ErrorKind::InvalidValue, format!("--{REPOSITORY}: {message}\n"))
}

fn parse_target(text: &str) -> Result<String, String> {
    text.parse::<ScopeTarget>().map(|target| target.to_string()).map_err(|error| error.to_string())
}

fn parse_right(text: &str) -> Result<String, String> {
    if RIGHTS.contains(&text) {
        return Ok(text.to_owned());
    }
    let suggestion = bulkhead_core::suggest::did_you_mean(text, RIGHTS);
    Err(format!("`{text}` is no right: there are {}{suggestion}", RIGHTS.join(", ")))
}

/// A scope map, as the administration's interface shows it.
#[derive(Serialize, Deserialize)]
struct Map {
    name: String,
    #[serde(default)]
    description: String,
    scopes: Vec<Scope>,
    #[serde(default)]
    created: String,
}

#[derive(Serialize, Deserialize)]
struct Scope {
    repositories: String,
    rights: Vec<String>,
}

impl Map {
    fn read(client: &Client, value: &Value) -> Result<Self, AdminError> {
        Self::deserialize(value).map_err(|error| client.strange(&error.to_string()))
    }

    fn text(&self) -> String {
        let mut detail =
            Detail::default().line("name", &self.name).line("description", &self.description).line("created", &self.created);
        for Scope { repositories, rights } in &self.scopes {
            detail = detail.line("rights", format!("{repositories}: {}", rights.join(", ")));
        }
        detail.text()
    }

    /// The same with some scopes put in the place of those on the same repositories, and some taken away.
    fn changed(mut self, scopes: BTreeMap<String, Vec<String>>, removed: &[String]) -> Result<Self, AdminError> {
        for name in removed {
            let before = self.scopes.len();
            self.scopes.retain(|scope| scope.repositories != *name);
            if self.scopes.len() == before {
                return Err(AdminError::Impossible(format!("the scope map {} has no rights on {name}", self.name)));
            }
        }
        for (repositories, rights) in scopes {
            match self.scopes.iter_mut().find(|scope| scope.repositories == repositories) {
                Some(scope) => scope.rights = rights,
                None => self.scopes.push(Scope { repositories, rights }),
            }
        }
        if self.scopes.is_empty() {
            return Err(AdminError::Impossible(format!(
                "the scope map {} would have no rights left: delete it instead, or leave one repository",
                self.name
            )));
        }
        Ok(self)
    }

    fn body(&self) -> Value {
        json!({ "description": self.description, "scopes": self.scopes })
    }
}

impl ScopeMap {
    /// Does what it says.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Create(create) => create.run(),
            Self::Update(update) => update.run(),
            Self::List(List { target }) => target.run(async |client, registry| {
                let maps = client.list(&registry.path("scope-maps")).await?;
                let mut table = Table::new(&["NAME", "REPOSITORIES", "DESCRIPTION"]);
                for map in &maps {
                    let Map { name, description, scopes, .. } = Map::read(client, map)?;
                    let names: Vec<_> = scopes.into_iter().map(|scope| scope.repositories).collect();
                    table.row(vec![name, names.join(", "), description]);
                }
                Ok(Answer { text: table.text("there is no scope map"), json: maps.into() })
            }),
            Self::Show(One { name, target }) => target.run(async |client, registry| {
                let json = name.call(client, registry, Method::GET).await?;
                Ok(Answer { text: Map::read(client, &json)?.text(), json })
            }),
            Self::Delete(One { name, target }) => target.run(async |client, registry| {
                name.call(client, registry, Method::DELETE).await?;
                Ok(deleted("scope map", name.name.as_str()))
            }),
        }
    }
}

impl Create {
    fn run(self) -> ExitCode {
        let Self { name: Name { name }, description, scopes: SomeScopes(Scopes(scopes)), target } = self;
        target.run(async |client, registry| {
            let path = registry.path(&format!("scope-maps/{name}"));
            let (description, created) = (description.unwrap_or_default(), String::new());
            let map = Map { name: name.to_string(), description, scopes: Vec::new(), created }.changed(scopes, &[])?;
            // The interface puts a map whether there is one or not; to make one is another wish.
            if client.find(&path).await?.is_some() {
                return Err(AdminError::Impossible(format!(
                    "there is a scope map {name} already: change it with `bulkhead scope-map update --name {name}`"
                )));
            }
            let json = client.call(Method::PUT, &path, Some(&map.body())).await?;
            Ok(Answer { text: Map::read(client, &json)?.text(), json })
        })
    }
}

impl Update {
    fn run(self) -> ExitCode {
        let Self { name, description, scopes: Scopes(scopes), remove_repository, target } = self;
        target.run(async |client, registry| {
            if scopes.is_empty() && remove_repository.is_empty() && description.is_none() {
                return Err(AdminError::Usage("nothing was said that should change; see --help".to_owned()));
            }
            let path = name.path(registry);
            let mut map =
                Map::read(client, &name.call(client, registry, Method::GET).await?)?.changed(scopes, &remove_repository)?;
            if let Some(description) = description {
                map.description = description;
            }
            let json = client.call(Method::PUT, &path, Some(&map.body())).await?;
            Ok(Answer { text: Map::read(client, &json)?.text(), json })
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: ScopeMap,
    }

    fn parse(line: &str) -> Result<ScopeMap, clap::Error> {
        Line::try_parse_from(std::iter::once("scope-map").chain(line.split(' '))).map(|line| line.command)
    }

    fn scopes(line: &str) -> Vec<(String, Vec<String>)> {
        match parse(line) {
            Ok(ScopeMap::Create(create)) => create.scopes.0.0.into_iter().collect(),
            Ok(_) => panic!("{line} makes one"),
            Err(error) => panic!("{error}"),
        }
    }

    fn map(scopes: &[(&str, &str)]) -> Map {
        let scope = |(repositories, rights): &(&str, &str)| Scope {
            repositories: (*repositories).to_owned(),
            rights: rights.split(' ').map(str::to_owned).collect(),
        };
        let scopes = scopes.iter().map(scope).collect();
        Map { name: "m".to_owned(), description: "d".to_owned(), scopes, created: String::new() }
    }

    #[test]
    fn repositories_and_their_rights_are_read_as_azure_writes_them() {
        assert_eq!(
            scopes("create --name m --repository samples/hello content/read content/write --repository samples/* metadata/read"),
            [
                ("samples/*".to_owned(), vec!["metadata/read".to_owned()]),
                ("samples/hello".to_owned(), vec!["content/read".to_owned(), "content/write".to_owned()])
            ]
        );
    }

    #[test]
    fn a_scope_that_is_none_is_told() {
        let says = |line: &str| parse(line).map(|_| ()).unwrap_err().to_string();
        assert!(says("create --name m --repository app content/raed").contains("did you mean \"content/read\"?"));
        assert!(says("create --name m --repository App content/read").contains("neither a repository's name nor"));
        assert!(says("create --name m --repository a/*/b content/read").contains("neither a repository's name nor"));
        assert!(says("create --name m --repository app content/read --repository app content/write").contains("twice"));
        assert!(says("create --name m").contains("--repository <NAME> <RIGHT>"), "{}", says("create --name m"));
        assert!(parse("update --name m --description d").is_ok());
        assert!(says("create --name m --repository app").contains("2 values"), "{}", says("create --name m --repository app"));
    }

    #[test]
    fn an_update_replaces_the_rights_on_a_repository_and_leaves_the_others() {
        let Ok(ScopeMap::Update(update)) =
            parse("update --name m --repository a content/read --repository new content/write --remove-repository gone/*")
        else {
            panic!("this is right")
        };
        let before = map(&[("a", "content/delete"), ("gone/*", "content/read"), ("stays", "content/read")]);
        let after = before.changed(update.scopes.0, &update.remove_repository).unwrap();
        let expected = map(&[("a", "content/read"), ("stays", "content/read"), ("new", "content/write")]);
        assert_eq!(after.body(), expected.body());
    }

    #[test]
    fn a_map_without_rights_and_a_removal_of_what_is_not_there_are_told() {
        let says = |outcome: Result<Map, AdminError>| outcome.map(|_| ()).unwrap_err().to_string();
        assert!(says(map(&[("a", "content/read")]).changed(BTreeMap::new(), &["a".to_owned()])).contains("no rights left"));
        assert!(says(map(&[("a", "content/read")]).changed(BTreeMap::new(), &["b".to_owned()])).contains("no rights on b"));
    }

    #[test]
    fn a_map_is_shown_with_a_line_for_each_repository() {
        let text = map(&[("a", "content/read content/write"), ("b/*", "content/read")]).text();
        assert_eq!(
            text,
            "name         m\ndescription  d\nrights       a: content/read, content/write\n             b/*: content/read\n"
        );
    }
}
