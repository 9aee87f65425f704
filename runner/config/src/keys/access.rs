//! The keys of `[server]` that say who may use the HTTP API, and those of its tables
//! `tokens`, `users` and `jwt`.

use std::sync::LazyLock;

use super::{Keys, Kind, kind};
use crate::keys::schedule::{instant, show_instant};
use crate::value::{self, Fault, Raw};
use crate::{Grant, Jwt, JwtKeys, Role, Server, Token};

/// Those of `[server]` itself.
pub(super) fn add(keys: &mut Keys<Server>) {
    keys.elsewhere("tokens", "tables", |server| {
        Some(names(server.access.tokens.keys()))
    })
    .help(
        "{ ci = { token = \"env:CI_TOKEN\", role = \"operator\" } }",
        "Tokens of programs by name, see `[server.tokens.<name>]`.",
    );
    keys.elsewhere("users", "tables", |server| {
        Some(names(server.access.users.keys()))
    })
    .help(
        "{ ann = { password = \"env:ANN_HASH\", role = \"admin\" } }",
        "People by name, see `[server.users.<name>]`.",
    );
    keys.elsewhere("jwt", "table", |server| {
        let jwt = server.access.jwt.as_deref();
        Some(jwt.map_or("none", |jwt| jwt.keys.name()).to_owned())
    })
    .help(
        "{ jwks = \"https://id.example.com/jwks.json\" }",
        "Who else vouches for callers, see `[server.jwt]`.",
    );
    keys.elsewhere("hosts", "list of names", |server| {
        Some(names(server.access.hosts.iter()))
    })
    .help(
        "[\"runner.example.com\", \"auth-service\"]",
        "Names by which the API may be called, beside the address it listens on. A request with another `Host` is refused, so that no web page reaches it under a name of its own (DNS rebinding).",
    );
    keys.elsewhere("origins", "list of origins", |server| {
        Some(names(server.access.origins.iter()))
    })
    .help(
        "[\"https://ops.example.com\"]",
        "Web pages, beside its own, whose scripts may call the API (CORS).",
    );
    keys.value("session", kind::duration(), |server| {
        &mut server.access.session
    })
    .help(
        "\"1h\"",
        "How long somebody stays logged in with a session cookie.",
    );
    keys.value("audit", kind::from_one(), |server| &mut server.access.audit)
        .help("100000", "How many entries the audit list in Redis keeps.");
}

fn names(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<String> = names.map(|name| name.as_ref().to_owned()).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

impl JwtKeys {
    fn name(&self) -> &'static str {
        match self {
            JwtKeys::Secret(_) => "secret",
            JwtKeys::Pem(_) => "key",
            JwtKeys::Set(_) | JwtKeys::Url(_) => "jwks",
        }
    }
}

/// `token` of `[server.tokens.<name>]`, before those of [`GRANT`].
pub(crate) static TOKEN: LazyLock<Keys<Token>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.elsewhere("token", "where a secret is", |_| None)
            .default("required")
            .help(
                "\"sha256:9f86d0…\"",
                "The token, or its hash: `env:NAME`, `file:path`, or `sha256:` and the hash in hex, as `runner api token` prints it.",
            )
            .sensitive();
    })
});

/// `password` of `[server.users.<name>]`, before those of [`GRANT`].
pub(crate) static USER: LazyLock<Keys<Token>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.elsewhere("password", "where a hash is", |_| None)
            .default("required")
            .help(
                "\"env:ANN_HASH\"",
                "The argon2id hash of the password, as `runner api password` prints it, or where it is: `env:NAME`, `file:path`.",
            )
            .sensitive();
    })
});

/// What tokens and users have in common.
pub(crate) static GRANT: LazyLock<Keys<Grant>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.value("role", role(), |grant| &mut grant.role).help(
            "\"operator\"",
            "What it may do: a `viewer` looks, an `operator` also adds, retries and pauses, an `admin` may do everything.",
        );
        queues(keys);
        keys.value("payloads", kind::boolean().optional(), |grant| {
            &mut grant.payloads
        })
        .default("`true` for `admin`, else `false`")
        .help("true", "Whether it sees payloads and sensitive fields.");
        let instant = Kind::new("RFC 3339", instant, |at| show_instant(*at)).optional();
        keys.value("expires", instant, |grant| &mut grant.expires)
            .help("2027-01-01T00:00:00Z", "When it stops working.");
    })
});

fn queues<T: Clone + Default + 'static>(keys: &mut Keys<T>) {
    keys.elsewhere("queues", "list of patterns", |_| None)
        .default("all")
        .help(
            "[\"otp-*\", \"mail\"]",
            "The queues it may touch, and know of. `*` stands for any characters.",
        );
}

fn role() -> Kind<Role> {
    let names = Role::ALL.map(Role::name);
    Kind::new(names.join(", "), read_role, |role: &Role| {
        role.name().to_owned()
    })
    .quoted()
}

/// The name of a role.
pub(crate) fn read_role(raw: Raw<'_>) -> Result<Role, Fault> {
    let name = value::word(raw, &Role::ALL.map(Role::name))?;
    Ok(Role::named(name).unwrap_or(Role::Viewer))
}

pub(crate) static JWT: LazyLock<Keys<Jwt>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.elsewhere("secret", "where a secret is", |_| None)
            .help(
                "\"env:JWT_SECRET\"",
                "The secret that the issuer signs with, 32 bytes or more: HS256. This, `key` or `jwks` must be there.",
            )
            .sensitive();
        keys.elsewhere("key", "where a key is", |_| None).help(
            "\"file:jwt.pem\"",
            "The issuer's public key, PEM: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA).",
        );
        keys.elsewhere("jwks", "URL or file", |_| None).help(
            "\"https://id.example.com/jwks.json\"",
            "The issuer's JSON Web Key Set: a URL, or `file:` and a path. It is kept for 10 minutes, and fetched again when a JWT names a key that is not in it.",
        );
        keys.value("issuer", kind::text().optional(), |jwt| &mut jwt.issuer)
            .help(
                "\"https://id.example.com/\"",
                "What the claim `iss` must be. Required with a URL in `jwks`.",
            );
        keys.value("audience", kind::text().optional(), |jwt| &mut jwt.audience)
            .help(
                "\"runner\"",
                "What the claim `aud` must be or have. Required with a URL in `jwks`: the issuer signs for others, too.",
            );
        let leeway = kind::duration_of("duration", value::duration);
        keys.value("leeway", leeway, |jwt| &mut jwt.leeway)
            .help("\"1m\"", "How far the issuer's clock may be from ours.");
        keys.value("name_claim", kind::text(), |jwt| &mut jwt.name_claim)
            .help("\"email\"", "The claim that names the caller.");
        keys.value("role_claim", kind::text(), |jwt| &mut jwt.role_claim)
            .help(
                "\"realm_access.roles\"",
                "The claim with the role: a text or a list of texts, of which the highest counts. Dots lead into objects.",
            );
        keys.elsewhere("roles", "table", |_| None)
            .default("the names of the roles")
            .help(
                "{ sre = \"admin\", dev = \"operator\" }",
                "Which role a value of that claim gives.",
            );
        keys.value("role", role().optional(), |jwt| &mut jwt.role)
            .help("\"viewer\"", "The role of who has none by a claim.");
        keys.value("queues_claim", kind::text().optional(), |jwt| {
            &mut jwt.queues_claim
        })
        .help(
            "\"queues\"",
            "The claim with the queues: a list of patterns, or a text with spaces between them. Who does not have it has no queue.",
        );
        queues(keys);
        keys.value("payloads_claim", kind::text().optional(), |jwt| {
            &mut jwt.payloads_claim
        })
        .help(
            "\"payloads\"",
            "The claim that must be `true` for who is to see payloads and sensitive fields.",
        );
        keys.value("payloads", kind::boolean().optional(), |jwt| {
            &mut jwt.grant.payloads
        })
        .default("`true` for `admin`, else `false`")
        .help(
            "true",
            "Whether all of them see payloads and sensitive fields.",
        );
    })
});
