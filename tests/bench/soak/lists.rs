//! The soak's lists, read page by page while others write: in order, without doubles, with all that the client owns and nothing that
//! it deleted.

use std::collections::BTreeMap;

use bulkhead_tests::http::{Response, percent_encode};
use rand::RngExt as _;
use serde_json::Value;

use super::client::{Done, Soaker};
use super::model::Kind;
use super::pushes::ARTIFACT_TYPES;
use super::wire::Checked;

/// More pages than any list of the soak has.
const MOST_PAGES: usize = 10_000;

impl Soaker<'_> {
    /// The tags of a repository, mostly one in which something is owned.
    pub(super) fn list_tags(&mut self) -> Checked<Done> {
        let (position, anywhere) = (self.pick(self.model.manifests.len()), self.pick_repository());
        let repository = position.map_or(anywhere, |position| self.model.manifests[position].repository);
        let page = self.random.random_range(3..100);
        self.check_tags(repository, page)?;
        Ok(Done::Yes)
    }

    /// Of the tags that begin as only this client's do, exactly the own ones are listed.
    pub(super) fn check_tags(&self, repository: usize, page: u32) -> Checked {
        let name = &self.world.repositories[repository];
        let own_manifests = self.model.manifests.iter().any(|held| held.repository == repository);
        // Without a manifest the repository may be unknown.
        let statuses: &[u16] = if own_manifests { &[200] } else { &[200, 404] };
        let listed = self.read_list(&format!("/v2/{name}/tags/list?n={page}"), statuses, "tags")?;
        let listed = in_order(name, listed)?;
        let prefix = self.prefix();
        let found: Vec<&String> = listed.iter().filter(|tag| tag.starts_with(&prefix)).collect();
        let expected: Vec<&String> = self.model.tags_in(repository).map(|(tag, _)| tag).collect();
        if found == expected {
            return Ok(());
        }
        let missing: Vec<_> = expected.iter().filter(|tag| !found.contains(tag)).collect();
        let unwanted: Vec<_> = found.iter().filter(|tag| !expected.contains(tag)).collect();
        Err(format!("the tags of {name} in pages of {page}: missing {missing:?}, there against expectation {unwanted:?}"))
    }

    /// Each repository with an own manifest is in the catalog.
    pub(super) fn list_catalog(&mut self) -> Checked<Done> {
        let page = self.random.random_range(10..150);
        let listed = self.read_list(&format!("/v2/_catalog?n={page}"), &[200], "repositories")?;
        let listed = in_order("the catalog", listed)?;
        let expected = self.model.repositories();
        let names = expected.iter().map(|number| &self.world.repositories[*number]);
        let missing: Vec<&String> = names.filter(|name| listed.binary_search(name).is_err()).collect();
        if missing.is_empty() { Ok(Done::Yes) } else { Err(format!("the catalog in pages of {page} lacks {missing:?}")) }
    }

    /// Only the owner of an image refers to it, so the list is known whole, with and without a filter.
    pub(super) fn list_referrers(&mut self) -> Checked<Done> {
        // Of one that has some, if there is any.
        let artifacts = self.held(|held| matches!(held.kind, Kind::Artifact { .. }));
        let Some(chosen) = self.pick(artifacts.len()) else { return Ok(Done::Nothing) };
        let held = &self.model.manifests[artifacts[chosen]];
        let Kind::Artifact { subject, .. } = &held.kind else { return Ok(Done::Nothing) };
        let expected = self.model.referrers(held.repository, subject);
        let target = format!("/v2/{}/referrers/{subject}", self.world.repositories[held.repository]);
        self.check_referrers(&target, &expected)?;
        for wanted in ARTIFACT_TYPES {
            let expected =
                expected.iter().filter(|(_, found)| **found == wanted).map(|(digest, found)| (*digest, *found)).collect();
            self.check_referrers(&format!("{target}?artifactType={}", percent_encode(wanted)), &expected)?;
        }
        Ok(Done::Yes)
    }

    fn check_referrers(&self, target: &str, expected: &BTreeMap<&str, &str>) -> Checked {
        let listed = self.read_list(target, &[200], "manifests")?;
        let found: Vec<(&str, &str)> = listed
            .iter()
            .map(|entry| (entry["digest"].as_str().unwrap_or_default(), entry["artifactType"].as_str().unwrap_or_default()))
            .collect();
        let sorted: BTreeMap<&str, &str> = found.iter().copied().collect();
        if sorted == *expected && found.len() == sorted.len() {
            return Ok(());
        }
        Err(format!("{target} lists {found:?}, expected was {expected:?}"))
    }

    /// Reads a list to its end; empty where a status other than 200 is expected and comes.
    fn read_list(&self, target: &str, statuses: &[u16], member: &str) -> Checked<Vec<Value>> {
        let mut entries = Vec::new();
        let mut target = target.to_owned();
        for _ in 0..MOST_PAGES {
            let answer = self.wire.ask("GET", &target, statuses)?;
            if answer.status != 200 {
                return Ok(entries);
            }
            let page = serde_json::from_slice::<Value>(&answer.body).ok();
            let list = page.as_ref().and_then(|page| page[member].as_array());
            entries.extend(list.ok_or_else(|| format!("GET {target}: no {member} in {}", answer.text()))?.iter().cloned());
            match next(&answer) {
                Some(next) => target = next,
                None => return Ok(entries),
            }
        }
        Err(format!("GET {target}: the list has no end"))
    }
}

/// Where an answer's `Link` leads.
fn next(answer: &Response) -> Option<String> {
    let link = answer.header("Link")?.strip_prefix('<')?;
    link.split_once('>').map(|(target, _)| target.to_owned())
}

/// The names, which rise strictly in byte order.
fn in_order(what: &str, listed: Vec<Value>) -> Checked<Vec<String>> {
    let names: Vec<String> = listed.iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect();
    match names.windows(2).find(|pair| pair[0] >= pair[1]) {
        None => Ok(names),
        Some(pair) => Err(format!("{what} lists {:?} before {:?}", pair[0], pair[1])),
    }
}
