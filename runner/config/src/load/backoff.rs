//! `[backoff.<name>]`: strategies that producers' jobs name.

use crate::Strategies;
use crate::Strategy;
use crate::decode::{Decoder, Table};
use crate::keys::backoff::STRATEGY;
use crate::origins::join;
use crate::value::fault;

pub(super) fn read_all(decoder: &mut Decoder<'_>, root: &Table<'_>) -> Strategies {
    let mut all = Strategies::default();
    let Some(table) = decoder.free_table(root, "backoff") else {
        return all;
    };
    for entry in &table.entries {
        let path = join("backoff", entry.key);
        // BullMQ has these two itself.
        if let "fixed" | "exponential" = entry.key {
            let what = format!("is BullMQ's own: {:?} needs no declaration", entry.key);
            let refused = fault(
                what,
                "name the strategy as the producers' `backoff.type` does",
            );
            decoder.refuse(entry.key_span.clone(), &path, refused);
        }
        let Some(table) = decoder.as_table(entry, path) else {
            continue;
        };
        decoder.only(&table, STRATEGY.names());
        let mut strategy = Strategy::default();
        STRATEGY.read(decoder, &table, &mut strategy);
        let waits = table.get("waits");
        for key in ["type", "delay"] {
            if let (Some(_), Some(entry)) = (waits, table.get(key)) {
                let refused = fault("stands beside `waits`", "leave one of them out");
                decoder.refuse(entry.key_span.clone(), &join(&table.path, key), refused);
            }
        }
        all.0.insert(entry.key.to_owned(), strategy);
    }
    all
}
