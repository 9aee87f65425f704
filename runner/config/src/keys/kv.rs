//! `kv` of `[plugins.<name>]`.

use std::sync::LazyLock;

use super::{Keys, kind};
use crate::decode::{Decoder, Table};
use crate::value;
use crate::{Kv, Plugin};

/// As much as a Redis for queues can be asked to hold for one plugin.
const LARGEST: usize = 64 << 30;

pub(crate) static KV: LazyLock<Keys<Kv>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.value("max_keys", kind::from_one(), |kv| &mut kv.max_keys)
            .help(
                "1000",
                "Keys that the plugin may have in each of its queues.",
            );
        keys.value("max_bytes", kind::size(LARGEST), |kv| &mut kv.max_bytes)
            .help(
                "\"1MiB\"",
                "Bytes of all its keys and values in each of its queues.",
            );
    })
});

/// `true`, `false`, or a table with limits.
pub(super) fn read(decoder: &mut Decoder<'_>, table: &Table<'_>, plugin: &mut Plugin) {
    let is_table = table.get("kv").is_some_and(|kv| kv.value.is_table());
    if is_table {
        if let Some(table) = decoder.table(table, "kv", KV.names()) {
            KV.read(decoder, &table, plugin.kv.insert(Kv::default()));
        }
        return;
    }
    let granted = decoder.value(table, "kv", |raw| {
        let hint = "write true, or { max_keys = 1000 }";
        value::boolean(raw).map_err(|_| raw.is_not("true, false or a table", hint))
    });
    plugin.kv = granted.unwrap_or(false).then(Kv::default);
}
