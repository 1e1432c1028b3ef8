//! The envelope of Docker's registry (`application/vnd.docker.distribution.events.v2+json`): field names and which of them are left out when
//! empty are as in the `notifications` package of `registry:2`.
//!
//! `url` in a target is left out: the event does not say over which scheme a client reaches the registry.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::webhook::{Action, Target};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[derive(Serialize)]
struct Envelope<'a> {
    events: [Entry<'a>; 1],
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    timestamp: String,
    action: &'static str,
    target: What<'a>,
    request: Request<'a>,
    actor: Actor<'a>,
    source: Source<'a>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct What<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_repository: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
}

#[derive(Serialize)]
struct Request<'a> {
    id: &'a str,
    addr: &'a str,
    host: &'a str,
    method: &'a str,
    useragent: &'a str,
}

#[derive(Serialize)]
struct Actor<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source<'a> {
    addr: &'a str,
    #[serde(rename = "instanceID")]
    instance_id: &'a str,
}

/// The JSON of one event. Fails for a time after the year 9999.
pub fn write(event: &Event) -> Result<Vec<u8>> {
    let entry = Entry {
        id: &event.id,
        timestamp: timestamp(event.at)?,
        action: action(event.action),
        target: event.target.as_ref().map(target).unwrap_or_default(),
        request: Request {
            id: &event.request_id,
            addr: &event.address,
            host: &event.host,
            method: &event.method,
            useragent: event.user_agent.as_deref().unwrap_or_default(),
        },
        actor: Actor { name: event.actor.as_deref() },
        source: Source { addr: &event.host, instance_id: &event.registry },
    };
    Ok(serde_json::to_vec(&Envelope { events: [entry] })?)
}

/// The envelope knows no tags apart from pushes and deletes; receivers tell them by `target.tag`.
fn action(action: Action) -> &'static str {
    match action {
        Action::Tag => Action::Push.name(),
        Action::Untag => Action::Delete.name(),
        other => other.name(),
    }
}

fn target(target: &Target) -> What<'_> {
    let present = |text: &'_ str| !text.is_empty();
    What {
        media_type: Some(target.media_type.as_str()).filter(|text| present(text)),
        size: Some(target.size).filter(|size| *size > 0),
        digest: Some(target.digest.as_str()).filter(|text| present(text)),
        length: Some(target.size).filter(|size| *size > 0),
        repository: Some(&target.repository),
        from_repository: target.mounted_from.as_deref(),
        tag: target.tag.as_deref(),
        artifact_type: target.artifact_type.as_deref(),
    }
}

fn timestamp(milliseconds: u64) -> Result<String> {
    let nanoseconds = i128::from(milliseconds) * 1_000_000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).or_internal("the event's time")?;
    time.format(&Rfc3339).or_internal("the event's time")
}
