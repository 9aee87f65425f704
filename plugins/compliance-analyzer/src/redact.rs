//! How a value is shown without being told.

/// What the pattern itself says: a phrase, not a value.
pub(crate) fn nothing(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first four and the last four characters, as PCI DSS 3.4.1 allows for
/// cards: `4111 **** **** 1111`.
pub(crate) fn ends(value: &str) -> String {
    cover(value, 4, 4)
}

/// The last four characters: `***-**-6789`.
pub(crate) fn tail(value: &str) -> String {
    cover(value, 0, 4)
}

/// Nothing but the shape: `**.**.****`.
pub(crate) fn all(value: &str) -> String {
    cover(value, 0, 0)
}

/// Not even the length: `AKIA********` or `********`.
pub(crate) fn secret(value: &str) -> String {
    const PREFIXES: [&str; 15] = [
        "AKIA",
        "ASIA",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "sk_live_",
        "rk_live_",
        "sk-",
        "AIza",
        "npm_",
        "eyJ",
    ];
    let prefix = PREFIXES
        .iter()
        .find(|prefix| value.starts_with(**prefix))
        .copied()
        .unwrap_or_default();
    format!("{prefix}********")
}

/// The first letter and the domain without digits: `a***@example.com`.
pub(crate) fn email(value: &str) -> String {
    let (local, domain) = value.split_once('@').unwrap_or((value, ""));
    let first: String = local.chars().take(1).collect();
    let domain = domain.replace(|c: char| c.is_ascii_digit(), "*");
    format!("{first}***@{domain}")
}

/// The first two parts: `8.8.*.*`, `2a00:1450:*`.
pub(crate) fn ip(value: &str) -> String {
    let mut parts = value.split(['.', ':']);
    let (first, second) = (parts.next(), parts.next());
    let (first, second) = (first.unwrap_or_default(), second.unwrap_or_default());
    match value.contains(':') {
        true => format!("{first}:{second}:*"),
        false => format!("{first}.{second}.*.*"),
    }
}

/// Cover letters and digits but for the first and last few; all of them when
/// fewer than four would be left to cover.
fn cover(value: &str, first: usize, last: usize) -> String {
    let count = value.chars().filter(|c| c.is_alphanumeric()).count();
    let (first, last) = if count >= first + last + 4 {
        (first, last)
    } else {
        (0, 0)
    };
    let mut seen = 0;
    value
        .chars()
        .map(|c| {
            if c.is_whitespace() {
                return ' ';
            }
            if !c.is_alphanumeric() {
                return c;
            }
            seen += 1;
            if seen <= first || seen > count - last {
                c
            } else {
                '*'
            }
        })
        .collect()
}
