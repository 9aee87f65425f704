//! Directories as stores, with real files.

use std::fs;
use std::os::unix::fs::symlink;

use runner_config::{BlobStore, Place};
use tempfile::TempDir;

use crate::http::{ClientOptions, HttpClient, HttpConnector};
use crate::{CALL, Condition, Error, Store, Write};

/// No store here speaks HTTP.
#[derive(Debug)]
struct NoHttp;

impl HttpConnector for NoHttp {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        unreachable!("a directory has no HTTP")
    }
}

fn store(dir: &TempDir, write: bool) -> Store {
    let granted = BlobStore {
        place: Place::Directory {
            path: dir.path().to_owned(),
            stands_in: false,
        },
        write,
        ..BlobStore::default()
    };
    Store::new("inbox", &granted, NoHttp).unwrap()
}

fn if_(condition: Condition) -> Write {
    Write {
        condition,
        content_type: None,
    }
}

async fn read(store: &Store, key: &str, range: Option<(u64, u64)>) -> Result<Vec<u8>, Error> {
    store.get(key, range).await?.content().await
}

#[tokio::test]
async fn what_is_written_is_read_in_ranges() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, true);
    let etag = store
        .put("a/b.txt", "hello".into(), &Write::default())
        .await;
    let etag = etag.unwrap();
    let found = store.head("a/b.txt").await.unwrap();
    assert_eq!((found.size, found.etag), (5, etag));
    assert!(found.modified > 1_700_000_000_000);
    assert_eq!(read(&store, "a/b.txt", None).await.unwrap(), b"hello");
    for (range, text) in [
        ((0, 2), "he"),
        ((1, 100), "ello"),
        ((5, 1), ""),
        ((99, 1), ""),
        ((2, 0), ""),
        ((2, u64::MAX), "llo"),
        ((u64::MAX, u64::MAX), ""),
    ] {
        let found = read(&store, "a/b.txt", Some(range)).await.unwrap();
        assert_eq!(found, text.as_bytes(), "{range:?}");
    }
    let none = read(&store, "a/c.txt", None).await.unwrap_err();
    assert_eq!(
        none.to_string(),
        "store \"inbox\" has no object \"a/c.txt\""
    );
    assert!(matches!(store.head("a").await, Err(Error::NotFound(_))));
    assert!(matches!(
        store.head("a/b.txt/c").await,
        Err(Error::NotFound(_))
    ));
}

#[tokio::test]
async fn more_than_a_call_carries_is_read_by_ranges() {
    let dir = tempfile::tempdir().unwrap();
    // Sparse: 5 GB that take no room.
    let file = fs::File::create(dir.path().join("large")).unwrap();
    file.set_len(5_000_000_000).unwrap();
    let store = store(&dir, false);
    let whole = store.get("large", None).await.unwrap_err();
    assert_eq!(
        whole.to_string(),
        "object \"large\" of store \"inbox\" has 5000000000 bytes there: a call carries at most \
         8388608, so read it by ranges"
    );
    let part = store
        .get("large", Some((4_999_999_990, CALL)))
        .await
        .unwrap();
    assert_eq!((part.length(), part.object().size), (10, 5_000_000_000));
    let part = store.get("large", Some((1 << 32, CALL))).await.unwrap();
    assert_eq!(part.content().await.unwrap().len() as u64, CALL);
    assert!(store.get("large", Some((0, CALL + 1))).await.is_err());
}

#[tokio::test]
async fn conditions_hold() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, true);
    let absent = if_(Condition::Absent);
    let first = store.put("a", "1".into(), &absent).await.unwrap().unwrap();
    let again = store.put("a", "2".into(), &absent).await.unwrap_err();
    assert_eq!(
        again.to_string(),
        "store \"inbox\" has an object \"a\" already"
    );
    let unchanged = if_(Condition::Unchanged(first));
    store.put("a", "3".into(), &unchanged).await.unwrap();
    let late = store.put("a", "4".into(), &unchanged).await.unwrap_err();
    assert_eq!(
        late.to_string(),
        "object \"a\" of store \"inbox\" was changed or removed: its etag is another one"
    );
    assert_eq!(read(&store, "a", None).await.unwrap(), b"3");
    // Of many at once, one.
    let puts = (0..20).map(|n| {
        let (store, absent) = (store.clone(), absent.clone());
        tokio::spawn(async move { store.put("b", n.to_string().into(), &absent).await })
    });
    let puts = futures::future::join_all(puts).await;
    assert_eq!(
        puts.iter()
            .filter(|put| put.as_ref().unwrap().is_ok())
            .count(),
        1
    );
}

#[tokio::test]
async fn an_upload_is_there_when_it_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, true);
    let mut upload = store.begin("a/large", &Write::default()).await.unwrap();
    for _ in 0..3 {
        upload.append(vec![7; CALL as usize].into()).await.unwrap();
    }
    assert!(matches!(
        store.head("a/large").await,
        Err(Error::NotFound(_))
    ));
    assert!(store.list("", None, 10).await.unwrap().objects.is_empty());
    upload.finish().await.unwrap();
    assert_eq!(store.head("a/large").await.unwrap().size, 3 * CALL);
    let again = upload.append("x".into()).await.unwrap_err();
    assert_eq!(
        again.to_string(),
        "the upload is finished: begin another one"
    );
    // One that is given up leaves nothing.
    let mut upload = store.begin("b", &Write::default()).await.unwrap();
    upload.append("x".into()).await.unwrap();
    drop(upload);
    let left = fs::read_dir(dir.path().join(crate::key::UPLOADS)).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

#[tokio::test]
async fn what_a_killed_writer_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = dir.path().join(crate::key::UPLOADS);
    fs::create_dir(&uploads).unwrap();
    fs::write(uploads.join("0123"), "half").unwrap();
    let store = store(&dir, true);
    let mut upload = store.begin("a", &Write::default()).await.unwrap();
    upload.append("1".into()).await.unwrap();
    // Not that of one who lives.
    let mut other = store.begin("b", &Write::default()).await.unwrap();
    assert!(!uploads.join("0123").exists());
    upload.finish().await.unwrap();
    other.finish().await.unwrap();
    assert_eq!(read(&store, "a", None).await.unwrap(), b"1");
}

#[tokio::test]
async fn nothing_outside_is_reached() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "no").unwrap();
    let dir = tempfile::tempdir().unwrap();
    symlink(outside.path(), dir.path().join("out")).unwrap();
    symlink(outside.path().join("secret"), dir.path().join("file")).unwrap();
    symlink("../secret", dir.path().join("up")).unwrap();
    fs::write(dir.path().join("here"), "yes").unwrap();
    symlink("here", dir.path().join("same")).unwrap();
    let store = store(&dir, true);
    for key in ["out/secret", "file", "up"] {
        let refused = read(&store, key, None).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "object {key:?} of store \"inbox\" is out of reach: it may not be opened, or a \
                 link leads out of the directory"
            )
        );
        let put = store.put(key, "x".into(), &Write::default()).await;
        assert!(put.is_err(), "{key}");
        assert!(store.delete("out/secret").await.is_err());
    }
    assert!(
        store
            .put("out/new", "x".into(), &Write::default())
            .await
            .is_err()
    );
    assert!(matches!(
        read(&store, "../secret", None).await,
        Err(Error::Invalid(_))
    ));
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"no");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(read(&store, "same", None).await.unwrap(), b"yes");
    let page = store.list("", None, 10).await.unwrap();
    let keys: Vec<_> = page.objects.iter().map(|object| &*object.key).collect();
    assert_eq!(keys, ["here", "same"]);
}

#[tokio::test]
async fn a_list_has_pages_in_the_order_of_keys() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, true);
    let mut keys: Vec<String> = ["a/b/c", "a/b-c", "a.txt", "a/0", "b", "ä", "a/b0", "a0/x"]
        .map(str::to_owned)
        .into();
    for key in &keys {
        store.put(key, "x".into(), &Write::default()).await.unwrap();
    }
    keys.sort();
    let all = async |prefix: &str, limit: u32| {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = store.list(prefix, cursor, limit).await.unwrap();
            found.extend(page.objects.into_iter().map(|object| object.key));
            cursor = page.cursor;
            if cursor.is_none() {
                return found;
            }
        }
    };
    for limit in 1..10 {
        assert_eq!(all("", limit).await, keys, "{limit}");
    }
    assert_eq!(all("a/b", 1).await, ["a/b-c", "a/b/c", "a/b0"]);
    assert_eq!(all("a/b/", 5).await, ["a/b/c"]);
    assert!(all("none", 5).await.is_empty());
    let limit = store.list("", None, 0).await.unwrap_err();
    assert_eq!(
        limit.to_string(),
        "limit is 0: a page has 1 to 1000 objects"
    );
}

#[tokio::test]
async fn a_store_is_read_only_unless_it_is_granted() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, false);
    let told = "store \"inbox\" is granted for reading only: `write = true` in its table of \
                queues.toml grants writing";
    let put = store.put("a", "x".into(), &Write::default()).await;
    assert_eq!(put.unwrap_err(), Error::Denied(told.to_owned()));
    assert_eq!(store.delete("a").await.unwrap_err().to_string(), told);
    let begun = store.begin("a", &Write::default()).await;
    assert_eq!(begun.unwrap_err().to_string(), told);
    let signed = store.presign("a", crate::Access::Write, 60).await;
    assert_eq!(signed.unwrap_err().to_string(), told);
    let signed = store.presign("a", crate::Access::Read, 60).await;
    assert_eq!(
        signed.unwrap_err().to_string(),
        "store \"inbox\" is a directory: it has no URLs to sign"
    );
}

#[tokio::test]
async fn what_cannot_be_written_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let granted = store(&dir, true);
    granted
        .put("a", "x".into(), &Write::default())
        .await
        .unwrap();
    granted
        .put("d/a", "x".into(), &Write::default())
        .await
        .unwrap();
    let told = async |key: &str| {
        let put = granted.put(key, "x".into(), &Write::default()).await;
        put.unwrap_err().to_string()
    };
    assert_eq!(
        told("a/b").await,
        "a part of key \"a/b\" is an object of store \"inbox\": a directory cannot have both"
    );
    assert_eq!(
        told("d").await,
        "key \"d\" is a directory of store \"inbox\": objects are in it"
    );
    assert!(
        told(&"k".repeat(300))
            .await
            .contains("cannot be a file of store \"inbox\"")
    );
    let large = vec![0; CALL as usize + 1];
    assert_eq!(
        granted
            .put("l", large.into(), &Write::default())
            .await
            .unwrap_err()
            .to_string(),
        "the call carries 8388609 bytes: at most 8388608, so write it with an upload"
    );
    let gone = store(&dir, true);
    drop(dir);
    assert_eq!(
        gone.head("a").await.unwrap_err().to_string(),
        "the directory of store \"inbox\" is not there"
    );
}
