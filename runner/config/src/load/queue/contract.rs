//! `contract`, `names`, `strict` and `swap_check` of a queue.

use std::sync::Arc;

use crate::decode::{Decoder, Entry, Table};
use crate::origins::join;
use crate::problem::nearest;
use crate::value::{self, Fault, Raw, fault};
use crate::{Contract, Pattern, Queue, SwapCheck};
use runner_contract::{Interface, Library, unversioned};

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
    let names = names(decoder, table);
    let (Some(id), Some(entry)) = (id, table.get("contract")) else {
        return;
    };
    let declared = match find(&id, library, queue.base.plugin.is_some()) {
        Ok(declared) => declared,
        Err(fault) => {
            let path = join(&table.path, entry.key);
            return decoder.refuse(entry.span.clone(), &path, fault);
        }
    };
    for (entry, function) in &names {
        if let Some(Err(fault)) = declared.as_ref().map(|of| has(of, function)) {
            let path = join(&join(&table.path, "names"), entry.key);
            decoder.refuse(entry.span.clone(), &path, fault);
        }
    }
    let contract = Arc::new(Contract {
        queue: queue.name.clone(),
        id,
        declared,
        names: names
            .into_iter()
            .map(|(entry, function)| (Pattern(entry.key.to_owned()), function))
            .collect(),
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

/// The entries of `names`, each with the function it names.
fn names<'t>(decoder: &mut Decoder<'_>, table: &Table<'t>) -> Vec<(Entry<'t>, String)> {
    let Some(names) = decoder.free_table(table, "names") else {
        return Vec::new();
    };
    decoder.whole(&names);
    let read = |entry: &Entry<'t>| {
        let function = decoder.value(&names, entry.key, value::text)?;
        Some((entry.clone(), function))
    };
    names.entries.iter().filter_map(read).collect()
}

/// The interface in the WIT files; none if only the plugin can have it.
fn find(id: &str, library: &Library, plugin: bool) -> Result<Option<Arc<Interface>>, Fault> {
    let declared = library.get(id).map_err(|reason| {
        fault(
            format!("names {id:?}, which cannot be a contract: {reason}"),
            "a contract consists of plain functions and of types that JSON can represent",
        )
    })?;
    if declared.is_some() || plugin {
        return Ok(declared.cloned());
    }
    let hint = match nearest(id, library.ids().map(unversioned)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "write it in a .wit file in the directory `wit`, or name a plugin that exports it"
            .to_owned(),
    };
    let text = format!("names {id:?}, which is in no WIT file, and no plugin could export it");
    Err(fault(text, hint))
}

fn has(declared: &Interface, function: &str) -> Result<(), Fault> {
    if declared.function(function).is_some() {
        return Ok(());
    }
    let known = || declared.functions.iter().map(|of| of.key.as_str());
    let hint = match nearest(function, known()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("it has {}", known().collect::<Vec<_>>().join(", ")),
    };
    let text = format!("names {function:?}, which {} does not have", declared.id);
    Err(fault(text, hint))
}

fn swap_check(raw: Raw<'_>) -> Result<SwapCheck, Fault> {
    match value::text(raw).ok().as_deref() {
        Some("sample") => Ok(SwapCheck::Sample),
        Some("all") => Ok(SwapCheck::All),
        Some("off") => Ok(SwapCheck::Off),
        _ => Err(raw.is_not(
            "\"sample\", \"all\" or \"off\"",
            "write \"off\" to accept a changed contract whatever is in Redis",
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
