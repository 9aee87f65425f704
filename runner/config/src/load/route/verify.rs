//! `verify`: what each scheme needs, and nothing that it does not use.

use super::{refuse, refuse_value, required};
use crate::Secret;
use crate::decode::{Decoder, Table};
use crate::keys::route::VERIFY;
use crate::value::{Fault, fault};
use crate::webhook::{Field, From, Scheme, Verify, standard_key as key};

pub(super) fn read(decoder: &mut Decoder<'_>, route: &Table<'_>) -> Option<Verify> {
    if !required(decoder, route, "verify") {
        return None;
    }
    let table = decoder.table(route, "verify", VERIFY.names())?;
    let mut verify = Verify::default();
    VERIFY.read(decoder, &table, &mut verify);
    if !required(decoder, &table, "scheme") {
        return None;
    }
    // A scheme that could not be read has been refused.
    let scheme = scheme(&table)?;
    let used = scheme.keys();
    for entry in &table.entries {
        if entry.key != "scheme" && !used.contains(&entry.key) {
            let unused = fault(
                format!("has no effect with scheme {:?}", scheme.name()),
                match used {
                    [] => "remove it".to_owned(),
                    used => format!("it uses {}", used.join(", ")),
                },
            );
            refuse(decoder, &table, entry.key, unused);
        }
    }
    let mut whole = true;
    for key in ["secret", "origin"] {
        if used.contains(&key) {
            whole &= required(decoder, &table, key);
        }
    }
    if scheme == Scheme::Hmac {
        whole &= required(decoder, &table, "header");
    }
    if used.contains(&"secret") {
        let check = match scheme {
            Scheme::StandardWebhooks => standard_key,
            _ => |_: &Secret| Ok(()),
        };
        match decoder.secrets(&table, "secret", check) {
            Some(secrets) => verify.secrets = secrets,
            None => whole = false,
        }
    }
    whole &= check_origin(decoder, &table, &mut verify);
    check_signed(decoder, &table, &verify);
    if scheme == Scheme::None {
        let path = format!("{}.scheme", table.path);
        let text = format!("`{path}` is \"none\": whoever reaches the server can add these jobs");
        decoder.warn(table.span.start, text);
    }
    whole.then_some(verify)
}

/// A key of Standard Webhooks.
pub(in crate::load) fn standard_key(secret: &Secret) -> Result<(), Fault> {
    match key(secret) {
        Some(_) => Ok(()),
        None => Err(fault(
            "is not a key of Standard Webhooks: those are `whsec_` and base64",
            "make one: echo whsec_$(openssl rand -base64 32)",
        )),
    }
}

fn scheme(table: &Table<'_>) -> Option<Scheme> {
    let name = table.get("scheme")?.value.as_str()?;
    Scheme::ALL.into_iter().find(|scheme| scheme.name() == name)
}

/// Scheme, host and port; the path is the route's.
fn check_origin(decoder: &mut Decoder<'_>, table: &Table<'_>, verify: &mut Verify) -> bool {
    if verify.origin.is_empty() {
        return true;
    }
    let origin = verify.origin.trim_end_matches('/').to_owned();
    let url = url::Url::parse(&origin).ok();
    let plain = url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    });
    if !plain {
        let what = format!("must be the origin of a URL, found {:?}", verify.origin);
        let hint = "write scheme and host: \"https://hooks.example.com\"";
        refuse_value(decoder, table, "origin", fault(what, hint));
        return false;
    }
    verify.origin = origin;
    true
}

/// A signature is over the body, and over the time if one is checked.
fn check_signed(decoder: &mut Decoder<'_>, table: &Table<'_>, verify: &Verify) {
    let whole_body = |field: &Field| field.source == From::Body && field.path.is_empty();
    if let Some(signed) = &verify.signed {
        for field in signed.fields() {
            if !whole_body(field) && field.source != From::Header || field.optional {
                let other = fault(
                    format!("has `{{{field}}}`; only {{body}} and headers can be signed"),
                    "write \"{header.X-Timestamp}.{body}\"",
                );
                refuse_value(decoder, table, "signed", other);
            }
        }
        if !signed.fields().any(whole_body) {
            let without = fault(
                "is without {body}: anybody could change the body",
                "write \"{header.X-Timestamp}.{body}\"",
            );
            refuse_value(decoder, table, "signed", without);
        }
    }
    if let Some(name) = &verify.timestamp {
        let is_it = |field: &Field| {
            field.source == From::Header && field.path[0].eq_ignore_ascii_case(name)
        };
        let signed = verify.signed.as_ref();
        if !signed.is_some_and(|signed| signed.fields().any(is_it)) {
            let unsigned = fault(
                format!("is not part of `signed`: anybody could change {name}"),
                format!("write signed = \"{{header.{name}}}.{{body}}\""),
            );
            refuse_value(decoder, table, "timestamp", unsigned);
        }
    } else if table.get("tolerance").is_some() && verify.scheme == Scheme::Hmac {
        let alone = fault("needs `timestamp`", "name the header with the time");
        refuse(decoder, table, "tolerance", alone);
    }
}
