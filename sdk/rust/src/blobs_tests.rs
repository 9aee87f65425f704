use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Duration;

use super::{Access, Error, create, delete, get, get_range, head, list, open, presign, put, write};
use crate::testing::Host;
use crate::{Failure, reject, retry};

#[test]
fn an_object_is_put_read_and_removed() {
    let host = Host::new();
    let etag = put("box", "a/b.txt", "hello").expect("it is put");
    assert_eq!(get("box", "a/b.txt"), Ok(b"hello".to_vec()));
    assert_eq!(get_range("box", "a/b.txt", 1, 3), Ok(b"ell".to_vec()));
    assert_eq!(get_range("box", "a/b.txt", 9, 3), Ok(vec![]));
    let known = head("box", "a/b.txt").expect("it is there");
    assert_eq!(
        (known.key.as_str(), known.size, known.etag),
        ("a/b.txt", 5, etag)
    );
    assert_eq!(host.blobs("box")["a/b.txt"], b"hello");
    assert_eq!(
        (delete("box", "a/b.txt"), delete("box", "a/b.txt")),
        (Ok(()), Ok(()))
    );
    let error = get("box", "a/b.txt").expect_err("it is gone");
    assert_eq!(
        error,
        Error::NotFound("\"a/b.txt\" in the store \"box\"".into())
    );
    assert_eq!(
        presign("box", "a", Access::Read, Duration::from_secs(60)),
        Ok("https://box.test/a?access=read&seconds=60".into())
    );
}

#[test]
fn a_condition_is_checked() {
    let host = Host::new();
    let first = write("box", "a")
        .if_absent()
        .content_type("text/plain")
        .put("1");
    let etag = first.expect("it is absent").expect("it has a tag");
    assert_eq!(host.content_type("box", "a").as_deref(), Some("text/plain"));
    assert!(matches!(
        write("box", "a").if_absent().put("2"),
        Err(Error::Precondition(_))
    ));
    assert!(write("box", "a").if_unchanged(&etag).put("3").is_ok());
    let late = write("box", "a").if_unchanged(&etag).put("4");
    assert!(matches!(late, Err(Error::Precondition(_))));
    assert_eq!(get("box", "a"), Ok(b"3".to_vec()));
}

#[test]
fn an_object_larger_than_a_call_is_written_and_read_in_parts() {
    let host = Host::new();
    let bytes: Vec<u8> = (0..9_u32 << 18).flat_map(u32::to_le_bytes).collect();
    let mut writer = create("box", "big").expect("it begins");
    writer.write_all(&bytes).expect("it is written");
    assert!(host.blobs("box").is_empty());
    writer.finish().expect("it is finished");
    assert!(matches!(get("box", "big"), Err(Error::TooLarge(_))));

    let mut reader = open("box", "big").expect("it is there");
    assert_eq!(reader.metadata().size, bytes.len() as u64);
    let mut read = Vec::new();
    reader.read_to_end(&mut read).expect("it is read");
    assert!(read == bytes);
    let mut end = [0; 4];
    reader.seek(SeekFrom::End(-4)).expect("it is in the object");
    reader.read_exact(&mut end).expect("it is read");
    assert_eq!(end, bytes[bytes.len() - 4..]);
    reader
        .seek(SeekFrom::Start(2))
        .expect("it is in the object");
    reader.read_exact(&mut end).expect("it is read");
    assert_eq!(end, bytes[2..6]);
}

#[test]
fn a_writer_that_is_dropped_leaves_no_trace() {
    let host = Host::new();
    let mut writer = create("box", "a").expect("it begins");
    writer.write_all(b"half").expect("it is written");
    writer.flush().expect("it is sent");
    drop(writer);
    assert!(host.blobs("box").is_empty());
}

#[test]
fn an_object_that_is_changed_while_it_is_read_is_an_error() {
    let host = Host::new();
    host.blob("box", "a", vec![1; 3 << 20]);
    let mut reader = open("box", "a").expect("it is there");
    host.blob("box", "a", vec![2; 3 << 20]);
    let error = reader
        .read_to_end(&mut Vec::new())
        .expect_err("it has changed");
    // The verdict of the store's error, though it comes as an I/O error.
    assert_eq!(
        Failure::from(error),
        reject("the object is not as expected: \"a\" was changed while it was read")
    );
}

#[test]
fn objects_are_listed_in_their_order_over_pages() {
    let host = Host::new();
    for n in 0..1500 {
        host.blob("box", &format!("a/{n:04}"), "");
    }
    host.blob("box", "b", "");
    host.blob("other", "a/x", "");
    let listed: Result<Vec<_>, _> = list("box", "a/").collect();
    let keys: Vec<_> = listed
        .expect("they are listed")
        .into_iter()
        .map(|object| object.key)
        .collect();
    assert_eq!(
        keys,
        (0..1500).map(|n| format!("a/{n:04}")).collect::<Vec<_>>()
    );
}

#[test]
fn what_may_work_later_is_retried() {
    let host = Host::new();
    for (error, retried) in [
        (Error::Denied("no".into()), false),
        (Error::NotFound("no".into()), false),
        (Error::Precondition("no".into()), false),
        (Error::Invalid("no".into()), false),
        (Error::TooLarge("no".into()), false),
        (Error::Timeout("no".into()), true),
        (Error::Unavailable("no".into()), true),
    ] {
        host.refuse_blobs(error.clone());
        let expected = if retried {
            retry(&error)
        } else {
            reject(&error)
        };
        let failure = Failure::from(put("box", "a", "").expect_err("it is refused"));
        assert_eq!(failure, expected);
        let failure = Failure::from(
            open("box", "a")
                .map_err(std::io::Error::from)
                .expect_err("it is refused"),
        );
        assert_eq!(failure, expected);
    }
}
