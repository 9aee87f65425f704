//! `[plugins.<name>.blobs]`: the object stores of a plugin.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

/// An object store that a plugin is granted.
#[derive(Debug, Clone, PartialEq)]
pub struct BlobStore {
    /// `url`: where its objects are.
    pub place: Place,
    /// `write`: whether objects may also be written, removed, and written by signed URLs.
    pub write: bool,
    /// `endpoint`: the server, unless it is the cloud's own. Without a slash at the end.
    pub endpoint: Option<String>,
    /// `region`, of S3.
    pub region: Option<String>,
    /// `account`, of Azure.
    pub account: Option<String>,
    /// `anonymous`: whether requests carry no signature.
    pub anonymous: bool,
    /// How Runner proves who it is.
    pub login: Login,
    /// `max_object`: bytes of an object that is written.
    pub max_object: usize,
    /// `timeout`: how long one call may take.
    pub timeout: Duration,
}

/// Where the objects of a store are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In this directory; it is made if it stands in for a store (`runner dev`).
    Directory {
        /// Its path.
        path: PathBuf,
        /// Whether it stands in.
        stands_in: bool,
    },
    /// In a bucket, below a prefix: without slashes at its ends, or empty.
    Bucket {
        /// Whose protocol.
        cloud: Cloud,
        /// Its name; Azure calls it a container.
        bucket: String,
        /// What all keys begin with.
        prefix: String,
    },
}

/// Whose protocol a bucket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// S3, of Amazon and others.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl Cloud {
    pub(crate) const ALL: [Cloud; 3] = [Cloud::S3, Cloud::Google, Cloud::Azure];

    /// Of its URLs: `s3`.
    pub fn scheme(self) -> &'static str {
        match self {
            Cloud::S3 => "s3",
            Cloud::Google => "gs",
            Cloud::Azure => "az",
        }
    }
}

/// How Runner proves to a store who it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Login {
    /// Not at all.
    #[default]
    None,
    /// `access_key`, `secret_key`, and `token` if they are temporary: S3.
    Keys {
        /// Its id.
        access: Secret,
        /// What signs.
        secret: Secret,
        /// Of temporary keys.
        session: Option<Secret>,
    },
    /// `service_account`: its JSON, of Google.
    ServiceAccount(Secret),
    /// `secret_key`, of an Azure account.
    AccountKey(Secret),
    /// `token`: an OAuth token of Google, a shared access signature of Azure.
    Token(Secret),
}

impl Default for BlobStore {
    fn default() -> Self {
        BlobStore {
            place: Place::Directory {
                path: PathBuf::new(),
                stands_in: false,
            },
            write: false,
            endpoint: None,
            region: None,
            account: None,
            anonymous: false,
            login: Login::None,
            max_object: 5 << 30,
            timeout: Duration::from_secs(30),
        }
    }
}

impl Display for BlobStore {
    /// What is granted, for people: `s3://uploads/incoming, read-only`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Directory { path, .. } => write!(f, "{}", path.display())?,
            Place::Bucket {
                cloud,
                bucket,
                prefix,
            } => {
                write!(f, "{}://{bucket}", cloud.scheme())?;
                if !prefix.is_empty() {
                    write!(f, "/{prefix}")?;
                }
            }
        }
        if let Some(endpoint) = &self.endpoint {
            write!(f, " at {endpoint}")?;
        }
        f.write_str(match self.write {
            true => ", to read and write",
            false => ", read-only",
        })
    }
}
