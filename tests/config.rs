//! `queues.toml`: every mistake and its exact message, precedence, and the
//! sample at the root.
//!
//! `tests/config/*.toml` stand beside the text that is shown for them (`*.err`).
//! Lines `# env: NAME=value` and `# flag: name=value` at the head of a file are
//! its environment and its flags. `BLESS=1` writes the texts anew; read the
//! difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runner::config::{
    Backoff, BackoffKind, Config, Env, JobSettings, Keep, Limiter, Loaded, Overrides, RedisUrl,
    explain, keys,
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn root() -> PathBuf {
    fs::canonicalize(ROOT).unwrap()
}

/// Loads a text with this environment.
fn load_with(text: &str, overrides: &Overrides, env: &[(&str, &str)]) -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("queues.toml");
    fs::write(&path, text).unwrap();
    let env: Env = env.iter().copied().collect();
    Config::load(&path, overrides, &env).unwrap_or_else(|problems| panic!("{problems}"))
}

fn load(text: &str) -> Loaded {
    load_with(text, &Overrides::default(), &[])
}

fn url_of(loaded: &Loaded) -> &str {
    match &loaded.config.redis.url {
        RedisUrl::Url(url) => url,
        RedisUrl::Embedded(_) => "embedded",
    }
}

/// What a person is shown for a file of `tests/config`.
fn shown(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let head = |kind: &str| -> Vec<(String, String)> {
        text.lines()
            .filter_map(|line| line.strip_prefix("# ")?.strip_prefix(kind)?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let mut overrides = Overrides::default();
    for (name, value) in head("flag: ") {
        match name.as_str() {
            "redis" => overrides.redis_url = Some(value),
            "prefix" => overrides.redis_prefix = Some(value),
            "concurrency" => overrides.concurrency = Some(value.parse().unwrap()),
            other => panic!("no flag {other}"),
        }
    }
    let env: Env = head("env: ").into_iter().collect();
    let shown = match Config::load(path, &overrides, &env) {
        Ok(loaded) => loaded.warnings.join("\n"),
        Err(problems) => problems.render(false),
    };
    shown.replace(&format!("{}/", path.parent().unwrap().display()), "") + "\n"
}

#[test]
fn each_mistake_is_shown_as_pinned() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut different = Vec::new();
    let mut files = 0;
    for entry in fs::read_dir(root().join("tests/config")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        files += 1;
        let shown = shown(&path);
        let pinned = path.with_extension("err");
        if bless {
            fs::write(&pinned, &shown).unwrap();
        } else if fs::read_to_string(&pinned).unwrap_or_default() != shown {
            different.push(format!("{}:\n{shown}", path.display()));
        }
    }
    assert!(
        files > 10,
        "the files of tests/config are not where they were"
    );
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn no_text_shows_a_password_or_a_literal_secret() {
    for entry in fs::read_dir(root().join("tests/config")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            assert!(!shown(&path).contains("hunter2"), "{}", path.display());
        }
    }
}

/// Secrets where none may stand, and a URL with a password.
const LITERAL: &str = "\
[redis]
url = \"redis://worker:correct-horse-1@127.0.0.1:6379/0\"

[queues.otp-queue]
plugin = \"otp-sender\"
concurrency = 4
timeout = \"30s\"
limiter = { max = 10, duration = \"1s\" }

[plugins.otp-sender]
http = [
  \"https://api.resend.com\",
  \"https://*.example.com\",
]

[plugins.otp-sender.config]
app_name = \"Acme\"
limits = { daily = 5 }

[plugins.otp-sender.secrets]
# OLD_TOKEN = \"battery-staple-2\"
RESEND_API_KEY = \"hunter2-hunter-3\"
WEBHOOK = 'tr0ub4dor-and-4'
PAY_KEY = \"env:PAY_KEY\"
PEM = \"\"\"
-----BEGIN KEY-----
MIIEvQIBADANBgkq5==
-----END KEY-----
\"\"\"

[plugins.otp-sender.dirs]
\"/documents\" = \"data\"

[queues.mail]
plugin = \"mailer\"

[plugins.mailer]
secrets = { TOKEN = \"open-sesame-6\" }

[[schedules]]
queue = \"mail\"
name = \"cleanup\"
every = \"1h\"
";

const WORDS: [&str; 6] = [
    "correct-horse-1",
    "battery-staple-2",
    "hunter2-hunter-3",
    "tr0ub4dor-and-4",
    "MIIEvQIBADANBgkq5",
    "open-sesame-6",
];

/// The text after a slip of the pen or of a tool.
fn mutated(text: &str, random: &mut fastrand::Rng) -> String {
    if text.len() < 20 {
        return text.to_owned();
    }
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (one, other) = (random.usize(..lines.len()), random.usize(..lines.len()));
    let mut bytes = text.as_bytes().to_vec();
    let at = random.usize(..bytes.len());
    match random.u8(..10) {
        0 => drop(lines.remove(one)),
        1 => lines.insert(one, lines[one]),
        2 => lines.swap(one, other),
        3 => lines.truncate(one + 1),
        4 => {
            let moved = lines.remove(one);
            lines.insert(other.min(lines.len()), moved);
        }
        5 => return text[..at].to_owned(),
        6 => return format!("{}{}", &text[..at], &text[at + 1..]),
        7 => {
            bytes.insert(at, bytes[at]);
            return String::from_utf8(bytes).unwrap();
        }
        // A bracket, a quote, an equals sign or a line break is missing or is another.
        kind => {
            let marks: Vec<usize> = (0..bytes.len())
                .filter(|at| b"[]{}\"'=\n.:@/".contains(&bytes[*at]))
                .collect();
            let at = marks[random.usize(..marks.len())];
            match kind {
                8 => drop(bytes.remove(at)),
                _ => bytes[at] = b"[]{}\"'=\n ."[random.usize(..10)],
            }
            return String::from_utf8(bytes).unwrap();
        }
    }
    lines.concat()
}

#[test]
fn a_file_however_broken_shows_no_secret_and_always_names_a_line() {
    let mut random = fastrand::Rng::with_seed(4711);
    let mut broken = 0;
    for _ in 0..4000 {
        let mut text = LITERAL.to_owned();
        for _ in 0..random.usize(1..4) {
            text = mutated(&text, &mut random);
        }
        let env: Env = [("PAY_KEY", "of-the-environment")].into_iter().collect();
        let loaded = Config::parse(Path::new("queues.toml"), &text, &Overrides::default(), &env);
        let Err(problems) = loaded else {
            continue;
        };
        let shown = problems.render(false);
        broken += usize::from(shown.contains("this is not TOML"));
        for word in WORDS {
            let parts = word.as_bytes().windows(7);
            let mut parts = parts.map(|part| std::str::from_utf8(part).unwrap());
            assert!(
                !parts.any(|part| shown.contains(part)),
                "{word}:\n{shown}\n{text}"
            );
        }
        for problem in shown
            .split("\n\n")
            .filter(|part| part.starts_with("error: "))
        {
            let is_last = problem.starts_with("error: the configuration has ");
            assert!(
                is_last || problem.contains("--> queues.toml:"),
                "{problem}\n{text}"
            );
        }
        let syntax = shown.matches("this is not TOML").count();
        assert!(syntax <= 5, "{shown}\n{text}");
    }
    assert!(broken > 1000, "{broken}");
}

#[test]
fn ten_mistakes_are_found_in_one_go() {
    let path = root().join("tests/config/ten_mistakes.toml");
    let env: Env = [("WHATSAPP_TOKEN", "token")].into_iter().collect();
    let problems = Config::load(&path, &Overrides::default(), &env).unwrap_err();
    assert!(problems.count() >= 10, "{problems}");
}

#[test]
fn a_file_that_is_not_there_is_named_with_the_way_out() {
    let path = Path::new("no/such/queues.toml");
    let problems = Config::load(path, &Overrides::default(), &Env::default()).unwrap_err();
    let text = problems.render(false);
    assert!(
        text.starts_with("error: cannot read no/such/queues.toml: there is no such file"),
        "{text}"
    );
    assert!(text.contains("name another file with --config"), "{text}");
}

#[test]
fn colour_is_only_used_when_asked_for() {
    let path = root().join("tests/config/redis.toml");
    let problems = Config::load(&path, &Overrides::default(), &Env::default()).unwrap_err();
    assert!(problems.render(true).contains('\u{1b}'));
    assert!(!problems.render(false).contains('\u{1b}'));
}

#[test]
fn an_empty_file_is_the_defaults() {
    let Loaded { config, .. } = load("[queues.a]\nplugin = \"p\"");
    assert_eq!(
        config.redis.url,
        RedisUrl::Url("redis://127.0.0.1:6379".into())
    );
    assert_eq!(config.redis.prefix, "bull");
    assert!(config.redis.presence);
    assert_eq!(config.runtime.grace, Duration::from_secs(25));
    assert_eq!(config.runtime.lock, Duration::from_secs(30));
    assert_eq!(config.runtime.stalled_interval, Duration::from_secs(15));
    assert_eq!(config.runtime.max_stalled, 5);
    assert_eq!(config.runtime.max_crashes, 2);
    assert_eq!(config.runtime.max_plugin, 64 << 20);
    assert_eq!(config.runtime.compile_timeout, Duration::from_secs(120));
    assert_eq!(config.runtime.compile_memory, 4 << 30);
    assert!(config.runtime.plugins.ends_with("plugins"));
    let queue = &config.queues["a"];
    assert_eq!(queue.concurrency.get(), 10);
    assert_eq!(queue.base.timeout, Duration::from_secs(60));
    assert_eq!(queue.base.memory, 64 << 20);
    assert_eq!(queue.base.max_payload, 10 << 20);
    assert_eq!(queue.base.max_result, 5 << 20);
    assert_eq!((queue.base.max_logs, queue.base.max_adds), (1000, 1000));
    assert_eq!(queue.defaults, Default::default());
    assert!(config.plugins["p"].file.ends_with("plugins/p.wasm"));
    assert!(config.plugins["p"].http.is_empty());
}

#[test]
fn the_sample_loads_as_the_systems_it_serves_are_set_up() {
    let path = root().join("queues.toml");
    let loaded = Config::load(&path, &Overrides::default(), &Env::default());
    let Loaded { config, .. } = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    let names: Vec<_> = config.queues.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "backend-events",
            "compliance-analysis",
            "document-processing",
            "notifications",
            "otp-dead",
            "otp-queue"
        ]
    );
    let exponential = |seconds| {
        Some(Backoff {
            kind: BackoffKind::Exponential,
            delay: Duration::from_secs(seconds),
            jitter: 0.0,
        })
    };
    let newest = |count| {
        Some(Keep {
            count: Some(count),
            ..Keep::default()
        })
    };
    for (name, plugin, attempts, delay) in [
        ("otp-queue", "otp-sender", 3, 1),
        ("document-processing", "document-processor", 3, 2),
        ("compliance-analysis", "compliance-analyzer", 3, 5),
        ("notifications", "notifier", 5, 1),
    ] {
        let queue = &config.queues[name];
        assert_eq!(queue.base.plugin.as_deref(), Some(plugin));
        assert_eq!(queue.defaults.attempts, Some(attempts), "{name}");
        assert_eq!(queue.defaults.backoff, exponential(delay), "{name}");
    }
    let otp = &config.queues["otp-queue"];
    let ten_per_second = Some(Limiter {
        max: 10,
        duration: Duration::from_secs(1),
    });
    assert_eq!(otp.limiter, ten_per_second);
    let day = Keep {
        age: Some(86_400),
        count: Some(1000),
        ..Keep::default()
    };
    assert_eq!(otp.defaults.remove_on_complete, Some(day));
    let dead_letter = otp.settings("email-otp").dead_letter.as_deref();
    assert_eq!(dead_letter.map(|to| to.queue.as_str()), Some("otp-dead"));
    assert!(!config.queues["otp-dead"].is_consumed());
    assert_eq!(otp.settings("email-otp").timeout, Duration::from_secs(30));
    assert_eq!(
        otp.settings("whatsapp-otp").timeout,
        Duration::from_secs(10)
    );
    let documents = &config.queues["document-processing"].defaults;
    assert_eq!(documents.remove_on_complete, newest(100));
    assert_eq!(documents.remove_on_fail, newest(50));
    let notifications = &config.queues["notifications"];
    assert_eq!(notifications.concurrency.get(), 5);
    assert_eq!(notifications.limiter, ten_per_second);
    assert!(!config.queues["backend-events"].is_consumed());
    for plugin in ["document-processor", "compliance-analyzer"] {
        let dirs = &config.plugins[plugin].dirs;
        assert_eq!(dirs["/documents"], root().join("data/documents"));
    }
}

/// The defaults that the sample writes down are those built in.
#[test]
fn the_sample_shows_the_true_defaults() {
    let sample = Config::load(
        &root().join("queues.toml"),
        &Overrides::default(),
        &Env::default(),
    );
    let sample = sample.unwrap().config;
    let built_in = load("[queues.backend-events]").config;
    let base = JobSettings {
        contract: None,
        ..sample.queues["backend-events"].base.clone()
    };
    assert_eq!(base, built_in.queues["backend-events"].base);
    assert_eq!(
        sample.queues["document-processing"].metrics,
        built_in.queues["backend-events"].metrics
    );
    assert_eq!(
        sample.queues["document-processing"].concurrency,
        built_in.queues["backend-events"].concurrency
    );
    assert_eq!(sample.redis, built_in.redis);
    let runtime = |config: &Config| {
        let runtime = &config.runtime;
        (
            runtime.grace,
            runtime.lock,
            runtime.stalled_interval,
            runtime.max_stalled,
            runtime.max_crashes,
            (
                runtime.max_plugin,
                runtime.compile_timeout,
                runtime.compile_memory,
            ),
        )
    };
    assert_eq!(runtime(&sample), runtime(&built_in));
}

#[test]
fn every_key_is_in_the_documentation() {
    let text = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    for key in keys::ALL.iter().copied().flatten() {
        let row = format!("| `{key}`");
        let table = [format!("[{key}"), format!(".{key}")];
        assert!(
            text.contains(&row) || table.iter().any(|name| text.contains(name)),
            "docs/configuration.md does not explain `{key}`"
        );
    }
}

#[test]
fn every_environment_variable_is_in_the_documentation() {
    let text = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    for name in ENVIRONMENT {
        assert!(text.contains(&format!("`{name}`")), "{name}");
    }
}

const ENVIRONMENT: [&str; 28] = [
    "RUNNER_MAX_PLUGIN",
    "RUNNER_COMPILE_TIMEOUT",
    "RUNNER_COMPILE_MEMORY",
    "RUNNER_CONTRACTS",
    "RUNNER_REDIS_URL",
    "RUNNER_REDIS_PREFIX",
    "RUNNER_REDIS_PRESENCE",
    "RUNNER_PLUGINS",
    "RUNNER_CACHE",
    "RUNNER_THREADS",
    "RUNNER_CONCURRENCY",
    "RUNNER_GRACE",
    "RUNNER_LOCK",
    "RUNNER_STALLED_INTERVAL",
    "RUNNER_MAX_STALLED",
    "REDIS_URL",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_USERNAME",
    "REDIS_PASSWORD",
    "REDIS_DB",
    "REDIS_PREFIX",
    "BULLMQ_PREFIX",
    "BULLMQ_DEFAULT_JOB_OPTIONS",
    "QUEUE_CONCURRENCY",
    "QUEUE_MAX_RETRIES",
    "QUEUE_RETRY_DELAY",
    "QUEUE_RETRY_BACKOFF",
];

#[test]
fn a_flag_wins_over_the_environment_over_the_file() {
    let text = "[redis]\nurl = \"redis://file\"\nprefix = \"file\"\n[runtime]\ngrace = \"1s\"\n\
                [queues.a]\nplugin = \"a\"\nconcurrency = 1";
    let overrides = Overrides {
        redis_url: Some("redis://flag".into()),
        redis_prefix: Some("flag".into()),
        plugins: Some("flag-plugins".into()),
        concurrency: Some(3),
        grace: Some(Duration::from_secs(3)),
    };
    let env = [
        ("RUNNER_REDIS_URL", "redis://runner"),
        ("REDIS_URL", "redis://seed"),
        ("RUNNER_REDIS_PREFIX", "runner"),
        ("REDIS_PREFIX", "smsblossom:dev"),
        ("RUNNER_CONCURRENCY", "2"),
        ("RUNNER_GRACE", "2s"),
        ("RUNNER_PLUGINS", "env-plugins"),
    ];
    let seen = |overrides: &Overrides, env: &[(&str, &str)]| {
        let loaded = load_with(text, overrides, env);
        let config = &loaded.config;
        (
            url_of(&loaded).to_owned(),
            config.redis.prefix.clone(),
            config.queues["a"].concurrency.get(),
            config.runtime.grace.as_secs(),
            config.runtime.plugins.file_name().unwrap().to_owned(),
        )
    };
    let expect = |url: &str, prefix: &str, n: u64, plugins: &str| {
        (
            url.to_owned(),
            prefix.to_owned(),
            n as usize,
            n,
            plugins.into(),
        )
    };
    let none = Overrides::default();
    assert_eq!(
        seen(&overrides, &env),
        expect("redis://flag", "flag", 3, "flag-plugins")
    );
    assert_eq!(
        seen(&none, &env),
        expect("redis://runner", "runner", 2, "env-plugins")
    );
    let seeds = [
        ("REDIS_URL", "redis://seed"),
        ("REDIS_PREFIX", "smsblossom:dev"),
    ];
    assert_eq!(
        seen(&none, &seeds),
        expect("redis://seed", "smsblossom:dev", 1, "plugins")
    );
    assert_eq!(
        seen(&none, &[]),
        expect("redis://file", "file", 1, "plugins")
    );
}

#[test]
fn the_parts_of_an_address_make_a_url() {
    let env = [
        ("REDIS_HOST", "redis.example.com"),
        ("REDIS_PORT", "6380"),
        ("REDIS_USERNAME", "worker"),
        ("REDIS_PASSWORD", "p@ss/word"),
        ("REDIS_DB", "2"),
    ];
    let loaded = load_with("", &Overrides::default(), &env);
    assert_eq!(
        url_of(&loaded),
        "redis://worker:p%40ss%2Fword@redis.example.com:6380/2"
    );
    let loaded = load_with("", &Overrides::default(), &[("REDIS_HOST", "::1")]);
    assert_eq!(url_of(&loaded), "redis://[::1]:6379");
}

#[test]
fn a_password_of_the_environment_completes_the_url_of_the_file() {
    let text = "[redis]\nurl = \"rediss://redis.example.com:6380/1\"";
    let env = [("REDIS_PASSWORD", "secret"), ("REDIS_HOST", "")];
    let loaded = load_with(text, &Overrides::default(), &env);
    assert_eq!(url_of(&loaded), "rediss://:secret@redis.example.com:6380/1");
    let text = "[redis]\nurl = \"redis+sentinel://a:26379,b/mymaster\"";
    let env_of_two = [("REDIS_PASSWORD", "secret"), ("REDIS_DB", "2")];
    let loaded = load_with(text, &Overrides::default(), &env_of_two);
    assert_eq!(
        url_of(&loaded),
        "redis+sentinel://:secret@a:26379,b/mymaster/2"
    );
    let text = "[redis]\nurl = \"embedded\"";
    let loaded = load_with(text, &Overrides::default(), &env);
    assert!(
        matches!(&loaded.config.redis.url, RedisUrl::Embedded(dir) if dir.ends_with("data/redis"))
    );
}

#[test]
fn options_of_other_set_ups_stand_over_the_defaults_and_under_the_queue() {
    let text = "[defaults.job]\nattempts = 2\n[queues.a]\nplugin = \"a\"\n\
                [queues.b]\nconcurrency = 2\nplugin = \"b\"\n[queues.b.defaults]\nattempts = 9";
    let env = [
        ("QUEUE_CONCURRENCY", "5"),
        ("QUEUE_MAX_RETRIES", "5"),
        ("QUEUE_RETRY_DELAY", "2000"),
        ("QUEUE_RETRY_BACKOFF", "exponential"),
        (
            "BULLMQ_DEFAULT_JOB_OPTIONS",
            r#"{"removeOnComplete":100,"removeOnFail":{"age":60}}"#,
        ),
    ];
    let loaded = load_with(text, &Overrides::default(), &env);
    let (a, b) = (&loaded.config.queues["a"], &loaded.config.queues["b"]);
    assert_eq!((a.concurrency.get(), b.concurrency.get()), (5, 2));
    assert_eq!(
        (a.defaults.attempts, b.defaults.attempts),
        (Some(6), Some(9))
    );
    let backoff = b.defaults.backoff.unwrap();
    assert_eq!(backoff.kind, BackoffKind::Exponential);
    assert_eq!(backoff.delay, Duration::from_secs(2));
    assert_eq!(a.defaults.remove_on_complete.unwrap().count, Some(100));
    assert_eq!(a.defaults.remove_on_fail.unwrap().age, Some(60));
}

#[test]
fn the_first_job_pattern_in_the_order_of_the_file_counts() {
    let text = "[queues.q]\nplugin = \"base\"\ntimeout = \"9s\"\n\
                [queues.q.jobs.\"z-*\"]\nplugin = \"z\"\n\
                [queues.q.jobs.\"*-mail\"]\nplugin = \"mail\"\ntimeout = \"1s\"";
    let queue = &load(text).config.queues["q"];
    let of = |name| {
        let settings = queue.settings(name);
        (
            settings.plugin.as_deref().unwrap(),
            settings.timeout.as_secs(),
        )
    };
    assert_eq!(of("z-mail"), ("z", 9));
    assert_eq!(of("a-mail"), ("mail", 1));
    assert_eq!(of("other"), ("base", 9));
}

#[test]
fn secrets_come_from_the_environment_and_from_files_and_are_never_debugged() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("token"), "from-file\n").unwrap();
    let path = dir.path().join("queues.toml");
    let text = "[queues.q]\nplugin = \"p\"\n[plugins.p]\n\
                secrets = { A = \"env:A\", B = \"env:B?\", C = \"file:token\" }\n\
                config = { app = \"Acme\", limits = { daily = 5 } }";
    fs::write(&path, text).unwrap();
    let env: Env = [("A", "from-env")].into_iter().collect();
    let loaded = Config::load(&path, &Overrides::default(), &env).unwrap();
    let plugin = &loaded.config.plugins["p"];
    assert_eq!(plugin.secrets["A"].0, "from-env");
    assert_eq!(plugin.secrets["C"].0, "from-file");
    assert!(!plugin.secrets.contains_key("B"));
    assert_eq!(loaded.withheld["p"], ["B"]);
    assert_eq!(plugin.config["app"], "Acme");
    assert_eq!(plugin.config["limits"], r#"{"daily":5}"#);
    let text = format!("{loaded:?} {env:?}");
    assert!(
        !text.contains("from-env") && !text.contains("from-file"),
        "{text}"
    );
}

#[test]
fn explain_shows_each_value_with_its_origin_and_the_timetable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("queues.toml");
    fs::copy(root().join("tests/config/explain/queues.toml"), &path).unwrap();
    let overrides = Overrides {
        concurrency: Some(7),
        ..Overrides::default()
    };
    let env = [("REDIS_URL", "redis://:hunter2@localhost"), ("TOKEN", "t")];
    let env: Env = env.into_iter().collect();
    let loaded = Config::load(&path, &overrides, &env).unwrap();
    let mut text = explain(&loaded, "mail").to_string();
    text.push_str("\n----\n");
    text.push_str(&explain(&loaded, "events").to_string());
    let text = text.replace(&format!("{}/", dir.path().display()), "");
    let pinned = root().join("tests/config/explain/explained.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&pinned, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&pinned).unwrap());
    assert!(!text.contains("hunter2"));
}

#[test]
fn a_reload_says_what_changed_and_what_needs_a_restart() {
    let old = load("[queues.a]\nplugin = \"p\"\n[queues.b]\nplugin = \"p\"\n[queues.c]").config;
    let mut new = load(
        "[redis]\nprefix = \"other\"\n[runtime]\nthreads = 77\n\
         [queues.b]\nplugin = \"p\"\ntimeout = \"1s\"\n[queues.c]\n[queues.d]\n\
         [plugins.p]\nconfig = { a = \"b\" }\n\
         [[schedules]]\nqueue = \"c\"\nname = \"n\"\nevery = \"1h\"",
    )
    .config;
    // Each text is in a directory of its own, which is no change of the file.
    new.runtime.plugins.clone_from(&old.runtime.plugins);
    new.runtime.contracts.clone_from(&old.runtime.contracts);
    new.runtime.cache.clone_from(&old.runtime.cache);
    let changes = Config::diff(&old, &new);
    assert_eq!(changes.added, ["d"]);
    assert_eq!(changes.changed, ["b"]);
    assert_eq!(changes.removed, ["a"]);
    assert_eq!(changes.plugins, ["p"]);
    assert_eq!(changes.schedules, ["c"]);
    assert_eq!(changes.restart, ["redis", "runtime.threads"]);
    assert!(Config::diff(&new, &new).is_empty());
}

proptest::proptest! {
    /// A person's slip of the pen anywhere in the sample is shown, or is none:
    /// it never stops the program.
    #[test]
    fn no_edit_of_the_sample_panics(at in 0.0..1.0_f64, cut in 0..40_usize, insert in "[\\[\\]{}=\"'.,#*?a-z0-9äß\n -]{0,12}") {
        let sample = fs::read_to_string(root().join("queues.toml")).unwrap();
        let mut chars: Vec<char> = sample.chars().collect();
        let start = (at * chars.len() as f64) as usize;
        let end = chars.len().min(start + cut);
        chars.splice(start..end, insert.chars());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("queues.toml");
        fs::write(&path, chars.into_iter().collect::<String>()).unwrap();
        match Config::load(&path, &Overrides::default(), &Env::default()) {
            Ok(loaded) => {
                for queue in loaded.config.queues.keys() {
                    assert!(explain(&loaded, queue).to_string().contains("attempt 1 at once"));
                }
            }
            Err(problems) => assert!(problems.render(true).contains("error")),
        }
    }
}

#[test]
fn a_secret_over_several_lines_is_masked_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("queues.toml");
    let text = "[plugins.p.secrets]\nKEY = \"\"\"\nhunter2 größe\nhunter2\"\"\"\n";
    fs::write(&path, text).unwrap();
    let problems = Config::load(&path, &Overrides::default(), &Env::default()).unwrap_err();
    let text = problems.render(false);
    assert!(text.contains(":2:7") && !text.contains("hunter2"), "{text}");
}
