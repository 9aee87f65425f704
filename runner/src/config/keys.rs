//! The valid keys of each table of the file.

/// The tables of the file.
pub const ROOT: &[&str] = &[
    "redis",
    "runtime",
    "defaults",
    "queues",
    "plugins",
    "schedules",
];
/// `[redis]`
pub const REDIS: &[&str] = &["url", "prefix", "presence"];
/// `[runtime]`
pub const RUNTIME: &[&str] = &[
    "plugins",
    "contracts",
    "cache",
    "threads",
    "grace",
    "lock",
    "stalled_interval",
    "max_stalled",
    "max_crashes",
    "max_plugin",
    "compile_timeout",
    "compile_memory",
];
/// `[defaults]`
pub const DEFAULTS: &[&str] = &["job", "queue"];
/// `[defaults.job]` and `[queues.<name>.defaults]`
pub const JOB_DEFAULTS: &[&str] = &[
    "attempts",
    "backoff",
    "remove_on_complete",
    "remove_on_fail",
    "size_limit",
];
/// `backoff`
pub const BACKOFF: &[&str] = &["type", "delay", "jitter"];
/// `remove_on_complete`, `remove_on_fail`
pub const KEEP: &[&str] = &["age", "count", "limit"];
/// `limiter`
pub const LIMITER: &[&str] = &["max", "duration"];
/// `[defaults.queue]`
pub const QUEUE_DEFAULTS: &[&str] = &[
    "concurrency",
    "timeout",
    "expires",
    "memory",
    "max_payload",
    "max_result",
    "max_logs",
    "max_adds",
    "max_depth",
    "max_requests",
    "max_held",
    "max_sent",
    "dead_letter",
    "metrics",
];
/// `[queues.<name>]`
pub const QUEUE: &[&str] = &[
    "plugin",
    "contract",
    "names",
    "strict",
    "swap_check",
    "concurrency",
    "timeout",
    "expires",
    "memory",
    "limiter",
    "group",
    "max_payload",
    "max_result",
    "max_logs",
    "max_adds",
    "max_depth",
    "max_requests",
    "max_held",
    "max_sent",
    "dead_letter",
    "unrouted",
    "max_started_attempts",
    "metrics",
    "defaults",
    "jobs",
];
/// `[queues.<name>.group]`
pub const GROUP: &[&str] = &["by", "concurrency", "limiter"];
/// `[queues.<name>.jobs.<pattern>]`
pub const JOB: &[&str] = &[
    "plugin",
    "concurrency",
    "timeout",
    "expires",
    "memory",
    "max_payload",
    "max_result",
    "max_logs",
    "max_adds",
    "max_depth",
    "max_requests",
    "max_held",
    "max_sent",
    "dead_letter",
];
/// `[plugins.<name>]`
pub const PLUGIN: &[&str] = &["file", "http", "http_networks", "config", "secrets", "dirs"];
/// `[[schedules]]`
pub const SCHEDULE: &[&str] = &[
    "id",
    "queue",
    "name",
    "data",
    "cron",
    "timezone",
    "every",
    "offset",
    "limit",
    "start",
    "end",
    "priority",
    "attempts",
    "backoff",
    "remove_on_complete",
    "remove_on_fail",
    "size_limit",
];
/// All of the above.
pub const ALL: &[&[&str]] = &[
    ROOT,
    REDIS,
    RUNTIME,
    DEFAULTS,
    JOB_DEFAULTS,
    BACKOFF,
    KEEP,
    LIMITER,
    QUEUE_DEFAULTS,
    QUEUE,
    GROUP,
    JOB,
    PLUGIN,
    SCHEDULE,
];
