//! What a start prints on the standard output: plain text for the person in front of it, whose last line is what scripts wait for.
//! Pure: it turns values into text.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use crate::app::{LoadedPlugin, ServedRegistry};
use crate::login::{Login, USER};

/// Everything that a start has to say.
pub struct Welcome<'a> {
    /// The address that is listened at.
    pub address: SocketAddr,
    /// The data directory.
    pub data: &'a Path,
    /// The registries, in the order of the configuration; at least one.
    pub registries: &'a [ServedRegistry],
    /// The plugins, in the order of the configuration.
    pub plugins: &'a [LoadedPlugin],
    /// Whether connections are encrypted.
    pub encryption: Encryption,
    /// The login that the host keeps; none: users are the configuration's business.
    pub login: Option<&'a Login>,
}

/// Whether connections are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// They are not.
    None,
    /// With TLS.
    Tls,
}

impl Welcome<'_> {
    /// The text, whole lines.
    pub fn text(&self) -> String {
        let mut text = format!("Bulkhead {}\n", env!("CARGO_PKG_VERSION"));
        let host = self.client_host();
        let scheme = match self.encryption {
            Encryption::None => "http",
            Encryption::Tls => "https",
        };
        line(&mut text, "  address", &format!("{scheme}://{}", self.address));
        line(&mut text, "  data", &self.data.display().to_string());
        text.push_str(&registry_lines(self.registries));
        text.push_str("  plugins\n");
        text.push_str(&plugin_lines(self.plugins));
        text.push('\n');
        self.write_login(&mut text, &host);
        let image = format!("{host}/hello:1");
        line(&mut text, "Push", &format!("docker tag IMAGE {image} && docker push {image}"));
        line(&mut text, "Pull", &format!("docker pull {image}"));
        writeln!(text, "\nlistening on {}", self.address).expect("a string takes all text");
        text
    }

    fn write_login(&self, text: &mut String, host: &str) {
        match self.login {
            Some(Login::Made(login)) => {
                text.push_str("The first login, shown this once; only a salted hash of the password is kept:\n\n");
                writeln!(text, "docker login -u {USER} -p {} {host}\n", login.secret).expect("a string takes all text");
            }
            Some(Login::Before) => {
                line(text, "Log in", &format!("docker login -u {USER} {host}"));
                let renew = format!("bulkhead credential renew --data {}", self.data.display());
                line(text, "", &format!("(the password was shown when it was made; for a new one: {renew})"));
            }
            None => line(text, "Log in", &format!("docker login -u USER {host}")),
        }
    }

    /// What a client on this machine types as the registry's name.
    fn client_host(&self) -> String {
        if let Some(host) = self.registries.iter().find_map(|registry| registry.hosts.first())
            && self.registries.iter().all(|registry| !registry.answers_every_host)
        {
            return host.clone();
        }
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        address.to_string()
    }
}

/// A line for each registry: its hosts and the plugins that it asks.
pub fn registry_lines(registries: &[ServedRegistry]) -> String {
    let mut text = String::new();
    for registry in registries {
        let hosts = if registry.hosts.is_empty() { "every host".to_owned() } else { registry.hosts.join(", ") };
        let ServedRegistry { name, storage, .. } = registry;
        let mut what = format!("{name} at {hosts}; storage {storage}; auth {}", registry.auth.join(", "));
        if !registry.admission.is_empty() {
            what = format!("{what}; admission {}", registry.admission.join(", "));
        }
        line(&mut text, "  registry", &what);
    }
    text
}

/// A line for each plugin: name, component, digest.
pub fn plugin_lines(plugins: &[LoadedPlugin]) -> String {
    let width = |length: fn(&LoadedPlugin) -> usize| plugins.iter().map(length).max().unwrap_or_default();
    let (names, components) = (width(|plugin| plugin.name.len()), width(|plugin| plugin.component.len()));
    plugins
        .iter()
        .map(|plugin| format!("    {:names$}  {:components$}  {}\n", plugin.name, plugin.component, plugin.digest))
        .collect()
}

fn line(text: &mut String, head: &str, body: &str) {
    writeln!(text, "{head:12}{body}").expect("a string takes all text");
}

#[cfg(test)]
mod tests {
    use bulkhead_core::accounts::ShownSecret;
    use bulkhead_core::ports::accounts::Slot;

    use super::*;

    fn registry(name: &str, hosts: &[&str]) -> ServedRegistry {
        ServedRegistry {
            name: name.to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            answers_every_host: name == "default",
            storage: "disk".to_owned(),
            auth: vec!["staff".to_owned(), "rules".to_owned()],
            admission: Vec::new(),
        }
    }

    fn welcome(address: &str, registries: &[ServedRegistry], login: Option<&Login>) -> String {
        let digest = format!("sha256:{}", "a".repeat(64));
        let plugins = [LoadedPlugin {
            name: "disk".to_owned(),
            component: "builtin:storage-fs".to_owned(),
            digest,
            kinds: vec!["storage"],
        }];
        let data = Path::new("/srv/data");
        let (address, encryption) = (address.parse().unwrap(), Encryption::None);
        Welcome { address, encryption, data, registries, plugins: &plugins, login }.text()
    }

    #[test]
    fn the_first_start_shows_the_line_to_type() {
        let made = Login::Made(ShownSecret { slot: Slot::First, secret: "S3CRET".to_owned(), expires: None });
        let text = welcome("0.0.0.0:5000", &[registry("default", &[])], Some(&made));
        assert!(text.contains("\ndocker login -u admin -p S3CRET 127.0.0.1:5000\n"), "{text}");
        assert!(text.contains("\n  address   http://0.0.0.0:5000\n"), "{text}");
        assert!(text.ends_with("\nlistening on 0.0.0.0:5000\n"), "{text}");
        assert!(text.contains("disk  builtin:storage-fs  sha256:aaaa"), "{text}");
    }

    #[test]
    fn a_registry_is_shown_with_the_plugins_that_it_asks_in_their_order() {
        let plain = registry("default", &[]);
        let careful =
            ServedRegistry { admission: vec!["write-once".to_owned(), "content".to_owned()], ..registry("contoso", &["b", "c"]) };
        assert_eq!(
            registry_lines(&[plain, careful]),
            "  registry  default at every host; storage disk; auth staff, rules\n  registry  contoso at b, c; storage disk; auth staff, rules; admission write-once, content\n"
        );
    }

    #[test]
    fn a_later_start_says_how_to_make_a_new_login() {
        let text = welcome("127.0.0.1:5000", &[registry("default", &[])], Some(&Login::Before));
        assert!(
            text.contains("docker login -u admin 127.0.0.1:5000\n")
                && text.contains("bulkhead credential renew --data /srv/data)"),
            "{text}"
        );
    }

    #[test]
    fn a_registry_with_hosts_alone_is_named_by_the_first_of_them() {
        let text = welcome("127.0.0.1:5000", &[registry("contoso", &["contoso.example.com", "b"])], None);
        assert!(text.contains("docker login -u USER contoso.example.com\n"), "{text}");
        let text = welcome("127.0.0.1:5000", &[registry("contoso", &["b"]), registry("default", &[])], None);
        assert!(text.contains("docker login -u USER 127.0.0.1:5000\n"), "{text}");
    }
}
