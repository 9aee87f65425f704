//! `contract`, `names`, `strict` and `swap_check` of a queue.

use std::sync::Arc;

use crate::config::decode::{Decoder, Table};
use crate::config::origins::join;
use crate::config::problem::nearest;
use crate::config::value::{self, Fault, Raw, fault};
use crate::config::{Contract, Pattern, Queue, SwapCheck};
use crate::contract::{Library, unversioned};

/// Give the queue its contract. One that is in no WIT file may be exported by
/// the plugin, which is not known here.
pub(super) fn read(
    decoder: &mut Decoder<'_>,
    table: &Table<'_>,
    library: &Library,
    queue: &mut Queue,
) {
    let id = decoder.value(table, "contract", id);
    let strict = decoder.value(table, "strict", value::boolean);
    let swap_check = decoder.value(table, "swap_check", swap_check);
    let names: Vec<(Pattern, String)> = decoder
        .free_entries(table, "names")
        .into_iter()
        .filter_map(|entry| {
            let path = join(&join(&table.path, "names"), entry.key);
            match value::text(Raw::Toml(entry.value)) {
                Ok(function) => Some((Pattern(entry.key.to_owned()), function)),
                Err(fault) => {
                    decoder.refuse(entry.span.clone(), &path, fault);
                    None
                }
            }
        })
        .collect();
    let Some(id) = id else {
        for key in ["names", "strict", "swap_check"] {
            if let Some(entry) = table.get(key)
                && table.get("contract").is_none()
            {
                let text = format!(
                    "`{}` has no effect without `contract`",
                    join(&table.path, key)
                );
                decoder.warn(entry.key_span.start, text);
            }
        }
        return;
    };
    let span = table.get("contract").map(|entry| entry.span.clone());
    let refuse = |decoder: &mut Decoder<'_>, fault| {
        decoder.refuse(
            span.clone().unwrap_or_default(),
            &join(&table.path, "contract"),
            fault,
        );
    };
    let declared = match library.get(&id) {
        Ok(declared) => declared.cloned(),
        Err(reason) => {
            let found = fault(
                format!("names {id:?}, which cannot be a contract: {reason}"),
                "a contract is made of plain functions and of types that have JSON",
            );
            return refuse(decoder, found);
        }
    };
    if declared.is_none() && queue.base.plugin.is_none() {
        let near = nearest(&id, library.ids().map(unversioned));
        let hint = match near {
            Some(near) => format!("did you mean {near:?}?"),
            None => {
                "write it in a .wit file in the directory `wit`, or name a plugin that exports it"
                    .to_owned()
            }
        };
        let text = format!("names {id:?}, which is in no WIT file, and no plugin could export it");
        return refuse(decoder, fault(text, hint));
    }
    if let Some(declared) = &declared {
        for (pattern, function) in &names {
            if declared.function(function).is_some() {
                continue;
            }
            let known = || declared.functions.iter().map(|of| of.key.as_str());
            let hint = match nearest(function, known()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("it has {}", known().collect::<Vec<_>>().join(", ")),
            };
            let text = format!("names {function:?}, which {} has not", declared.id);
            let path = join(&join(&table.path, "names"), &pattern.0);
            let entries = decoder.free_entries(table, "names");
            let span = entries.iter().find(|entry| entry.key == pattern.0);
            let span = span.map(|entry| entry.span.clone()).unwrap_or_default();
            decoder.refuse(span, &path, fault(text, hint));
        }
    }
    let contract = Arc::new(Contract {
        queue: queue.name.clone(),
        id,
        declared,
        names,
        strict: strict.unwrap_or(false),
        swap_check: swap_check.unwrap_or_default(),
        routed: queue
            .jobs
            .iter()
            .map(|(pattern, _)| pattern.clone())
            .collect(),
        memory: queue.base.memory,
    });
    for settings in queue.jobs.iter_mut().map(|(_, settings)| settings) {
        settings.contract = Some(contract.clone());
    }
    queue.base.contract = Some(contract);
}

fn swap_check(raw: Raw<'_>) -> Result<SwapCheck, Fault> {
    match value::text(raw).ok().as_deref() {
        Some("sample") => Ok(SwapCheck::Sample),
        Some("all") => Ok(SwapCheck::All),
        Some("off") => Ok(SwapCheck::Off),
        _ => Err(raw.is_not(
            "\"sample\", \"all\" or \"off\"",
            "write \"off\" to take a changed contract over whatever is in Redis",
        )),
    }
}

/// `namespace:package/interface`, with or without `@version`.
fn id(raw: Raw<'_>) -> Result<String, Fault> {
    let id = value::text(raw)?;
    let name = unversioned(&id);
    let parts = name.split_once(':').and_then(|(namespace, rest)| {
        let (package, interface) = rest.split_once('/')?;
        Some([namespace, package, interface])
    });
    match parts {
        Some(parts) if parts.iter().all(|part| !part.is_empty()) => Ok(id),
        _ => Err(raw.is_not(
            "the name of a WIT interface",
            "write namespace:package/interface: \"fundify:otp/otp-queue\"",
        )),
    }
}
