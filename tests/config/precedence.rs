//! Flags, the environment, the file and the defaults: which of them counts.

use std::time::Duration;

use runner::config::{BackoffKind, Overrides, RedisUrl};

use super::{load, load_with, url_of};

// Long because it is one table: each setting, from three places.
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
        ..Overrides::default()
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
fn a_collector_is_found_by_the_names_that_other_exporters_have() {
    let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/");
    let whole = (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "http://127.0.0.1:4318/own",
    );
    let ours = ("RUNNER_TRACES_ENDPOINT", "http://127.0.0.1:1/ours");
    let endpoint = |env: &[(&str, &str)]| {
        let loaded = load_with("", &Overrides::default(), env);
        loaded.config.traces.endpoint.map(String::from)
    };
    assert_eq!(endpoint(&[]), None);
    assert_eq!(
        endpoint(&[base]).as_deref(),
        Some("http://127.0.0.1:4318/v1/traces")
    );
    assert_eq!(
        endpoint(&[base, whole]).as_deref(),
        Some("http://127.0.0.1:4318/own")
    );
    assert_eq!(
        endpoint(&[base, whole, ours]).as_deref(),
        Some("http://127.0.0.1:1/ours")
    );
}
