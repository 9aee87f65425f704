//! Passwords of URLs, covered in any text.

/// What ends a word of TOML.
pub(super) const MARKS: [char; 7] = ['"', '\'', '[', ']', '{', '}', ','];

/// The same text with the password of every URL in it covered.
///
/// The user info of a URL ends at the last `@` before a double quote or the end of the
/// line, because a password may hold an unescaped `/`, `@`, `'` or space. A port
/// that is none is the password of a URL that has lost its `@`.
pub(crate) fn mask_passwords(text: &str) -> String {
    let end_of_text = |c: char| c == '"' || c == '\n';
    let after_url = |c: char| c.is_whitespace() || MARKS.contains(&c);
    let mut shown = String::with_capacity(text.len());
    for word in text.split_inclusive(end_of_text) {
        let Some(start) = authority(word) else {
            shown.push_str(word);
            continue;
        };
        let (scheme, url) = word.split_at(start);
        let url = url.trim_end_matches(after_url);
        let rest = &word[start + url.len()..];
        shown.push_str(scheme);
        match url.rfind('@') {
            Some(at) => {
                let user = url[..at].find(':').map_or(0, |colon| colon + 1);
                shown.push_str(&url[..user]);
                shown.push_str(&stars(at - user));
                shown.push_str(&mask_options(&url[at..]));
            }
            None => shown.push_str(&mask_options(&mask_ports(url))),
        }
        shown.push_str(rest);
    }
    shown
}

/// The same of a password among the options behind the `?`.
fn mask_options(url: &str) -> String {
    let Some((place, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let options = query.split('&').map(|option| match option.split_once('=') {
        Some((name @ ("password" | "pass"), value)) => format!("{name}={}", stars(value.len())),
        _ => option.to_owned(),
    });
    format!("{place}?{}", options.collect::<Vec<_>>().join("&"))
}

/// Where the user of a URL begins, also of one that has lost a part of its `://`.
fn authority(word: &str) -> Option<usize> {
    let after = |mark: &str| word.find(mark).map(|at| at + mark.len());
    let broken = || {
        let scheme = ["redis:", "rediss:", "valkey:", "valkeys:", ":/", "//"];
        let at = scheme.iter().find_map(|mark| after(mark))?;
        word[at..].contains('@').then_some(at)
    };
    after("://").or_else(broken)
}

/// The hosts of a URL, with what is no port covered.
fn mask_ports(url: &str) -> String {
    let end = |c: char| c.is_whitespace() || "/?#".contains(c);
    let end = url.find(end).unwrap_or(url.len());
    let (hosts, path) = url.split_at(end);
    let hosts = hosts.split(',').map(|host| {
        let address = host.strip_prefix('[').and_then(|of| of.find(']'));
        let port = address.map_or(0, |end| end + 2);
        match host[port..].split_once(':') {
            Some((name, port)) if !port.bytes().all(|b| b.is_ascii_digit()) => {
                let shown = host.len() - port.len() - name.len() - 1;
                format!("{}{name}:{}", &host[..shown], stars(port.len()))
            }
            _ => host.to_owned(),
        }
    });
    hosts.collect::<Vec<_>>().join(",") + path
}

/// As many bytes of stars.
pub(super) fn stars(bytes: usize) -> String {
    "*".repeat(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_urls_are_covered_whatever_is_broken() {
        for (text, shown) in [
            ("redis://a:pw@h:6379/0", "redis://a:**@h:6379/0"),
            ("redis://:p/w@x@h", "redis://:*****@h"),
            ("redis://token@h", "redis://*****@h"),
            ("redis://a:p'w@h", "redis://a:***@h"),
            ("redis:/ a:p w@h\nx", "redis:/ a:***@h\nx"),
            ("http://a:1 and more", "http://a:1 and more"),
            ("'redis://h:6379',", "'redis://h:6379',"),
            ("url = \"redis://a:pw@h", "url = \"redis://a:**@h"),
            ("redis:/a:pw@h", "redis:/a:**@h"),
            ("redis//a:pw@h", "redis//a:**@h"),
            ("redis:a:pw@h", "redis:a:**@h"),
            ("redis://a:pw1.2.3.4:6379/0", "redis://a:**************/0"),
            ("redis://a:p]1.2.3.4:6379/0", "redis://a:**************/0"),
            ("redis+sentinel://a:1,b:2/m", "redis+sentinel://a:1,b:2/m"),
            ("redis://[::1]:6379", "redis://[::1]:6379"),
            (
                "rediss://a?db=1&password=pw&ca=c",
                "rediss://a?db=1&password=**&ca=c",
            ),
            ("redis://u:p@a?pass=p", "redis://u:*@a?pass=*"),
            ("https://*.example.com", "https://*.example.com"),
            ("fundify:otp/otp-queue@1.0.0", "fundify:otp/otp-queue@1.0.0"),
        ] {
            assert_eq!(mask_passwords(text), shown, "{text}");
        }
    }
}
