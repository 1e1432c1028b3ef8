//! What S3's answers say in XML, of which little is needed.

use bulkhead_plugin_sdk::prelude::*;
use roxmltree::{Document, Node};

use crate::time;

/// An object of a listing, with its key as it is in the bucket.
pub struct Listed {
    /// In the bucket.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// Milliseconds since 1970.
    pub modified: u64,
}

/// A page of a listing.
pub struct Page {
    /// In byte order of the key.
    pub objects: Vec<Listed>,
    /// Whether more follows.
    pub truncated: bool,
}

/// The code of an `Error` element, which may stand at the top of any answer, that of a success included.
pub fn error_code(body: &[u8]) -> Option<String> {
    let text = str::from_utf8(body).ok()?;
    let document = Document::parse(text.trim_start()).ok()?;
    let root = document.root_element();
    // Nothing but a code goes into a text: what else a stranger says may be anything.
    let sane = |code: &String| (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if root.has_tag_name("Error") { child(root, "Code").filter(sane) } else { None }
}

/// The text of an element below the top, such as `UploadId`, or of the top itself.
pub fn text(body: &[u8], name: &str) -> Result<String> {
    parse(body, |root| child(root, name).or_internal(&format!("the store's answer has no {name}")))
}

/// The objects of a ListObjectsV2.
pub fn page(body: &[u8]) -> Result<Page> {
    parse(body, |root| {
        let objects = root.children().filter(|node| node.has_tag_name("Contents")).map(listed).collect::<Result<_>>()?;
        let truncated = child(root, "IsTruncated").as_deref() == Some("true");
        Ok(Page { objects, truncated })
    })
}

/// The codes of what a DeleteObjects left, but for what was not there.
pub fn left(body: &[u8]) -> Result<Vec<String>> {
    parse(body, |root| {
        let codes = root.children().filter(|node| node.has_tag_name("Error")).map(|node| child(node, "Code").unwrap_or_default());
        Ok(codes.filter(|code| code != "NoSuchKey").collect())
    })
}

fn listed(node: Node<'_, '_>) -> Result<Listed> {
    let part = |name| child(node, name).or_internal("an object of the store's listing has not all that it must have");
    Ok(Listed { key: part("Key")?, size: part("Size")?.parse()?, modified: time::from_iso(&part("LastModified")?)? })
}

fn parse<T>(body: &[u8], read: impl FnOnce(Node<'_, '_>) -> Result<T>) -> Result<T> {
    // A store that takes its time over an answer sends spaces ahead of it.
    let text = str::from_utf8(body).or_internal("the store's answer is no text")?.trim_start();
    let document = Document::parse(text).map_err(|_| Error::internal("the store's answer is no XML"))?;
    read(document.root_element())
}

fn child(node: Node<'_, '_>, name: &str) -> Option<String> {
    let found = node.children().find(|child| child.has_tag_name(name))?;
    Some(found.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read_with_entities_and_a_namespace() {
        let body = br#"<?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true</IsTruncated>
            <Contents><Key>a&amp;b&#x2f;c</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified><ETag>&quot;x&quot;</ETag><Size>7</Size></Contents>
            </ListBucketResult>"#;
        let page = page(body).unwrap();
        assert!(page.truncated);
        assert_eq!(
            (page.objects[0].key.as_str(), page.objects[0].size, page.objects[0].modified),
            ("a&b/c", 7, 1_369_353_600_000)
        );
    }

    #[test]
    fn an_error_is_known_by_its_code_alone() {
        let body = b"\n <?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>secret</Message></Error>";
        assert_eq!(error_code(body).as_deref(), Some("InternalError"));
        for body in ["", "<html>", "<Error><Code>a b</Code></Error>", "<Other><Code>A</Code></Other>", "<Error/>"] {
            assert_eq!(error_code(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn what_a_batched_delete_left_is_told() {
        let body = b"<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error><Error><Code>NoSuchKey</Code></Error></DeleteResult>";
        assert_eq!(left(body), Ok(vec!["AccessDenied".to_owned()]));
    }

    #[test]
    fn an_answer_that_is_not_understood_is_an_error() {
        assert!(page(b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>").is_err());
        assert!(text(b"<A><B>1</B></A>", "C").is_err());
        assert!(text(b"not XML", "C").is_err());
        assert!(text(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a><C>&b;</C></a>", "C").is_err(), "no entities of its own");
    }
}
