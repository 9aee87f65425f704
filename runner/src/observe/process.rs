//! This process, by the names that all client libraries of Prometheus use. From `/proc`;
//! what the system does not tell is left out.

use std::fs;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rustix::time::{ClockId, clock_gettime};

/// Put it on a page.
pub(super) fn register(registry: &mut Registry) {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    let processor = Counter::<f64, AtomicU64>::default();
    processor.inc_by(seconds);
    registry.register(
        "process_cpu_seconds",
        "Processor time of this process, user and system",
        processor,
    );
    let mut gauge = |name: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            let gauge = Gauge::<f64, AtomicU64>::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        }
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let bytes = |name| field(name).map(|kib| kib * 1024.0);
    gauge(
        "process_resident_memory_bytes",
        "Memory of this process that is in RAM",
        bytes("VmRSS:"),
    );
    gauge(
        "process_virtual_memory_bytes",
        "Address space of this process",
        bytes("VmSize:"),
    );
    gauge(
        "process_threads",
        "Threads of this process",
        field("Threads:"),
    );
    let open = fs::read_dir("/proc/self/fd").map(|open| open.count() as f64);
    gauge("process_open_fds", "Open file descriptors", open.ok());
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    gauge(
        "process_max_fds",
        "File descriptors that this process may open",
        most.map(|most| most as f64),
    );
    gauge(
        "process_start_time_seconds",
        "When this process began, seconds since 1970",
        started(),
    );
}

/// Seconds since 1970: the system's start, and how long after it this process began.
fn started() -> Option<f64> {
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot = system
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may have blanks in it.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: f64 = fields.split_whitespace().nth(19)?.parse().ok()?;
    let boot: f64 = boot.trim().parse().ok()?;
    Some(boot + ticks / rustix::param::clock_ticks_per_second() as f64)
}
