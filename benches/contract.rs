//! Measures what it costs to call a plugin by contract, compared with a handler that
//! parses the same JSON: `cargo bench -p runner --bench contract`.
//!
//! Each line is the median of many jobs, which the executor runs one after the other,
//! each in an instance of its own.

#![expect(clippy::disallowed_macros, reason = "a bench prints its figures")]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use base64::Engine as _;
use runner::config::{Config, Contract, Env, JobSettings, Overrides, Plugin, SwapCheck};
use runner::executor::Executor;
use runner::host::{Host, Http};
use runner::outcome::Outcome;
use runner::plugin::{self, Plugins};
use runner::queue::{Attempt, Job};
use serde_json::json;

#[global_allocator]
static ALLOC: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 2_000;

struct Bench {
    executor: Executor,
    contract: Arc<Contract>,
}

impl Bench {
    /// The median time of a job of this name and payload.
    fn median(&self, name: &str, data: &str, typed: bool) -> Duration {
        let rounds = (ROUNDS * 1_000 / data.len().max(1_000)).clamp(30, ROUNDS);
        let mut times: Vec<Duration> = (0..rounds + rounds / 10)
            .map(|_| self.run(name, data, typed))
            .collect();
        // The first ones warm up.
        let times = &mut times[rounds / 10..];
        times.sort_unstable();
        times[times.len() / 2]
    }

    fn run(&self, name: &str, data: &str, typed: bool) -> Duration {
        let settings = JobSettings {
            plugin: Some("orders".into()),
            contract: typed.then(|| self.contract.clone()),
            ..JobSettings::default()
        };
        let job = Job {
            id: "1".into(),
            name: name.into(),
            data: data.into(),
            ..Job::default()
        };
        let attempt = Arc::new(Attempt::trial(job, "bench", settings.timeout));
        let (sender, receiver) = channel();
        let began = Instant::now();
        self.executor
            .start(attempt, settings, move |_, _, outcome| {
                sender.send((began.elapsed(), outcome)).expect("it waits");
            });
        let (took, outcome) = receiver.recv().expect("an outcome");
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        took
    }
}

/// An order of about so many bytes.
fn order(bytes: usize) -> String {
    let item = |n: usize| {
        json!({
            "product": format!("Product number {n}"), "sku": format!("SKU-{n:06}"), "quantity": n % 7 + 1,
            "price": 19.99 + n as f64, "gift": n.is_multiple_of(2), "tags": ["summer", "sale"],
        })
    };
    let with = |items: Vec<serde_json::Value>| {
        json!({
            "id": "order-id-123", "createdAt": 1_764_000_000_000_u64,
            "customer": {
                "id": 9_007_199_254_740_993_u64, "name": "Ada Lovelace", "email": "ada@example.com",
                "address": { "street": "12 St James's Square", "city": "London", "zip": "SW1Y 4JH", "country": "GB" },
            },
            "items": items, "coupon": "WELCOME", "paid": true,
        })
        .to_string()
    };
    let mut items = Vec::new();
    while with(items.clone()).len() < bytes {
        let more = (bytes / 400).max(1);
        let n = items.len();
        items.extend((n..n + more).map(item));
    }
    with(items)
}

// Long because it makes everything that an attempt needs.
fn main() -> ExitCode {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/wasm32-wasip2/plugin");
    let contract = Arc::new(Contract {
        queue: "work".into(),
        id: "test:orders/orders".into(),
        declared: None,
        names: Vec::new(),
        strict: false,
        swap_check: SwapCheck::default(),
        routed: Vec::new(),
        memory: 64 << 20,
    });
    let plugin = Plugin {
        name: "orders".into(),
        file: target.join("examples/orders.wasm"),
        contracts: vec![contract.clone()],
        ..Plugin::default()
    };
    let path = std::env::temp_dir().join("queues.toml");
    let loaded = Config::parse(&path, "", &Overrides::default(), &Env::default());
    let config = Config {
        plugins: [("orders".to_owned(), Arc::new(plugin))].into(),
        ..loaded.expect("the defaults").config
    };
    let io = tokio::runtime::Runtime::new().expect("threads");
    let (engine, _) = plugin::engine().expect("address space");
    let http = Http::new(io.handle().clone());
    let scratch = config.runtime.scratch();
    let host = Arc::new(Host::new(engine, http, scratch).expect("links"));
    let plugins = Plugins::new(host.clone(), &config.runtime, env!("CARGO_BIN_EXE_runner"));
    plugins.configure(&config);
    if plugins.get("orders").is_none() {
        eprintln!("{:?}", plugins.list());
        eprintln!("build it: make guests");
        return ExitCode::FAILURE;
    }
    let threads = NonZeroUsize::new(1).expect("one");
    let bench = Bench {
        executor: Executor::new(host, plugins, threads).expect("threads"),
        contract,
    };
    println!(
        "payload        | handler, not parsed | handler, parsed with serde | by contract | ratio"
    );
    let micros = |time: Duration| time.as_nanos() as f64 / 1e3;
    for bytes in [600, 10_000, 100_000] {
        let data = order(bytes);
        let bare = micros(bench.median("skip", &data, false));
        let parsed = micros(bench.median("count", &data, false));
        let typed = micros(bench.median("count", &data, true));
        println!(
            "{:>9} B    | {bare:>16.1} µs | {parsed:>23.1} µs | {typed:>8.1} µs | {:.2}",
            data.len(),
            typed / parsed
        );
    }
    let bytes = base64::engine::general_purpose::STANDARD.encode(vec![7; 1 << 20]);
    let typed = micros(bench.median("measure", &format!("\"{bytes}\""), true));
    println!("list<u8> of 1 MiB, by contract: {:.2} ms", typed / 1e3);
    ExitCode::SUCCESS
}
