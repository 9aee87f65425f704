//! No text shows a secret, however broken the file is.

use std::fs;
use std::path::Path;

use runner::config::{Config, Env, Overrides};

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
fn a_secret_over_several_lines_is_masked_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("queues.toml");
    let text = "[plugins.p.secrets]\nKEY = \"\"\"\nhunter2 größe\nhunter2\"\"\"\n";
    fs::write(&path, text).unwrap();
    let problems = Config::load(&path, &Overrides::default(), &Env::default()).unwrap_err();
    let text = problems.render(false);
    assert!(text.contains(":2:7") && !text.contains("hunter2"), "{text}");
}
