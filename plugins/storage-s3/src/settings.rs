//! The plugin's `config` table, and what it is checked for. Errors name the setting.

use bulkhead_plugin_sdk::prelude::*;

use crate::ladder;
use crate::text::is_plain;

/// The whole table.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// As the endpoint knows it.
    pub region: String,
    /// The bucket, which is there already.
    pub bucket: String,
    /// What the keys of all objects begin with in the bucket.
    #[serde(default)]
    pub prefix: String,
    /// Where the bucket's name goes.
    #[serde(default)]
    pub addressing: Option<Addressing>,
    /// What requests are signed with.
    pub credentials: Credentials,
    /// The endpoint as clients reach it.
    #[serde(default)]
    pub link_endpoint: Option<String>,
    /// The bytes of a part, at an upload's beginning.
    #[serde(default = "default_part")]
    pub part_bytes: u64,
    /// `STANDARD_IA`.
    #[serde(default)]
    pub storage_class: Option<String>,
    /// How the store encrypts what it keeps.
    #[serde(default)]
    pub server_side_encryption: Option<Encryption>,
    /// Which key of KMS it takes.
    #[serde(default)]
    pub kms_key_id: Option<String>,
    /// Whether the store itself has to see to it that no object is replaced.
    #[serde(default)]
    pub conditional: bool,
}

/// Where the bucket's name goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addressing {
    /// `https://s3.example.com/BUCKET/KEY`.
    Path,
    /// `https://BUCKET.s3.example.com/KEY`.
    VirtualHost,
}

/// How the store encrypts what it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub enum Encryption {
    /// With keys of its own.
    #[serde(rename = "AES256")]
    Own,
    /// With keys of KMS.
    #[serde(rename = "aws:kms")]
    Kms,
}

/// Where the keys come from: two of them, a file, or a metadata service.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Credentials {
    /// The id itself, or `secret:NAME`.
    #[serde(default)]
    pub access_key_id: Option<String>,
    /// The name of a granted secret.
    #[serde(default)]
    pub secret_access_key: Option<String>,
    /// The name of a granted secret.
    #[serde(default)]
    pub session_token: Option<String>,
    /// The name of a granted secret: a file as `~/.aws/credentials`.
    #[serde(default)]
    pub file: Option<String>,
    /// The part of the file that counts.
    #[serde(default)]
    pub profile: Option<String>,
    /// The URL of a metadata service.
    #[serde(default)]
    pub metadata: Option<String>,
    /// The name of a granted secret, for a container's metadata service.
    #[serde(default)]
    pub metadata_token: Option<String>,
}

const fn default_part() -> u64 {
    ladder::LEAST
}

impl Encryption {
    /// As its header has it.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Own => "AES256",
            Self::Kms => "aws:kms",
        }
    }
}

impl Settings {
    /// The error names what is wrong.
    pub fn check(&self) -> Result<()> {
        check_endpoint("endpoint", &self.endpoint)?;
        if let Some(endpoint) = &self.link_endpoint {
            check_endpoint("link-endpoint", endpoint)?;
        }
        if self.region.is_empty() || self.region.len() > 64 || !is_plain(&self.region) {
            return Err(refusal("region", &self.region, "must be like `eu-central-1`"));
        }
        self.check_bucket()?;
        if !is_prefix(&self.prefix) {
            let rule = "must be empty, or like `a/b/`: letters, digits and `._-`, with a slash at the end, at most 256";
            return Err(refusal("prefix", &self.prefix, rule));
        }
        if !(ladder::LEAST..=ladder::MOST).contains(&self.part_bytes) {
            let (least, most) = (ladder::LEAST, ladder::MOST);
            return Err(Error::invalid(format!("part-bytes: {} must be {least} to {most} (5 to 64 MiB)", self.part_bytes)));
        }
        self.check_headers()
    }

    /// Where the bucket's name goes, as asked for, or as is usual.
    pub fn addressing(&self) -> Addressing {
        let host = self.endpoint.trim_end_matches('/').to_ascii_lowercase();
        let is_amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
        // A certificate for `*.s3.amazonaws.com` is none for a name with one more dot in it.
        let usual = if is_amazon && !self.bucket.contains('.') { Addressing::VirtualHost } else { Addressing::Path };
        self.addressing.unwrap_or(usual)
    }

    fn check_bucket(&self) -> Result<()> {
        let bucket = &self.bucket;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
        let ends = bucket.starts_with(['-', '.']) || bucket.ends_with(['-', '.']) || bucket.contains("..");
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(plain) || ends {
            return Err(refusal("bucket", bucket, "is no bucket's name: 3 to 63 of a-z 0-9 . -"));
        }
        let host = self.endpoint.split("://").nth(1).unwrap_or_default();
        let is_address =
            host.starts_with('[') || host.split(':').next().is_some_and(|host| host.parse::<std::net::Ipv4Addr>().is_ok());
        if self.addressing() == Addressing::VirtualHost && is_address {
            return Err(Error::invalid("addressing: `virtual-host` needs an endpoint with a name; use `path`"));
        }
        Ok(())
    }

    fn check_headers(&self) -> Result<()> {
        let is_class = |class: &String| {
            !class.is_empty() && class.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if let Some(class) = self.storage_class.as_ref().filter(|class| !is_class(class)) {
            return Err(refusal("storage-class", class, "must be like `STANDARD_IA`"));
        }
        if let Some(key) = &self.kms_key_id {
            if self.server_side_encryption != Some(Encryption::Kms) {
                return Err(Error::invalid("kms-key-id: needs `server-side-encryption = \"aws:kms\"`"));
            }
            if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(refusal("kms-key-id", key, "must be a key's id or ARN"));
            }
        }
        Ok(())
    }
}

fn refusal(setting: &str, value: &str, rule: &str) -> Error {
    Error::invalid(format!("{setting}: `{}` {rule}", value.escape_debug()))
}

fn check_endpoint(setting: &str, url: &str) -> Result<()> {
    let bare = url.strip_suffix('/').unwrap_or(url);
    let is_origin = http::origin(url).is_some_and(|origin| bare.eq_ignore_ascii_case(&origin));
    if is_origin {
        Ok(())
    } else {
        Err(refusal(setting, url, "must be like `https://s3.eu-central-1.amazonaws.com`, without a path"))
    }
}

fn is_prefix(prefix: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..") && is_plain(part);
    prefix.is_empty() || prefix.len() <= 256 && prefix.strip_suffix('/').is_some_and(|path| path.split('/').all(part))
}
