use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::*;
use crate::data::ScratchDirectory;

const DAY: Duration = Duration::from_secs(24 * 3600);
const SCHEDULE: KeySchedule =
    KeySchedule { every: Duration::from_secs(30 * 24 * 3600), keep: Duration::from_secs(90 * 24 * 3600) };

/// Its time goes on where a test says so; a wait is over at once, and moves it.
struct Days(AtomicU64);

impl Days {
    fn at(day: u32) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(Timestamp(0).after(DAY * (20_000 + day)).0)))
    }

    fn set(&self, day: u32) {
        self.0.store(Timestamp(0).after(DAY * (20_000 + day)).0, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for Days {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, wait: Duration) {
        let wait = u64::try_from(wait.as_millis()).unwrap();
        self.0.fetch_add(wait, Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
}

fn open(data: &Path, clock: &Arc<Days>) -> TokenKeys {
    TokenKeys::open(data, SCHEDULE, Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}

fn names(data: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(data.join("keys")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_first_key_is_made_once_and_kept_for_its_owner_alone() {
    let (scratch, clock) = (ScratchDirectory::new().unwrap(), Days::at(0));
    let first = open(scratch.path(), &clock).ring().current_id();
    assert_eq!(names(scratch.path()), [format!("token-1728000000-{first}.pem")]);
    assert_eq!(open(scratch.path(), &clock).ring().current_id(), first);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scratch.path().join("keys").join(&names(scratch.path())[0])), 0o600);
    assert_eq!(mode(&scratch.path().join("keys")), 0o700);
}

#[test]
fn the_key_of_an_earlier_version_is_the_oldest_and_goes_on_until_it_is_too_old() {
    let (scratch, clock) = (ScratchDirectory::new().unwrap(), Days::at(0));
    let path = scratch.path().join("keys/token.pem");
    data::make_directory(path.parent().unwrap()).unwrap();
    data::write_private(&path, TokenKey::generate().unwrap().as_bytes()).unwrap();
    // The file was written just now, by the machine's clock.
    let made = std::fs::metadata(&path).unwrap().modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    clock.0.store(u64::try_from(made.as_millis()).unwrap(), Ordering::SeqCst);
    let keys = open(scratch.path(), &clock);
    let first = keys.ring().current_id();
    assert_eq!((keys.ring().len(), names(scratch.path())), (1, vec!["token.pem".to_owned()]));
    clock.0.fetch_add(31 * 24 * 3600 * 1000, Ordering::SeqCst);
    keys.tend().unwrap();
    assert_ne!(keys.ring().current_id(), first);
    assert_eq!(open(scratch.path(), &clock).ring().len(), 2, "both are found again");
}

#[test]
fn a_key_signs_for_its_time_and_stays_until_nothing_of_it_is_valid() {
    let (scratch, clock) = (ScratchDirectory::new().unwrap(), Days::at(0));
    let keys = open(scratch.path(), &clock);
    let first = keys.ring().current_id();
    let after = |day| {
        clock.set(day);
        keys.tend().unwrap();
        (keys.ring().current_id() == first, keys.ring().len(), names(scratch.path()).len())
    };
    assert_eq!(after(29), (true, 1, 1));
    assert_eq!(after(30), (false, 2, 2));
    assert_eq!(after(59), (false, 2, 2));
    assert_eq!(after(60), (false, 3, 3));
    assert_eq!(after(119), (false, 4, 4));
    assert!(keys.ring().jwks().to_string().contains(&*first), "90 days after day 30 are not over");
    assert_eq!(after(120), (false, 3, 3), "the first one went");
    assert!(!keys.ring().jwks().to_string().contains(&*first));
}

#[test]
fn a_server_that_was_off_for_long_starts_with_a_new_key() {
    let (scratch, clock) = (ScratchDirectory::new().unwrap(), Days::at(0));
    let first = open(scratch.path(), &clock).ring().current_id();
    clock.set(400);
    let keys = open(scratch.path(), &clock);
    assert_ne!(keys.ring().current_id(), first);
    assert_eq!(keys.ring().len(), 2, "it retires only now, so what it signed is given its time");
}

#[test]
fn a_clock_that_was_put_back_takes_no_key_away_and_leaves_the_newest_signing() {
    let (scratch, clock) = (ScratchDirectory::new().unwrap(), Days::at(100));
    let keys = open(scratch.path(), &clock);
    clock.set(0);
    let rotated = keys.rotate().unwrap();
    assert_eq!((keys.ring().current_id().as_ref(), rotated.keys), (rotated.kid.as_str(), 2));
    keys.tend().unwrap();
    assert_eq!(open(scratch.path(), &clock).ring().current_id().as_ref(), rotated.kid);
}

#[test]
fn there_is_an_end_to_rotating() {
    let (scratch, clock) = (ScratchDirectory::new().unwrap(), Days::at(0));
    let keys = open(scratch.path(), &clock);
    while keys.ring().len() < MOST {
        keys.rotate().unwrap();
    }
    let current = keys.ring().current_id();
    assert!(matches!(keys.rotate(), Err(TokenKeyError::TooMany)));
    assert_eq!((keys.ring().current_id(), names(scratch.path()).len()), (current, MOST));
}

/// Hands on what is recorded.
struct Told(mpsc::UnboundedSender<AuditEntry>);

#[async_trait]
impl Audit for Told {
    async fn record(&self, entry: AuditEntry) {
        self.0.send(entry).unwrap();
    }
}

fn audit() -> (Arc<dyn Audit>, mpsc::UnboundedReceiver<AuditEntry>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Arc::new(Told(sender)), receiver)
}

async fn heard(told: &mut mpsc::UnboundedReceiver<AuditEntry>) -> AuditEntry {
    let entry = tokio::time::timeout(Duration::from_secs(60), told.recv()).await.unwrap().unwrap();
    assert_eq!((entry.action, entry.outcome), (AuditAction::RotateKeys, AuditOutcome::Done));
    assert_eq!((&entry.registry, &entry.request), (&None, &None), "it is of the host as a whole");
    entry
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_looks_after_them_while_the_server_runs_and_the_audit_log_hears_of_it() {
    let (scratch, clock) = (ScratchDirectory::new().unwrap(), Days::at(0));
    let keys = Arc::new(open(scratch.path(), &clock));
    let (first, ring) = (keys.ring().current_id(), Arc::clone(keys.ring()));
    let (audit, mut told) = audit();
    let task = tokio::spawn(keys.run(audit));
    let entry = heard(&mut told).await;
    assert!(entry.targets[0] != *first && ring.jwks().to_string().contains(&entry.targets[0]), "{entry:?}");
    assert!(entry.who.is_none() && entry.reason.contains("key-rotation"), "{entry:?}");
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_hears_of_a_key_that_was_made_at_the_start() {
    let (scratch, clock) = (ScratchDirectory::new().unwrap(), Days::at(0));
    drop(open(scratch.path(), &clock));
    clock.set(400);
    let keys = Arc::new(open(scratch.path(), &clock));
    let current = keys.ring().current_id();
    let (audit, mut told) = audit();
    let task = tokio::spawn(keys.run(audit));
    assert_eq!(heard(&mut told).await.targets, [current.to_string()]);
    task.abort();
}

#[tokio::test]
async fn the_operator_has_the_key_replaced_and_the_audit_log_says_so() {
    let (scratch, clock) = (ScratchDirectory::new().unwrap(), Days::at(0));
    let keys = Arc::new(open(scratch.path(), &clock));
    let first = keys.ring().current_id();
    let (audit, mut told) = audit();
    let rotated = Rotation { keys: Arc::clone(&keys), audit }.rotate().await.unwrap();
    assert_eq!((rotated.kid.as_str(), rotated.keys), (keys.ring().current_id().as_ref(), 2));
    assert_ne!(first, keys.ring().current_id());
    let entry = heard(&mut told).await;
    let who = entry.who.unwrap();
    assert_eq!((who.plugin.as_str(), who.subject.as_str(), entry.targets), ("host", "operator", vec![rotated.kid]));
}

#[tokio::test]
async fn a_rotation_that_fails_is_no_entry() {
    let (scratch, clock) = (ScratchDirectory::new().unwrap(), Days::at(0));
    let keys = Arc::new(open(scratch.path(), &clock));
    while keys.ring().len() < MOST {
        keys.rotate().unwrap();
    }
    let (audit, mut told) = audit();
    Rotation { keys, audit }.rotate().await.unwrap_err();
    assert!(told.recv().await.is_none());
}

#[test]
fn a_damaged_key_is_told_and_not_replaced() {
    let (scratch, clock) = (ScratchDirectory::new().unwrap(), Days::at(0));
    let file = scratch.path().join("keys/token-1700000000-0123456789abcdef.pem");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "scrap").unwrap();
    let opened = TokenKeys::open(scratch.path(), SCHEDULE, clock);
    assert!(matches!(opened, Err(TokenKeyError::Useless { .. })));
    assert_eq!((std::fs::read_to_string(&file).unwrap().as_str(), names(scratch.path()).len()), ("scrap", 1));
}
