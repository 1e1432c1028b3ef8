use std::os::unix::fs::PermissionsExt;

use bulkhead_core::ports::audit::{AuditAction, AuditCaller, AuditOutcome, AuditStep};
use bulkhead_core::ports::clock::Timestamp;

use super::verify::{Expected, Verified, VerifyError, verify};
use super::*;
use crate::data::ScratchDirectory;

fn entry(target: &str) -> AuditEntry {
    AuditEntry {
        at: Timestamp(1_800_000_000_007),
        registry: Some("default".parse().unwrap()),
        request: Some("0123456789abcdef".to_owned()),
        address: Some("192.0.2.1:4711".to_owned()),
        who: Some(AuditCaller { plugin: "staff".to_owned(), subject: "alice".to_owned() }),
        claimed: None,
        action: AuditAction::DeleteTag,
        repository: Some("team/app".parse().unwrap()),
        targets: vec![target.to_owned()],
        outcome: AuditOutcome::Refused,
        reason: "locked".to_owned(),
        steps: Vec::new(),
        omitted: 0,
    }
}

fn options(folder: &Path) -> AuditOptions {
    AuditOptions::new(folder.to_owned())
}

/// A log that got these targets, and was closed.
async fn written(options: AuditOptions, targets: impl IntoIterator<Item = String>) {
    let log = AuditLog::open(options).unwrap();
    for target in targets {
        log.record(entry(&target)).await;
    }
    log.close().await;
    let progress = *log.progress().borrow();
    assert_eq!((progress.written, progress.lost), (progress.synced, 0));
}

fn numbers(range: std::ops::RangeInclusive<u32>) -> impl Iterator<Item = String> {
    range.map(|number| format!("v{number}"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    list(folder).unwrap().into_iter().map(|file| file.path).collect()
}

fn checked(folder: &Path) -> Result<Verified, VerifyError> {
    verify(&files(folder), None)
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn rewrite(path: &Path, lines: &[String]) {
    std::fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

#[tokio::test]
async fn a_line_says_who_did_what_and_goes_on_from_the_one_before() {
    let scratch = ScratchDirectory::new().unwrap();
    let folder = scratch.path().join("a/audit");
    written(options(&folder), numbers(1..=2)).await;
    let path = folder.join("audit-000001.jsonl");
    let lines = lines(&path);
    assert_eq!(
        lines[0],
        format!(
            r#"{{"seq":1,"at":"2027-01-15T08:00:00.007Z","registry":"default","request":"0123456789abcdef","address":"192.0.2.1:4711","who":{{"plugin":"staff","subject":"alice"}},"action":"delete-tag","repository":"team/app","targets":["v1"],"outcome":"refused","reason":"locked","prev":"{}"}}"#,
            "0".repeat(64)
        )
    );
    assert!(
        lines[1].starts_with(r#"{"seq":2,"#) && lines[1].ends_with(&format!(r#""prev":"{}"}}"#, line::hash(lines[0].as_bytes())))
    );
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(checked(&folder).unwrap().last.hash, line::hash(lines[1].as_bytes()));
}

#[tokio::test]
async fn the_chain_goes_on_over_a_restart_and_over_files() {
    let scratch = ScratchDirectory::new().unwrap();
    let folder = scratch.path();
    let small = || AuditOptions { file_bytes: 1000, keep: 100, ..options(folder) };
    written(small(), numbers(1..=5)).await;
    written(small(), numbers(6..=10)).await;
    let files = files(folder);
    assert!(files.len() > 3, "{files:?}");
    assert!(files.iter().all(|file| std::fs::metadata(file).unwrap().len() <= 1000));
    let Verified { first, last, torn, .. } = checked(folder).unwrap();
    assert_eq!((first, last.seq, torn), (1, 10, None));
}

#[tokio::test]
async fn a_new_file_without_a_line_leaves_the_end_in_the_one_before() {
    let scratch = ScratchDirectory::new().unwrap();
    written(options(scratch.path()), numbers(1..=2)).await;
    std::fs::write(scratch.path().join("audit-000002.jsonl"), "").unwrap();
    written(options(scratch.path()), numbers(3..=3)).await;
    assert_eq!(checked(scratch.path()).unwrap().last.seq, 3);
    assert_eq!(lines(&scratch.path().join("audit-000002.jsonl")).len(), 1);
}

#[tokio::test]
async fn only_so_many_files_are_kept_and_the_rest_is_still_whole() {
    let scratch = ScratchDirectory::new().unwrap();
    let folder = scratch.path();
    let old = AuditOptions { young: Duration::ZERO, ..options(folder) };
    written(AuditOptions { file_bytes: 500, keep: 3, ..old }, numbers(1..=20)).await;
    assert_eq!(files(folder).len(), 3);
    let Verified { first, last, .. } = checked(folder).unwrap();
    assert!(first > 1 && last.seq == 20);
    let gone = Expected { seq: 1, hash: "a".repeat(64) };
    let error = verify(&files(folder), Some(&gone)).unwrap_err();
    assert!(error.to_string().contains("its file is gone"), "{error}");
}

/// The entries' own time is the year 2027; the files are as old as a test makes them.
fn age(file: &Path, days: u64) {
    let now = std::time::UNIX_EPOCH + Duration::from_millis(entry("").at.0);
    let opened = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    opened.set_modified(now - Duration::from_secs(days * 24 * 3600)).unwrap();
}

#[tokio::test]
async fn a_file_of_the_last_week_stays_however_many_there_are_until_there_are_four_times_as_many() {
    let scratch = ScratchDirectory::new().unwrap();
    let folder = scratch.path();
    // One line a file.
    let small = || AuditOptions { file_bytes: 1, keep: 2, ..options(folder) };
    written(small(), numbers(1..=2)).await;
    files(folder).iter().for_each(|file| age(file, 6));
    for (number, kept) in [(3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8), (9, 8), (10, 8)] {
        written(small(), numbers(number..=number)).await;
        files(folder).iter().for_each(|file| age(file, 6));
        assert_eq!(files(folder).len(), kept, "{number}");
    }
    assert_eq!(checked(folder).unwrap().first, 3);
    // What is a week old is worth no more than the number of files.
    files(folder).iter().for_each(|file| age(file, 7));
    written(small(), numbers(11..=11)).await;
    assert_eq!(files(folder).len(), 2);
    assert_eq!(checked(folder).unwrap().last.seq, 11);
}

#[tokio::test]
async fn a_line_that_was_taken_out_changed_or_moved_shows() {
    let scratch = ScratchDirectory::new().unwrap();
    let folder = scratch.path();
    written(options(folder), numbers(1..=5)).await;
    let path = folder.join("audit-000001.jsonl");
    let whole = lines(&path);
    let broken = |lines: &[String]| {
        rewrite(&path, lines);
        checked(folder).unwrap_err().to_string()
    };
    let without = [&whole[..2], &whole[3..]].concat();
    assert!(broken(&without).ends_with(":3: line 4 follows line 2: lines are missing or moved"), "{}", broken(&without));
    let mut changed = whole.clone();
    changed[1] = changed[1].replace("alice", "mallory");
    assert!(broken(&changed).contains(":3: line 3 does not go on from line 2"), "{}", broken(&changed));
    let mut swapped = whole.clone();
    swapped.swap(1, 2);
    assert!(broken(&swapped).contains(":2: "), "{}", broken(&swapped));
    let mut scrap = whole.clone();
    scrap[4] = "scrap".to_owned();
    assert!(broken(&scrap).ends_with(":5: this is no line of an audit log"));
    let mut forged = whole.clone();
    forged[0] = forged[0].replace(&"0".repeat(64), &"1".repeat(64));
    assert!(broken(&forged).ends_with(":1: this is no beginning of an audit log"));
}

#[tokio::test]
async fn an_end_that_somebody_wrote_down_shows_what_the_chain_alone_does_not() {
    let scratch = ScratchDirectory::new().unwrap();
    let folder = scratch.path();
    written(options(folder), numbers(1..=5)).await;
    let path = folder.join("audit-000001.jsonl");
    let last = checked(folder).unwrap().last;
    let expected: Expected = format!("{}:{}", last.seq, last.hash).parse().unwrap();
    written(options(folder), numbers(6..=6)).await;
    assert!(verify(&files(folder), Some(&expected)).is_ok(), "the log has grown since");
    let whole = lines(&path);
    rewrite(&path, &whole[..3]);
    assert!(checked(folder).is_ok());
    let cut = verify(&files(folder), Some(&expected)).unwrap_err();
    assert!(cut.to_string().contains("ends with line 3, so its end was taken away"), "{cut}");
    // Whoever writes the whole log anew makes a chain that is whole, and another one.
    std::fs::remove_file(&path).unwrap();
    written(options(folder), numbers(11..=16)).await;
    let forged = verify(&files(folder), Some(&expected)).unwrap_err();
    assert!(forged.to_string().ends_with(":5: line 5 is not the one that is expected: the log was rewritten"), "{forged}");
}

#[test]
fn an_expected_end_has_a_form() {
    assert!(format!("7:{}", "A".repeat(64)).parse::<Expected>().is_ok_and(|end| end.hash == "a".repeat(64)));
    for text in ["", "7", "7:", "x:y", "0:00", &format!("0:{}", "a".repeat(64)), &format!("1:{}", "g".repeat(64))] {
        assert!(text.parse::<Expected>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_line_that_a_crash_tore_is_cut_off_and_the_log_goes_on() {
    let scratch = ScratchDirectory::new().unwrap();
    let folder = scratch.path();
    written(options(folder), numbers(1..=3)).await;
    let path = folder.join("audit-000001.jsonl");
    let bytes = std::fs::read(&path).unwrap();
    let mut torn = bytes.clone();
    torn.extend_from_slice(&bytes[..100]);
    std::fs::write(&path, &torn).unwrap();
    let found = checked(folder).unwrap();
    assert_eq!((found.last.seq, found.torn), (3, Some((path.clone(), 100))), "told, and no fault");
    written(options(folder), numbers(4..=4)).await;
    let found = checked(folder).unwrap();
    assert_eq!((found.last.seq, found.torn), (4, None));
    // A file of nothing but a torn line.
    std::fs::write(&path, &bytes[..50]).unwrap();
    written(options(folder), numbers(1..=1)).await;
    assert_eq!(checked(folder).unwrap().last.seq, 1);
}

#[tokio::test]
async fn a_whole_line_that_is_damaged_is_evidence_and_stays() {
    let scratch = ScratchDirectory::new().unwrap();
    let path = scratch.path().join("audit-000001.jsonl");
    std::fs::write(&path, "{\"seq\":1,\"pr\n").unwrap();
    assert!(matches!(AuditLog::open(options(scratch.path())), Err(AuditError::Damaged(found)) if found == path));
    assert_eq!(std::fs::read(&path).unwrap(), b"{\"seq\":1,\"pr\n");
}

#[tokio::test]
async fn what_is_longer_than_a_line_may_be_loses_its_targets_and_says_so() {
    let scratch = ScratchDirectory::new().unwrap();
    let log = AuditLog::open(options(scratch.path())).unwrap();
    let step = AuditStep { plugin: "p".to_owned(), digest: String::new(), said: "denied", reason: "r".repeat(1 << 20) };
    log.record(AuditEntry { steps: vec![step], reason: "é".repeat(5000), ..entry("v1") }).await;
    log.record(entry("v2")).await;
    log.close().await;
    let lines = lines(&scratch.path().join("audit-000001.jsonl"));
    assert!(lines[0].len() < 4096 && lines[0].contains("targets and steps are left out"), "{}", lines[0].len());
    assert_eq!(checked(scratch.path()).unwrap().last.seq, 2);
}

#[tokio::test]
async fn a_line_is_synced_within_its_time_though_nothing_follows() {
    let scratch = ScratchDirectory::new().unwrap();
    let log = AuditLog::open(AuditOptions { sync_every: Duration::from_millis(1), ..options(scratch.path()) }).unwrap();
    log.record(entry("v1")).await;
    let mut progress = log.progress();
    let reached = tokio::time::timeout(Duration::from_secs(30), progress.wait_for(|progress| progress.synced == 1)).await;
    assert!(reached.is_ok_and(|reached| reached.is_ok()));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_many_tasks_are_all_written_though_few_may_be_on_their_way() {
    let scratch = ScratchDirectory::new().unwrap();
    let log = Arc::new(AuditLog::open(AuditOptions { queue: 2, ..options(scratch.path()) }).unwrap());
    let tasks: Vec<_> = (0..20)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for number in 0..20 {
                    log.record(entry(&format!("{task}-{number}"))).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    log.close().await;
    assert_eq!(checked(scratch.path()).unwrap().last.seq, 400);
}

#[tokio::test]
async fn what_comes_after_the_end_is_not_written() {
    let scratch = ScratchDirectory::new().unwrap();
    let log = AuditLog::open(AuditOptions { queue: 1, ..options(scratch.path()) }).unwrap();
    log.record(entry("v1")).await;
    log.close().await;
    log.record(entry("v2")).await;
    log.record(entry("v3")).await;
    log.close().await;
    assert_eq!(checked(scratch.path()).unwrap().last.seq, 1);
}

#[tokio::test]
async fn two_servers_do_not_write_to_one_log() {
    let scratch = ScratchDirectory::new().unwrap();
    let log = AuditLog::open(options(scratch.path())).unwrap();
    assert!(matches!(AuditLog::open(options(scratch.path())), Err(AuditError::InUse(_))));
    log.close().await;
    assert!(AuditLog::open(options(scratch.path())).is_ok());
}

#[tokio::test]
async fn what_cannot_be_written_is_counted_and_said_in_the_next_line() {
    let scratch = ScratchDirectory::new().unwrap();
    // The next file's name is taken by a directory.
    let folder = scratch.path().join("log");
    let log = AuditLog::open(AuditOptions { file_bytes: 300, ..options(&folder) }).unwrap();
    log.record(entry("v1")).await;
    let mut progress = log.progress();
    progress.wait_for(|progress| progress.written == 1).await.unwrap();
    std::fs::create_dir(folder.join("audit-000002.jsonl")).unwrap();
    log.record(entry("v2")).await;
    log.record(entry("v3")).await;
    progress.wait_for(|progress| progress.lost == 2).await.unwrap();
    std::fs::remove_dir(folder.join("audit-000002.jsonl")).unwrap();
    log.record(entry("v4")).await;
    log.close().await;
    assert_eq!(checked(&folder).unwrap().last.seq, 2);
    let line = &lines(&folder.join("audit-000002.jsonl"))[0];
    assert!(line.contains("\"v4\"") && line.contains("\"lost\":2"), "{line}");
}

#[tokio::test]
async fn a_disk_that_hangs_holds_nobody_up_for_ever_and_what_it_cost_is_said() {
    let scratch = ScratchDirectory::new().unwrap();
    let log = AuditLog::open(AuditOptions { queue: 1, patience: Duration::from_millis(1), ..options(scratch.path()) }).unwrap();
    // As if the writer had one on its way and got nowhere.
    let stuck = log.slots.acquire().await.unwrap();
    log.record(entry("v1")).await;
    log.record(entry("v2")).await;
    drop(stuck);
    log.record(entry("v3")).await;
    log.close().await;
    assert_eq!(log.progress().borrow().lost, 2);
    let lines = lines(&scratch.path().join("audit-000001.jsonl"));
    assert!(lines.len() == 1 && lines[0].contains("\"v3\"") && lines[0].contains("\"lost\":2"), "{lines:?}");
}

#[test]
fn where_there_is_no_line_there_is_nothing_to_check() {
    let scratch = ScratchDirectory::new().unwrap();
    let file = scratch.path().join("audit-000001.jsonl");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(verify(&[file], None), Err(VerifyError::Empty(_))));
    assert!(matches!(verify(&[scratch.path().join("none")], None), Err(VerifyError::Unreadable { .. })));
}
