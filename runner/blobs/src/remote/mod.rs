//! A store that speaks HTTP: S3, Google Cloud Storage, Azure.

mod answer;
mod connect;
mod parts;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::Method;
use object_store::aws::AmazonS3Builder;
use object_store::azure::{MicrosoftAzureBuilder, split_sas};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutResult, RetryConfig,
    StaticCredentialProvider, UpdateVersion,
};
use runner_config::{BlobStore, Cloud, Login, Place, Secret};

use self::answer::{Asked, told};
use self::connect::Conditional;
pub(crate) use self::parts::Parts;
use crate::http::HttpConnector;
use crate::{Access, Condition, Error, Metadata, Page, Reading, Write};

/// A request that the store answers with 5xx, or that has no answer, is sent again so
/// often, as long as the call has time.
const RETRIES: usize = 3;

/// A bucket, from a prefix on.
#[derive(Debug, Clone)]
pub(crate) struct Remote(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: String,
    cloud: Cloud,
    /// Ends with a slash, or is empty.
    prefix: String,
    /// Whether it has what signs URLs.
    signs: bool,
    objects: Arc<dyn ObjectStore>,
    pages: Pages,
    signer: Signs,
}

/// The same client, by the other things that it can do.
struct Pages(Arc<dyn PaginatedListStore>);
struct Signs(Arc<dyn Signer>);

impl Remote {
    pub(crate) fn new(
        store: &str,
        granted: &BlobStore,
        connector: impl HttpConnector,
    ) -> Result<Remote, Error> {
        let Place::Bucket {
            cloud,
            bucket,
            prefix,
        } = &granted.place
        else {
            unreachable!("a directory is no bucket")
        };
        let clients = match cloud {
            Cloud::S3 => s3(granted, bucket, connector).map(clients),
            Cloud::Google => google(granted, bucket, connector).map(clients),
            Cloud::Azure => azure(granted, bucket, connector).map(clients),
        };
        // The library quotes what it cannot read, which may be a key.
        let (objects, pages, signer) = clients.map_err(|_| {
            Error::Denied(format!(
                "the keys of store {store:?} are not what a {}:// store has",
                cloud.scheme()
            ))
        })?;
        Ok(Remote(Arc::new(Inner {
            store: store.to_owned(),
            cloud: *cloud,
            prefix: match prefix.as_str() {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            },
            signs: match cloud {
                Cloud::Google => matches!(granted.login, Login::ServiceAccount(_)),
                Cloud::S3 => matches!(granted.login, Login::Keys { .. }),
                Cloud::Azure => matches!(granted.login, Login::AccountKey(_)),
            },
            objects,
            pages: Pages(pages),
            signer: Signs(signer),
        })))
    }

    pub(crate) async fn head(&self, key: &str) -> Result<Metadata, Error> {
        let found = self.0.objects.head(&self.path(key)?).await;
        let found = found.map_err(|error| self.told(key, error))?;
        Ok(self.metadata(key, &found))
    }

    /// With `range` its first byte, and how many at most.
    pub(crate) async fn get(&self, key: &str, range: Option<(u64, u64)>) -> Result<Reading, Error> {
        if let Some((_, 0)) = range {
            return Ok(nothing(self.head(key).await?));
        }
        let range =
            range.map(|(offset, most)| GetRange::Bounded(offset..offset.saturating_add(most)));
        let ranged = range.is_some();
        let options = GetOptions::new().with_range(range);
        let found = match self.0.objects.get_opts(&self.path(key)?, options).await {
            Ok(found) => found,
            Err(error) => {
                // The range begins at the end or after; an empty object has no ranges.
                if ranged && answer::status(&error) == Some(416) {
                    return Ok(nothing(self.head(key).await?));
                }
                return Err(self.told(key, error));
            }
        };
        let (store, key) = (self.clone(), key.to_owned());
        Ok(Reading {
            object: self.metadata(&key, &found.meta),
            length: found.range.end - found.range.start,
            content: found
                .into_stream()
                .map_err(move |error| store.told(&key, error))
                .boxed(),
        })
    }

    pub(crate) async fn put(
        &self,
        key: &str,
        content: Bytes,
        how: &Write,
    ) -> Result<Option<String>, Error> {
        let options = PutOptions {
            mode: self.mode(&how.condition),
            attributes: attributes(how)?,
            ..PutOptions::default()
        };
        let path = self.path(key)?;
        let put = self.0.objects.put_opts(&path, content.into(), options);
        let put = put.await.map_err(|error| {
            let asked = Asked::Write(&how.condition);
            told(&self.0.store, key, &error, asked)
        })?;
        Ok(self.etag(put))
    }

    pub(crate) async fn begin(&self, key: &str, how: &Write) -> Result<Box<Parts>, Error> {
        attributes(how)?;
        self.check(key, &how.condition).await?;
        Ok(Box::new(Parts::new(self.clone(), key, how.clone())))
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Error> {
        match self.0.objects.delete(&self.path(key)?).await {
            Ok(()) => Ok(()),
            Err(error) => match self.told(key, error) {
                // Not if the bucket is missing.
                Error::NotFound(text) if Error::NotFound(text.clone()) == self.none(key) => Ok(()),
                error => Err(error),
            },
        }
    }

    pub(crate) async fn list(
        &self,
        prefix: &str,
        cursor: Option<String>,
        limit: usize,
    ) -> Result<Page, Error> {
        let whole = format!("{}{prefix}", self.0.prefix);
        let options = PaginatedListOptions {
            max_keys: Some(limit),
            page_token: cursor,
            ..PaginatedListOptions::default()
        };
        let whole = (!whole.is_empty()).then_some(whole);
        let listed = self.0.pages.0.list_paginated(whole.as_deref(), options);
        let listed = listed
            .await
            .map_err(|error| told(&self.0.store, prefix, &error, Asked::List))?;
        let objects = listed.result.objects.iter().filter_map(|object| {
            // Others, as the mark of the prefix itself, are not below it.
            let key = object.location.as_ref().strip_prefix(&self.0.prefix)?;
            crate::key::check(key).ok()?;
            Some(self.metadata(key, object))
        });
        Ok(Page {
            objects: objects.collect(),
            cursor: listed.page_token,
        })
    }

    pub(crate) async fn presign(
        &self,
        key: &str,
        access: Access,
        seconds: u32,
    ) -> Result<String, Error> {
        if !self.0.signs {
            let needs = match self.0.cloud {
                Cloud::S3 => "keys",
                Cloud::Google => "a service account",
                Cloud::Azure => "the key of the account",
            };
            return Err(Error::Invalid(format!(
                "store {:?} has no {needs} to sign URLs with",
                self.0.store
            )));
        }
        let method = match access {
            Access::Read => Method::GET,
            Access::Write => Method::PUT,
        };
        let time = Duration::from_secs(seconds.into());
        let path = self.path(key)?;
        let signed = self.0.signer.0.signed_url(method, &path, time);
        let signed = signed.await.map_err(|error| self.told(key, error))?;
        Ok(signed.into())
    }

    /// Whether the condition is broken already.
    async fn check(&self, key: &str, condition: &Condition) -> Result<(), Error> {
        let found = match condition {
            Condition::Always => return Ok(()),
            _ => match self.head(key).await {
                Ok(found) => Some(found),
                Err(Error::NotFound(_)) => None,
                Err(error) => return Err(error),
            },
        };
        match (condition, found) {
            (Condition::Absent, Some(_)) => Err(crate::error::present(&self.0.store, key)),
            (Condition::Unchanged(tag), found)
                if found.as_ref().and_then(|found| found.etag.as_ref()) != Some(tag) =>
            {
                Err(crate::error::changed(&self.0.store, key))
            }
            _ => Ok(()),
        }
    }

    fn path(&self, key: &str) -> Result<Path, Error> {
        // Not `from`, which would encode it.
        Path::parse(format!("{}{key}", self.0.prefix))
            .map_err(|_| Error::Invalid(format!("key {key:?} cannot be an object's")))
    }

    fn told(&self, key: &str, error: object_store::Error) -> Error {
        told(&self.0.store, key, &error, Asked::Other)
    }

    fn none(&self, key: &str) -> Error {
        crate::error::no_object(&self.0.store, key)
    }

    /// Google compares generations, the others etags.
    fn mode(&self, condition: &Condition) -> PutMode {
        match condition {
            Condition::Always => PutMode::Overwrite,
            Condition::Absent => PutMode::Create,
            Condition::Unchanged(tag) => PutMode::Update(match self.0.cloud {
                Cloud::Google => UpdateVersion {
                    e_tag: None,
                    version: Some(tag.clone()),
                },
                Cloud::S3 | Cloud::Azure => UpdateVersion {
                    e_tag: Some(tag.clone()),
                    version: None,
                },
            }),
        }
    }

    fn etag(&self, put: PutResult) -> Option<String> {
        match self.0.cloud {
            Cloud::Google => put.version,
            Cloud::S3 | Cloud::Azure => put.e_tag,
        }
    }

    fn metadata(&self, key: &str, found: &ObjectMeta) -> Metadata {
        Metadata {
            key: key.to_owned(),
            size: found.size,
            modified: found.last_modified.timestamp_millis().max(0) as u64,
            etag: match self.0.cloud {
                Cloud::Google => found.version.clone(),
                Cloud::S3 | Cloud::Azure => found.e_tag.clone(),
            },
        }
    }
}

fn nothing(object: Metadata) -> Reading {
    Reading {
        object,
        length: 0,
        content: futures::stream::empty().boxed(),
    }
}

fn attributes(how: &Write) -> Result<Attributes, Error> {
    let Some(kind) = &how.content_type else {
        return Ok(Attributes::new());
    };
    if http::HeaderValue::from_str(kind).is_err() {
        return Err(Error::Invalid(format!(
            "content-type {:?} cannot be the value of a header",
            crate::key::brief(kind)
        )));
    }
    Ok(Attributes::from_iter([(
        Attribute::ContentType,
        kind.clone(),
    )]))
}

type Clients = (
    Arc<dyn ObjectStore>,
    Arc<dyn PaginatedListStore>,
    Arc<dyn Signer>,
);

fn clients<T: ObjectStore + PaginatedListStore + Signer>(client: T) -> Clients {
    let client = Arc::new(client);
    (client.clone(), client.clone(), client)
}

fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: RETRIES,
        retry_timeout: Duration::from_secs(60),
    }
}

/// Plain HTTP where the endpoint has it.
fn options() -> ClientOptions {
    ClientOptions::new().with_allow_http(true)
}

type Built<T> = Result<T, object_store::Error>;

fn s3(
    granted: &BlobStore,
    bucket: &str,
    connector: impl HttpConnector,
) -> Built<object_store::aws::AmazonS3> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(granted.region.as_deref().unwrap_or("us-east-1"))
        .with_client_options(options())
        .with_retry(retry())
        // One request each, which every server has.
        .with_disable_bulk_delete(true)
        .with_http_connector(Conditional(connector));
    if let Some(endpoint) = &granted.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    builder = match &granted.login {
        Login::Keys {
            access,
            secret,
            session,
        } => {
            let builder = builder
                .with_access_key_id(&access.0)
                .with_secret_access_key(&secret.0);
            match session {
                Some(Secret(token)) => builder.with_token(token),
                None => builder,
            }
        }
        // Without, it would ask the machine's metadata address for keys.
        _ => builder.with_skip_signature(true),
    };
    builder.build()
}

fn google(
    granted: &BlobStore,
    bucket: &str,
    connector: impl HttpConnector,
) -> Built<object_store::gcp::GoogleCloudStorage> {
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_client_options(options())
        .with_retry(retry())
        .with_http_connector(Conditional(connector));
    if let Some(endpoint) = &granted.endpoint {
        builder = builder.with_base_url(endpoint);
    }
    // Without credentials it would look for some in the home directory, then at the
    // machine's metadata address.
    let bearer = |bearer: &str| {
        Arc::new(StaticCredentialProvider::new(GcpCredential {
            bearer: bearer.to_owned(),
        }))
    };
    builder = match &granted.login {
        Login::ServiceAccount(account) => builder.with_service_account_key(&account.0),
        Login::Token(token) => builder.with_credentials(bearer(&token.0)),
        _ => builder
            .with_credentials(bearer(""))
            .with_skip_signature(true),
    };
    builder.build()
}

fn azure(
    granted: &BlobStore,
    container: &str,
    connector: impl HttpConnector,
) -> Built<object_store::azure::MicrosoftAzure> {
    let mut builder = MicrosoftAzureBuilder::new()
        .with_container_name(container)
        .with_account(granted.account.as_deref().unwrap_or_default())
        .with_client_options(options())
        .with_retry(retry())
        .with_http_connector(Conditional(connector));
    if let Some(endpoint) = &granted.endpoint {
        builder = builder.with_endpoint(endpoint.clone());
    }
    builder = match &granted.login {
        Login::AccountKey(key) => builder.with_access_key(&key.0),
        Login::Token(token) => builder.with_sas_authorization(split_sas(&token.0)?),
        // Without, it would ask the machine's metadata address for a token.
        _ => builder.with_skip_signature(true),
    };
    builder.build()
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pages")
    }
}

impl std::fmt::Debug for Signs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signs")
    }
}
