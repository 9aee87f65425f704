//! Plugins from their file to the end of an attempt: how they are found, checked,
//! compiled, replaced and contained, and what they reach through the host. The guests
//! that these tests run are in `tests/guests/examples`.

mod budgets;
mod compatible;
mod deploy;
mod files;
mod hostapi;
mod http;
mod loading;
mod plugin_cases;
mod reload;
mod reuse;
mod sandbox;
mod swap_check;
mod system;
mod wasi;
