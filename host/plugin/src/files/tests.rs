use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Barrier};

use tempfile::TempDir;

use super::*;
use crate::error::LoadError;
use crate::spec::{DirectoryAccess, DirectoryGrant, Grants};

fn grant(path: &Path, access: DirectoryAccess) -> DirectoryGrant {
    DirectoryGrant { path: path.to_owned(), access }
}

/// `/blobs` for writing, `/blobs/cold` and `/read` for reading, and the file `/users`.
fn granted() -> (TempDir, Granted) {
    let home = tempfile::tempdir().unwrap();
    for directory in ["blobs", "cold", "read"] {
        fs::create_dir(home.path().join(directory)).unwrap();
    }
    fs::write(home.path().join("secret"), "s").unwrap();
    fs::write(home.path().join("users.htpasswd"), "ann:x").unwrap();
    let mut grants = Grants::default();
    grants.directories.insert("/blobs".to_owned(), grant(&home.path().join("blobs"), DirectoryAccess::ReadWrite));
    grants.directories.insert("/blobs/cold/".to_owned(), grant(&home.path().join("cold"), DirectoryAccess::ReadOnly));
    grants.directories.insert("/read".to_owned(), grant(&home.path().join("read"), DirectoryAccess::ReadOnly));
    grants.files.insert("/users".to_owned(), home.path().join("users.htpasswd"));
    let granted = Granted::open(&grants).unwrap();
    (home, granted)
}

fn is_denied<T>(result: Result<T, FileError>) -> bool {
    matches!(result, Err(FileError::Denied(_)))
}

fn is_invalid<T>(result: Result<T, FileError>) -> bool {
    matches!(result, Err(FileError::Invalid(_)))
}

#[test]
fn a_path_that_is_not_granted_is_denied_to_everybody() {
    let (_home, granted) = granted();
    for path in [
        "/etc/passwd",
        "etc/passwd",
        "../../etc/passwd",
        "/blobs/../secret",
        "/blobs/a/../../secret",
        "/blobs/./a",
        "/blobs//a",
        "//blobs/a",
        "/blobs/a\0b",
        "/blobsy/a",
        "/users/x",
        "/",
        "",
    ] {
        assert!(is_denied(granted.open_to_read(path)), "{path}");
        assert!(is_denied(granted.open_to_write(path)), "{path}");
        assert!(is_denied(granted.stat(path)), "{path}");
        assert!(is_denied(granted.remove(path)), "{path}");
        assert!(is_denied(granted.publish("/blobs/a", path)) && is_denied(granted.publish(path, "/blobs/a")), "{path}");
    }
    assert!(is_denied(granted.list("/", None, 1)) && is_denied(granted.list("/blobs/..", None, 1)));
}

#[test]
fn no_link_leads_out_of_a_grant() {
    let (home, granted) = granted();
    let blobs = home.path().join("blobs");
    symlink(home.path(), blobs.join("out")).unwrap();
    symlink("../secret", blobs.join("link")).unwrap();
    symlink("/etc", blobs.join("etc")).unwrap();
    symlink("loop", blobs.join("loop")).unwrap();
    for path in ["/blobs/out/secret", "/blobs/link", "/blobs/etc/passwd", "/blobs/loop"] {
        assert!(is_denied(granted.open_to_read(path)), "{path}");
        assert!(is_denied(granted.open_to_write(path)), "{path}");
        assert!(is_denied(granted.read(path, 10)), "{path}");
    }
    assert!(is_denied(granted.open_to_write("/blobs/out/new")) && !home.path().join("new").exists());
    assert!(is_denied(granted.publish("/blobs/link", "/blobs/x")), "a link is not published");
    granted.open_to_write("/blobs/new").unwrap();
    assert!(is_denied(granted.publish("/blobs/new", "/blobs/out/new")));
    assert_eq!(granted.stat("/blobs/link").unwrap(), None);
    let listed: Vec<String> = granted.list("/blobs", None, 10).unwrap().into_iter().map(|entry| entry.path).collect();
    assert_eq!(listed, ["/blobs/new"]);
    granted.remove("/blobs/link").unwrap();
    assert!(home.path().join("secret").exists(), "the link went, not what it points to");
}

#[test]
fn what_is_no_regular_file_is_not_opened_and_nobody_waits_for_it() {
    let (home, granted) = granted();
    let pipe = home.path().join("blobs/pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR, 0)
        .unwrap();
    fs::create_dir(home.path().join("blobs/directory")).unwrap();
    for path in ["/blobs/pipe", "/blobs/directory", "/blobs"] {
        // A directory is where objects with longer keys lie, and no object itself.
        let read = granted.open_to_read(path);
        assert!(if path == "/blobs/directory" { matches!(read, Err(FileError::NotFound)) } else { is_invalid(read) }, "{path}");
        assert!(is_invalid(granted.open_to_write(path)), "{path}");
        assert!(is_invalid(granted.publish(path, "/blobs/x")), "{path}");
        assert_eq!(granted.stat(path).unwrap(), None, "{path}");
    }
    assert!(is_invalid(granted.remove("/blobs/directory")));
}

#[test]
fn a_grant_for_reading_is_for_reading() {
    let (home, granted) = granted();
    fs::write(home.path().join("read/a"), "a").unwrap();
    fs::write(home.path().join("cold/b"), "b").unwrap();
    assert_eq!(granted.read("/read/a", 10).unwrap(), b"a");
    assert_eq!(granted.read("/blobs/cold/b", 10).unwrap(), b"b", "the inner grant counts");
    assert_eq!(granted.read("/users", 10).unwrap(), b"ann:x");
    granted.open_to_write("/blobs/new").unwrap();
    for path in ["/read/a", "/read/new", "/blobs/cold/b", "/users"] {
        assert!(is_denied(granted.open_to_write(path)), "{path}");
        assert!(is_denied(granted.remove(path)), "{path}");
        assert!(is_denied(granted.publish(path, "/blobs/x")) && is_denied(granted.publish("/blobs/new", path)), "{path}");
    }
}

#[test]
fn a_file_is_read_up_to_its_limit_and_afresh() {
    let (home, granted) = granted();
    assert_eq!(granted.read("/users", 5).unwrap(), b"ann:x");
    assert!(is_invalid(granted.read("/users", 4)));
    assert_eq!(granted.stat("/users").unwrap().unwrap().size, 5);
    fs::rename(home.path().join("secret"), home.path().join("users.htpasswd")).unwrap();
    assert_eq!(granted.read("/users", 5).unwrap(), b"s");
    assert_eq!(granted.read("/blobs/none", 5), Err(FileError::NotFound));
    assert_eq!(granted.stat("/blobs/none/below").unwrap(), None);
}

#[test]
fn a_sink_is_made_with_its_directories_and_never_cut() {
    let (home, granted) = granted();
    granted.open_to_write("/blobs/a/b/c").unwrap();
    fs::write(home.path().join("blobs/a/b/c"), "kept").unwrap();
    let file = granted.open_to_write("/blobs/a/b/c").unwrap();
    assert_eq!(file.metadata().unwrap().len(), 4);
    fs::remove_dir_all(home.path().join("blobs/a")).unwrap();
    granted.open_to_write("/blobs/a/b/d").unwrap();
    assert!(home.path().join("blobs/a/b/d").exists(), "a directory that was removed is made again");
    assert!(is_invalid(granted.open_to_write("/blobs/a/b/d/e")), "a file is no directory");
}

#[test]
fn publishing_moves_and_never_replaces() {
    let (home, granted) = granted();
    let write = |path: &str, text: &str| fs::write(home.path().join("blobs").join(path), text).unwrap();
    write("one", "1");
    write("two", "2");
    granted.publish("/blobs/one", "/blobs/x/y/z").unwrap();
    assert_eq!(granted.read("/blobs/x/y/z", 9).unwrap(), b"1");
    assert_eq!(granted.publish("/blobs/two", "/blobs/x/y/z"), Err(FileError::Conflict));
    assert_eq!(granted.publish("/blobs/two", "/blobs/x/y"), Err(FileError::Conflict), "a directory is in the way");
    assert_eq!((granted.read("/blobs/x/y/z", 9).unwrap(), granted.read("/blobs/two", 9).unwrap()), (b"1".into(), b"2".into()));
    assert_eq!(granted.publish("/blobs/one", "/blobs/w"), Err(FileError::NotFound));
    assert_eq!(granted.publish("/blobs/one", "/blobs/v/w"), Err(FileError::NotFound));
    assert!(!home.path().join("blobs/v").exists(), "nothing is made for what is not there");
    assert!(is_invalid(granted.publish("/blobs/two", "/blobs/x/y/z/below")));
    assert_eq!(granted.publish("/blobs/two", "/blobs/two"), Err(FileError::Conflict));
}

#[test]
fn of_several_that_publish_at_once_one_wins() {
    let (home, granted) = granted();
    let granted = Arc::new(granted);
    let barrier = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|number| {
            fs::write(home.path().join(format!("blobs/up{number}")), number.to_string()).unwrap();
            let (granted, barrier) = (granted.clone(), barrier.clone());
            std::thread::spawn(move || {
                barrier.wait();
                granted.publish(&format!("/blobs/up{number}"), "/blobs/d/target")
            })
        })
        .collect();
    let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|result| **result == Err(FileError::Conflict)).count(), 7);
}

#[test]
fn a_listing_is_in_byte_order_of_paths_and_in_pages() {
    let (home, granted) = granted();
    let blobs = home.path().join("blobs");
    fs::create_dir(blobs.join("a")).unwrap();
    for name in ["a-b", "a0", "a/inner", "b"] {
        fs::write(blobs.join(name), "xy").unwrap();
    }
    let list = |after: Option<&str>, limit: u32| -> Vec<String> {
        granted.list("/blobs/", after, limit).unwrap().into_iter().map(|entry| entry.path).collect()
    };
    let all = ["/blobs/a-b", "/blobs/a/", "/blobs/a0", "/blobs/b"];
    assert_eq!(list(None, 100), all);
    assert_eq!(list(None, 2), all[..2]);
    assert_eq!(list(Some("/blobs/a-b"), 2), all[1..3]);
    assert_eq!(list(Some("/blobs/a/zzz"), 9), all[2..]);
    assert_eq!(list(Some("/blobs/b"), 9), [""; 0]);
    assert_eq!(list(None, 0), [""; 0]);
    let entries = granted.list("/blobs", None, 2).unwrap();
    assert_eq!((entries[0].size, entries[1].size), (2, 0));
    assert_eq!(granted.list("/blobs/none", None, 9).unwrap(), []);
    assert_eq!(granted.list("/blobs/a0", None, 9).unwrap(), []);
}

#[test]
fn a_listing_is_bounded_whatever_is_asked() {
    let (home, granted) = granted();
    for number in 0..1200 {
        fs::write(home.path().join(format!("blobs/{number:04}")), "").unwrap();
    }
    let page = granted.list("/blobs", None, u32::MAX).unwrap();
    assert_eq!((page.len(), page[999].path.as_str()), (1000, "/blobs/0999"));
    assert_eq!(granted.list("/blobs", Some("/blobs/0999"), u32::MAX).unwrap().len(), 200);
}

#[test]
fn a_grant_that_cannot_be_given_is_named() {
    let home = tempfile::tempdir().unwrap();
    let open = |grants: Grants| match Granted::open(&grants).err() {
        Some(LoadError::Grant { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let mut grants = Grants::default();
    grants.directories.insert("/blobs".to_owned(), grant(&home.path().join("none"), DirectoryAccess::ReadOnly));
    assert_eq!(open(grants), "directories.\"/blobs\"");
    let mut grants = Grants::default();
    grants.directories.insert("blobs/../x".to_owned(), grant(home.path(), DirectoryAccess::ReadOnly));
    assert_eq!(open(grants), "directories.\"blobs/../x\"");
    let mut grants = Grants::default();
    grants.files.insert("/users".to_owned(), home.path().join("none"));
    assert_eq!(open(grants), "files.\"/users\"");
    let mut grants = Grants::default();
    grants.files.insert("/users".to_owned(), home.path().to_owned());
    assert_eq!(open(grants), "files.\"/users\"");
}
