//! What nobody set, and the sample at the root.

use std::time::Duration;

use runner::config::{
    Backoff, BackoffKind, Config, Env, JobSettings, Keep, Limiter, Loaded, Overrides, RedisUrl,
};

use super::{load, root};

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

// Long because it is one table of what the sample says.
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
