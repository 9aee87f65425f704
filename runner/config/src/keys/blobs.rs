//! A store of `[plugins.<name>.blobs]`; `load/` reads where it is and its keys.

use std::sync::LazyLock;

use super::{Keys, kind};
use crate::BlobStore;
use crate::value::{Fault, Raw, fault, text};

/// What S3 takes as one object.
const LARGEST_OBJECT: usize = 5 << 40;

pub(crate) static BLOBS: LazyLock<Keys<BlobStore>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.elsewhere("url", "URL or path", |_| None)
            .default("required")
            .help(
                "\"s3://uploads/incoming\"",
                "A bucket and the prefix of all keys: `s3://`, `gs://` (Google), `az://` (Azure, with the name of a container). Or a directory: its path, or `file:///path`. `env:NAME` is a variable with one of these. A text in the place of the table is the `url`.",
            );
        keys.value("write", kind::boolean(), |store| &mut store.write).help(
            "true",
            "Without it the plugin can get, list and look at objects, and sign URLs that read. With it the plugin can also put and delete objects, and sign URLs that write.",
        );
        keys.value("endpoint", endpoint().optional(), |store| &mut store.endpoint)
            .default("the cloud's own")
            .help(
                "\"https://minio.example.com\"",
                "The server that speaks the protocol. It must have a public address, unless `http_networks` of the plugin allows its address, also where it is written as an address. Redirects are not followed.",
            );
        keys.value("region", kind::text().optional(), |store| &mut store.region)
            .default("`AWS_REGION`, else `us-east-1`")
            .help("\"eu-central-1\"", "Of an S3 bucket.");
        let secret = "`env:NAME`, `file:path`";
        keys.elsewhere("access_key", secret, |_| None)
            .default("`env:AWS_ACCESS_KEY_ID?`")
            .help("\"env:UPLOADS_KEY_ID\"", "The id of the key, of S3.")
            .sensitive();
        keys.elsewhere("secret_key", secret, |_| None)
            .default("`env:AWS_SECRET_ACCESS_KEY?`, of S3")
            .help(
                "\"env:UPLOADS_SECRET\"",
                "The key that signs, of S3, or that of an Azure account.",
            )
            .sensitive();
        keys.elsewhere("token", secret, |_| None)
            .default("`env:AWS_SESSION_TOKEN?`, if S3 has no `access_key`")
            .help(
                "\"file:/run/secrets/sas\"",
                "Of temporary keys of S3; an OAuth token of Google; a shared access signature of Azure.",
            )
            .sensitive();
        keys.elsewhere("service_account", secret, |_| None)
            .help(
                "\"file:/run/secrets/gcs.json\"",
                "The JSON of a service account of Google. Only with one can it sign URLs.",
            )
            .sensitive();
        keys.value("account", kind::text().optional(), |store| {
            &mut store.account
        })
        .help("\"acme\"", "The storage account, of Azure.");
        keys.value("anonymous", kind::boolean(), |store| &mut store.anonymous).help(
            "true",
            "Requests carry no signature, for public buckets. Keys or this must be there: Runner never asks a cloud's metadata address for credentials.",
        );
        keys.value("max_object", kind::size(LARGEST_OBJECT), |store| {
            &mut store.max_object
        })
        .help("\"1GiB\"", "Bytes of an object that the plugin writes.");
        keys.value("timeout", kind::duration(), |store| &mut store.timeout)
            .help(
                "\"2m\"",
                "How long one call may take, unless the job has less left.",
            );
    })
});

/// `https://minio.example.com`, with a path if need be.
fn endpoint() -> kind::Kind<String> {
    kind::Kind::new("URL", read_endpoint, String::clone).quoted()
}

fn read_endpoint(raw: Raw<'_>) -> Result<String, Fault> {
    let refused = || raw.is_not("the URL of a server", "write \"https://minio.example.com\"");
    let url = url::Url::parse(&text(raw)?).map_err(|_| refused())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(refused());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault(
            "must be a URL without a user",
            "write the keys as `access_key` and `secret_key`",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
