//! States go through bytes unchanged, and nothing else is taken for one.

use super::*;

const MD5: &str = "\"0123456789abcdef0123456789abcdef\"";

fn multipart(count: usize) -> Multipart {
    Multipart { id: "M".repeat(120), parts: vec![MD5.to_owned(); count] }
}

fn upload(size: u64, stage: Stage) -> Upload {
    Upload { size, stage, ..Upload::new("3f2c9a", ladder::LEAST).unwrap() }
}

fn all() -> Vec<Upload> {
    let tail = |etag: &str| Some(Tail { named: 7, etag: etag.to_owned() });
    let some = ladder::parts(ladder::LEAST, 3);
    vec![
        upload(0, Stage::Small(None)),
        upload(0, Stage::Small(tail(MD5))),
        Upload { littered: true, ..upload(9, Stage::Small(tail("\"not MD5\""))) },
        upload(some, Stage::Parts(multipart(3), None)),
        upload(some + 1, Stage::Parts(multipart(3), tail("W/\"x\""))),
        upload(
            some,
            Stage::Copying("blobs/sha256/ab".into(), Multipart { id: "N".into(), parts: vec!["abc".into(), MD5.into()] }),
        ),
    ]
}

#[test]
fn a_state_goes_through_bytes_unchanged() {
    for upload in all() {
        assert_eq!(Upload::decode(&upload.encode().unwrap()), Ok(upload));
    }
}

#[test]
fn a_state_that_is_cut_or_longer_or_of_another_version_is_invalid() {
    for state in all().into_iter().map(|upload| upload.encode().unwrap()) {
        for length in 0..state.len() {
            assert!(matches!(Upload::decode(&state[..length]), Err(Error::Invalid(_))), "{length}");
        }
        assert!(Upload::decode(&[&state[..], b"x"].concat()).is_err());
        assert!(Upload::decode(&[&[2], &state[1..]].concat()).is_err());
    }
    for unsound in
        [upload(1, Stage::Small(None)), upload(1, Stage::Parts(multipart(3), None)), upload(ladder::LEAST, Stage::Small(None))]
    {
        assert!(Upload::decode(&unsound.encode().unwrap()).is_err(), "{unsound:?}");
    }
}

#[test]
fn the_most_parts_fit_with_the_longest_names() {
    let long = Multipart { id: "M".repeat(512), ..multipart(ladder::PARTS) };
    let size = ladder::parts(ladder::LEAST, ladder::PARTS) + 1;
    let tail = Some(Tail { named: size, etag: "x".repeat(128) });
    let upload = Upload { id: "u".repeat(128), ..upload(size, Stage::Parts(long, tail)) };
    let state = upload.encode().unwrap();
    assert!(state.len() <= MOST, "{}", state.len());
    assert_eq!(Upload::decode(&state), Ok(upload));
}

#[test]
fn an_uploads_id_cannot_leave_its_folder() {
    for id in ["", "../k", "a/b", ".", &"u".repeat(129)] {
        assert!(matches!(Upload::new(id, ladder::LEAST), Err(Error::Invalid(_))), "{id}");
    }
}
