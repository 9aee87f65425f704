//! A database of `[plugins.<name>.sql]`; `load/` reads its URL.

use std::sync::LazyLock;

use super::{Keys, kind};
use crate::Database;

/// As many bytes as a call of the host API carries.
const LARGEST: usize = 256 << 20;

pub(crate) static DATABASE: LazyLock<Keys<Database>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.elsewhere("url", "`env:NAME`, `file:path`, or a URL without a password", |_| None)
            .default("required")
            .help(
                "\"env:DATABASE_URL\"",
                "`postgres://`, `mysql://`, `mariadb://`, or `sqlite:` with the path of a file. `sslmode=require` asks for TLS, and the certificate is always checked then; `prepare=false` suits a PgBouncer in transaction mode; `mode=rwc` makes the file of SQLite. A text in the place of the table is the `url`.",
            )
            .sensitive();
        keys.value("readonly", kind::boolean(), |of| &mut of.readonly)
            .help("true", "The plugin can only read; the server sees to it.");
        keys.value("pool", kind::from_one(), |of| &mut of.pool).help(
            "20",
            "How many connections all jobs of the process have together. A call that finds none waits, at most as long as it may take.",
        );
        keys.value("timeout", kind::duration(), |of| &mut of.timeout).help(
            "\"5s\"",
            "How long one call may take, unless the job has less left. Then its statement is stopped on the server.",
        );
        keys.value("max_rows", kind::from_one(), |of| &mut of.max_rows)
            .help("500", "How many rows one call may return.");
        keys.value("max_bytes", kind::size(LARGEST), |of| &mut of.max_bytes)
            .help(
                "\"1MiB\"",
                "How many bytes of values one call may send or return.",
            );
        keys.value("max_statements", kind::from_one(), |of| {
            &mut of.max_statements
        })
        .help("50", "How many statements one attempt may run.");
        keys.value("ca", kind::path().optional(), |of| &mut of.ca)
            .default("the public authorities")
            .help(
                "\"tls/ca.pem\"",
                "The authorities whose certificates are trusted, in PEM. It asks for TLS, too.",
            );
        keys.value("cert", kind::path().optional(), |of| &mut of.cert)
            .help(
                "\"tls/runner.pem\"",
                "Runner's own certificate, in PEM; with `key`.",
            );
        keys.value("key", kind::path().optional(), |of| &mut of.key)
            .help("\"tls/runner.key\"", "Its key, in PEM.");
    })
});
