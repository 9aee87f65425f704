//! The table: every behaviour, the check of it, and who cannot have it and why.

use super::door::Door;
use super::language::Language::{self, Command, QuickJs, Rust, StarlingMonkey};
use super::{ends, flows, instances, limits, reach, sql, values};

/// A behaviour.
pub(crate) struct Row {
    pub(crate) group: &'static str,
    pub(crate) name: &'static str,
    pub(crate) check: fn(&Door),
    /// Who does not offer it, and why.
    not: &'static [(Language, &'static str)],
}

/// What the page says of a behaviour in a language.
pub(crate) enum Cell {
    Works,
    NotOffered(&'static str),
}

impl Row {
    pub(crate) fn cell(&self, language: Language) -> Cell {
        let reason = self.not.iter().find(|(of, _)| *of == language);
        reason.map_or(Cell::Works, |(_, reason)| Cell::NotOffered(reason))
    }
}

/// All behaviours, in the order of the page.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    let all: [&'static [Row]; 6] = [&VALUES, &TALKING, &CALLS, &OUTCOMES, &ENDS, &INSTANCES];
    all.into_iter().flatten()
}

const fn row(group: &'static str, name: &'static str, check: fn(&Door)) -> Row {
    Row {
        group,
        name,
        check,
        not: &[],
    }
}

const fn but(row: Row, not: &'static [(Language, &'static str)]) -> Row {
    Row { not, ..row }
}

/// A program has standard input and output, and no more.
const NO_API: &str = "a program has no host API";
const NO_COMMAND: &[(Language, &str)] = &[(Command, NO_API)];

/// Whose results cannot be anything but JSON.
const ALWAYS_JSON: &str = "the SDK writes results as JSON itself";

static VALUES: [Row; 17] = {
    const G: &str = "Values";
    [
        row(G, "a JSON value passes", values::echo),
        row(G, "text passes byte for byte", values::raw),
        row(G, "nothing is `null`", values::nothing),
        row(G, "2^53+1, 2^64−1 and −2^63 are exact", values::integers),
        row(
            G,
            "astral, combining and right-to-left text, U+0000",
            values::unicode,
        ),
        row(G, "a lone surrogate ends readably", values::lone_surrogate),
        row(G, "5 MB in", values::large_in),
        row(G, "5 MB out", values::large_out),
        row(G, "5 MB through", values::large_through),
        row(G, "127 levels of arrays", values::deep),
        row(G, "more than `max_payload` is rejected", limits::payload),
        row(G, "more than `max_result` fails", limits::result),
        row(G, "more than `max_depth`, in", limits::depth_in),
        row(G, "more than `max_depth`, out", limits::depth_out),
        row(G, "a payload that is not JSON", values::broken_payload),
        but(
            row(G, "a result that is not JSON", values::broken_result),
            &[
                (Rust, ALWAYS_JSON),
                (QuickJs, ALWAYS_JSON),
                (StarlingMonkey, ALWAYS_JSON),
                (
                    Command,
                    "text that is not JSON is a result as a JSON string",
                ),
            ],
        ),
        row(
            G,
            "a contract: types, an exact `u64`, a rejection with its path",
            values::contract,
        ),
    ]
};

static TALKING: [Row; 8] = {
    const G: &str = "Log and progress";
    [
        row(G, "the job's fields", reach::job),
        row(G, "the time that is left", reach::time_left),
        but(
            row(G, "log levels and fields", reach::log),
            &[(Command, "stderr is lines of text")],
        ),
        row(G, "what is printed is logged", reach::print),
        row(G, "`max_logs` lines", limits::lines),
        row(G, "progress", reach::progress),
        row(G, "progress with a message", reach::progress_message),
        but(
            row(G, "progress as JSON", reach::progress_json),
            &[(Command, "`::progress` takes a number and a text")],
        ),
    ]
};

static CALLS: [Row; 26] = {
    const G: &str = "Host functions";
    [
        but(
            row(G, "HTTP GET and the request id", reach::http_get),
            NO_COMMAND,
        ),
        but(
            row(G, "HTTP POST, headers both ways", reach::http_post),
            NO_COMMAND,
        ),
        but(
            row(G, "404 and 503 are answers", reach::http_status),
            NO_COMMAND,
        ),
        but(
            row(G, "HTTP to a host that is not granted", reach::http_denied),
            NO_COMMAND,
        ),
        but(
            row(G, "HTTP with a timeout", reach::http_timeout),
            NO_COMMAND,
        ),
        but(
            row(G, "an answer that does not end", reach::http_too_large),
            NO_COMMAND,
        ),
        but(
            row(G, "HTTP to a closed port", reach::http_connect),
            NO_COMMAND,
        ),
        but(
            row(
                G,
                "a redirect is returned, or followed if asked",
                reach::redirects,
            ),
            NO_COMMAND,
        ),
        but(
            row(
                G,
                "an idempotency key is the same in each attempt",
                reach::idempotent,
            ),
            NO_COMMAND,
        ),
        row(G, "settings and secrets", reach::config),
        row(G, "a secret stays inside: log and result", reach::leak),
        row(G, "a secret stays inside: reason", reach::leak_failure),
        but(row(G, "add a job with options", flows::add), NO_COMMAND),
        but(
            row(G, "add several jobs at once", flows::add_bulk),
            NO_COMMAND,
        ),
        but(row(G, "add a flow", flows::add_flow), NO_COMMAND),
        but(
            row(G, "an unknown queue, a bad id", flows::add_refused),
            NO_COMMAND,
        ),
        but(row(G, "no more than `max_adds`", limits::adds), NO_COMMAND),
        but(
            row(G, "children: values and ignored failures", flows::children),
            NO_COMMAND,
        ),
        but(
            row(
                G,
                "children: a failure that fails the parent",
                flows::failed_child,
            ),
            NO_COMMAND,
        ),
        but(
            row(G, "children: removed before they start", flows::remove),
            NO_COMMAND,
        ),
        but(
            row(G, "data for the next attempt", flows::update),
            NO_COMMAND,
        ),
        but(row(G, "a step is not repeated", flows::step), NO_COMMAND),
        but(
            row(
                G,
                "SQL: a transaction, its values and rows",
                sql::transaction,
            ),
            NO_COMMAND,
        ),
        but(
            row(G, "SQL: 2^53+1 is exact", sql::large),
            &[
                (Command, NO_API),
                (
                    QuickJs,
                    "the engine would round it; the SDK makes an error of it that says so",
                ),
            ],
        ),
        but(
            row(G, "SQL: a failed statement undoes all", sql::undone),
            NO_COMMAND,
        ),
        but(
            row(G, "SQL: a database that is not granted", sql::denied),
            NO_COMMAND,
        ),
    ]
};

/// Exit codes tell retry from reject.
const EXIT_CODES: &[(Language, &str)] = &[(Command, "exit codes know only done, retry, reject")];

static OUTCOMES: [Row; 7] = {
    const G: &str = "Outcomes";
    [
        row(G, "retry, then completed", ends::retry_once),
        row(G, "retry until no attempt is left", ends::retry),
        row(G, "reject", ends::reject),
        but(row(G, "retry after a delay", ends::retry_after), EXIT_CODES),
        but(row(G, "snooze", ends::snooze), EXIT_CODES),
        but(row(G, "rate limit", ends::rate_limit), EXIT_CODES),
        but(
            row(G, "wait for children without any", ends::childless),
            EXIT_CODES,
        ),
    ]
};

static ENDS: [Row; 11] = {
    const G: &str = "Ends that nobody chose";
    [
        row(
            G,
            "an uncaught error: its message, a frame with its file",
            ends::throw,
        ),
        row(G, "a failed assertion", ends::assertion),
        but(
            row(G, "`exit(3)`", ends::exit),
            &[
                (QuickJs, "the engine has no `exit`"),
                (StarlingMonkey, "the engine has no `exit`"),
            ],
        ),
        row(G, "recursion without end", ends::recurse),
        row(G, "memory beyond the limit", limits::memory),
        row(G, "spinning until the timeout", limits::spin),
        but(
            row(G, "waiting in HTTP until the timeout", limits::wait),
            NO_COMMAND,
        ),
        row(G, "cancelled while it spins", limits::cancel),
        row(G, "a name that the plugin does not know", ends::unknown),
        row(G, "the size of the table above", limits::size),
        row(G, "the least `memory` of the table above", limits::least),
    ]
};

/// Neither engine has files.
const NO_FILES: &[(Language, &str)] = &[
    (QuickJs, "the engine has no files"),
    (StarlingMonkey, "the engine has no files"),
];

static INSTANCES: [Row; 9] = {
    const G: &str = "Instances";
    [
        row(
            G,
            "100 jobs draw 100 values from every random source",
            instances::random,
        ),
        row(
            G,
            "the clock is the job's, the time zone UTC",
            instances::clock,
        ),
        row(G, "sleep", instances::sleep),
        row(G, "an empty environment", instances::environment),
        row(G, "a fresh instance for each job", instances::count),
        row(G, "50 jobs at once do not mix", instances::cross_talk),
        but(row(G, "a granted file is read", instances::read), NO_FILES),
        but(
            row(G, "another file is not", instances::read_denied),
            NO_FILES,
        ),
        row(G, "a hot swap fails no job", instances::swap),
    ]
};
