//! Names a cloud's metadata service, in several spellings of its address.

use super::*;

const ADDRESSES: &[&str] = &["169.254.169.254", "[::ffff:169.254.169.254]", "0xa9fea9fe", "2852039166", "[fd00:ec2::254]"];

pub struct Metadata;

impl Behaviour for Metadata {
    fn format(&self, _: &str, event: &Event) -> Result<Vec<HttpRequest>> {
        Ok(ADDRESSES.iter().map(|address| about(event, &format!("http://{address}/latest/meta-data/"))).collect())
    }
}
