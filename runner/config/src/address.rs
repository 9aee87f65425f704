//! The address of Redis: the forms its URL can have, and the options behind its
//! `?`. This is the one place that reads them; `docs/configuration.md` lists them.

mod options;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use super::problem::mask_passwords;
use super::value::{Fault, fault};

/// Of one server, with or without TLS.
const SERVERS: [&str; 4] = ["redis", "rediss", "valkey", "valkeys"];
/// Of a socket.
const SOCKETS: [&str; 3] = ["unix", "redis+unix", "valkey+unix"];

/// Where Redis is, and how to get in.
#[derive(Clone, PartialEq)]
pub struct Address {
    /// Whom to dial.
    pub route: Route,
    /// User of the ACL; none: `default`.
    pub user: Option<String>,
    /// Its password; none: nothing is asked for.
    pub password: Option<String>,
    /// Number of the database, from 0.
    pub database: u32,
    /// Which addresses of a host are dialled.
    pub family: Family,
    /// How the server proves who it is; none: no TLS.
    pub tls: Option<Tls>,
    /// Options that are of no use here, and whether they ask for no verification.
    unknown: Vec<(String, bool)>,
}

/// Whom to dial, or to ask.
#[derive(Debug, Clone, PartialEq)]
pub enum Route {
    /// A Unix socket.
    Socket(PathBuf),
    /// One server.
    Server(Host),
    /// Sentinels, and the name of the master they watch.
    Sentinels(Vec<Host>, String),
    /// Some nodes of a Cluster.
    Cluster(Vec<Host>),
}

/// A host and its port.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// Name or IP address, without brackets.
    pub name: String,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Host { name, port } = self;
        match name.contains(':') {
            true => write!(f, "[{name}]:{port}"),
            false => write!(f, "{name}:{port}"),
        }
    }
}

/// Which addresses of a host are dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// All of them.
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

impl Family {
    /// Whether this address is one of them.
    pub fn has(self, ip: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => ip.is_ipv4(),
            Family::V6 => ip.is_ipv6(),
        }
    }
}

/// `rediss://`
#[derive(Debug, Clone, PartialEq)]
pub struct Tls {
    /// By what the server is known.
    pub trust: Trust,
    /// Files with our own certificate and its key, PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// By what the server is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Trust {
    /// The authorities that browsers trust.
    Public,
    /// The authorities, and self-signed certificates, of a PEM file.
    File(PathBuf),
    /// SHA-256 of its certificate or public key: one of these.
    Pins(Vec<[u8; 32]>),
    /// Whoever answers.
    Anybody,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.to_string()).finish()
    }
}

/// What is dialled, without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |hosts: &[Host]| {
            let hosts: Vec<String> = hosts.iter().map(Host::to_string).collect();
            hosts.join(",")
        };
        match &self.route {
            Route::Socket(path) => write!(f, "{}", path.display())?,
            Route::Server(host) => write!(f, "{host}")?,
            Route::Sentinels(hosts, master) => write!(f, "master {master:?} of {}", list(hosts))?,
            Route::Cluster(hosts) => write!(f, "the Cluster of {}", list(hosts))?,
        }
        match self.tls {
            Some(_) => f.write_str(" (TLS)"),
            None => Ok(()),
        }
    }
}

/// A URL as it may be shown, with passwords masked.
struct Shown(String);

impl Shown {
    fn refused(&self, what: &str, hint: &str) -> Fault {
        fault(format!("{what}: {:?}", self.0), hint)
    }

    fn is_no_url(&self) -> Fault {
        self.refused(
            "is not a Redis URL",
            "write \"redis://127.0.0.1:6379\", \"rediss://…\", \"unix:///path\" or \"embedded\"",
        )
    }
}

impl Address {
    /// Read a URL.
    ///
    /// # Errors
    /// What is wrong with it, with passwords masked, and the way out.
    pub fn parse(text: &str) -> Result<Address, Fault> {
        let shown = Shown(mask_passwords(text));
        let (scheme, rest) = text.split_once(':').ok_or_else(|| shown.is_no_url())?;
        let (rest, fragment) = split(rest, '#');
        let what = match fragment {
            None => None,
            Some("insecure") => Some((
                "has #insecure",
                "to accept any certificate write ?verify=none",
            )),
            Some(_) => Some((
                "has a # part",
                "in a password write # as %23, / as %2F and @ as %40",
            )),
        };
        if let Some((what, hint)) = what {
            return Err(shown.refused(what, hint));
        }
        let (place, query) = split(rest, '?');
        let mut address = Address {
            route: Route::Socket(PathBuf::new()),
            user: None,
            password: None,
            database: 0,
            family: Family::Any,
            tls: None,
            unknown: Vec::new(),
        };
        if SOCKETS.contains(&scheme) {
            address.route = Route::Socket(socket(place, &shown)?);
        } else {
            address.read_servers(scheme, place, &shown)?;
        }
        address.read_options(query.unwrap_or_default(), &shown)?;
        Ok(address)
    }

    /// `//user:password@host:port,host:port/path`
    fn read_servers(&mut self, scheme: &str, place: &str, shown: &Shown) -> Result<(), Fault> {
        let no_url = || shown.is_no_url();
        let place = place.strip_prefix("//").ok_or_else(no_url)?;
        let (base, kind) = split(scheme, '+');
        if !SERVERS.contains(&base) {
            return Err(no_url());
        }
        if base.ends_with('s') && base != "redis" {
            self.tls = Some(Tls {
                trust: Trust::Public,
                identity: None,
            });
        }
        let (authority, path) = split(place, '/');
        let (user_info, hosts) = match authority.rsplit_once('@') {
            Some((user_info, hosts)) => (user_info, hosts),
            None => ("", authority),
        };
        let (user, password) = split(user_info, ':');
        let decode = |text: &str| decoded(text).ok_or_else(no_url);
        self.user = Some(decode(user)?).filter(|user| !user.is_empty());
        self.password = password.map(decode).transpose()?;
        let hosts = all_hosts(hosts, kind, shown)?;
        let path = path.unwrap_or_default().trim_end_matches('/');
        self.read_route(kind, hosts, path, shown)
    }

    /// What the path behind the hosts says depends on the kind of the servers.
    fn read_route(
        &mut self,
        kind: Option<&str>,
        mut hosts: Vec<Host>,
        path: &str,
        shown: &Shown,
    ) -> Result<(), Fault> {
        match kind {
            None if hosts.len() > 1 => {
                return Err(shown.refused(
                    "names several hosts",
                    "write \"redis+sentinel://host,host/master\" or \"redis+cluster://host,host\"",
                ));
            }
            None => {
                if !path.is_empty() {
                    self.database = path.parse().map_err(|_| {
                        shown.refused(
                            "names a database that is not a number",
                            "the database is the number after the last slash: \"redis://127.0.0.1:6379/2\"",
                        )
                    })?;
                }
                self.route = Route::Server(hosts.swap_remove(0));
            }
            Some("sentinel") => {
                let (master, number) = split(path, '/');
                let number = number.unwrap_or("0").parse::<u32>();
                let (Ok(number), false) = (number, master.is_empty()) else {
                    return Err(shown.refused(
                        "names no master",
                        "name the master and, if it is not 0, its database: \"redis+sentinel://host:26379,host:26379/mymaster/0\"",
                    ));
                };
                self.database = number;
                let master = decoded(master).ok_or_else(|| shown.is_no_url())?;
                self.route = Route::Sentinels(hosts, master);
            }
            Some("cluster") if matches!(path, "" | "0") => self.route = Route::Cluster(hosts),
            Some("cluster") => {
                let hint = "a Cluster has database 0 only";
                return Err(shown.refused("names a database", hint));
            }
            Some(_) => return Err(shown.is_no_url()),
        }
        Ok(())
    }

    /// Whether it is one of a Cluster.
    pub fn is_cluster(&self) -> bool {
        matches!(self.route, Route::Cluster(_))
    }
}

/// What decides on a key's slot: the part in the first braces (Redis Cluster
/// specification, hash tags).
pub fn tag(key: &str) -> Option<&str> {
    let (_, rest) = key.split_once('{')?;
    let (tag, _) = rest.split_once('}')?;
    (!tag.is_empty()).then_some(tag)
}

/// The path of a socket, with the slashes of a URL before it or without.
fn socket(place: &str, shown: &Shown) -> Result<PathBuf, Fault> {
    let path = place.strip_prefix("//").unwrap_or(place);
    if !path.starts_with('/') {
        return Err(shown.refused("names no socket", "write \"unix:///run/redis.sock\""));
    }
    let path = decoded(path).ok_or_else(|| shown.is_no_url())?;
    Ok(path.into())
}

/// Hosts with commas between.
fn all_hosts(text: &str, kind: Option<&str>, shown: &Shown) -> Result<Vec<Host>, Fault> {
    let port = match kind {
        Some("sentinel") => 26379,
        _ => 6379,
    };
    let read = |text: &str| {
        if text.is_empty() && kind.is_some() {
            let hint = "separate the hosts by commas: \"host:26379,host:26379\"";
            return Err(shown.refused("names no host", hint));
        }
        if text.is_empty() || text.starts_with(':') {
            return Err(shown.refused("names no host", "write \"redis://127.0.0.1:6379\""));
        }
        host(text, port).ok_or_else(|| shown.is_no_url())
    };
    text.split(',').map(read).collect()
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

fn host(text: &str, default: u16) -> Option<Host> {
    // The closing bracket of IPv6 is before the port.
    let end = text.rfind(']').map_or(0, |at| at + 1);
    let (name, port) = match text[end..].find(':') {
        Some(colon) => (&text[..end + colon], &text[end + colon + 1..]),
        None => (text, ""),
    };
    let port = match port {
        "" => default,
        port => port.parse().ok().filter(|port| *port > 0)?,
    };
    let name = match url::Host::parse(&decoded(name)?).ok()? {
        url::Host::Domain(name) => name,
        url::Host::Ipv4(ip) => ip.to_string(),
        url::Host::Ipv6(ip) => ip.to_string(),
    };
    Some(Host { name, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|fault| panic!("{url}: {fault:?}"))
    }

    fn refused(url: &str) -> String {
        let Fault { message, hint } = Address::parse(url).unwrap_err();
        format!("{message}; {hint}")
    }

    #[test]
    fn each_form_is_read_and_shown_without_user_and_password() {
        for (url, shown) in [
            ("redis://u:p@a", "a:6379"),
            ("valkey://a:1/2", "a:1"),
            ("rediss://:p@[::1]:7", "[::1]:7 (TLS)"),
            ("valkeys://a", "a:6379 (TLS)"),
            ("unix:///run/a%20b.sock?db=3", "/run/a b.sock"),
            ("redis+unix:///r.sock", "/r.sock"),
            ("redis+sentinel://a,b:5/m", r#"master "m" of a:26379,b:5"#),
            ("rediss+cluster://a,b", "the Cluster of a:6379,b:6379 (TLS)"),
            ("valkey+cluster://a/0", "the Cluster of a:6379"),
        ] {
            assert_eq!(read(url).to_string(), shown, "{url}");
        }
    }

    #[test]
    fn user_password_and_database_are_decoded() {
        for (url, user, password, database) in [
            ("redis://u:p%40s%2Fs%3a@a/2", Some("u"), Some("p@s/s:"), 2),
            ("redis://:p@a", None, Some("p"), 0),
            ("redis://a?db=4&password=p+q", None, Some("p q"), 4),
            ("redis+sentinel://u:p@a/m/3", Some("u"), Some("p"), 3),
            ("unix:///r?db=5&user=u&pass=p", Some("u"), Some("p"), 5),
        ] {
            let read = read(url);
            let found = (read.user.as_deref(), read.password.as_deref());
            assert_eq!(
                (found, read.database),
                ((user, password), database),
                "{url}"
            );
        }
    }

    const REFUSED: [(&str, &str); 17] = [
        (
            "a:1",
            r#"is not a Redis URL: "a:1"; write "redis://127.0.0.1:6379", "rediss://…", "unix:///path" or "embedded""#,
        ),
        (
            "redis://a:0",
            r#"is not a Redis URL: "redis://a:0"; write "redis://127.0.0.1:6379", "rediss://…", "unix:///path" or "embedded""#,
        ),
        (
            "redis://:pw@",
            r#"names no host: "redis://:**@"; write "redis://127.0.0.1:6379""#,
        ),
        (
            "redis://a,b",
            r#"names several hosts: "redis://a,b"; write "redis+sentinel://host,host/master" or "redis+cluster://host,host""#,
        ),
        (
            "redis+cluster://a/2",
            r#"names a database: "redis+cluster://a/2"; a Cluster has database 0 only"#,
        ),
        (
            "redis+cluster://a?db=2",
            r#"names a database: "redis+cluster://a?db=2"; a Cluster has database 0 only"#,
        ),
        (
            "redis://a/1?db=2",
            r#"has an option db that is not its database: "redis://a/1?db=2"; write one number: "unix:///run/redis.sock?db=2""#,
        ),
        (
            "unix:r.sock",
            r#"names no socket: "unix:r.sock"; write "unix:///run/redis.sock""#,
        ),
        (
            "redis://a?ca=/c",
            r#"has the option ca, which is for TLS only: "redis://a?ca=/c"; write rediss://"#,
        ),
        (
            "rediss://a?ca=",
            r#"has the option ca without a file: "rediss://a?ca="; write the path of a PEM file behind the ="#,
        ),
        (
            "rediss://a?ca=/c&verify=none",
            r#"has ca and verify=none, which exclude each other: "rediss://a?ca=/c&verify=none"; write one of ca, pin and verify=none"#,
        ),
        (
            "rediss://a?cert=c",
            r#"has one of cert and key: "rediss://a?cert=c"; name the certificate and its key: "?cert=client.pem&key=client.key""#,
        ),
        (
            "rediss://a?pin=sha256:00",
            r#"has an invalid pin: "rediss://a?pin=sha256:00"; write "pin=sha256:" and the 64 hex digits that openssl x509 -fingerprint -sha256 prints"#,
        ),
        (
            "rediss://a?verify=no",
            r#"has an option verify that is not known: "rediss://a?verify=no"; write "verify=none" to accept any certificate, or leave it out"#,
        ),
        (
            "redis://a?family=5",
            r#"has a family that is not known: "redis://a?family=5"; write 4, 6 or, for both, 0"#,
        ),
        (
            "rediss://a#insecure",
            r#"has #insecure: "rediss://a#insecure"; to accept any certificate write ?verify=none"#,
        ),
        (
            "redis://u:p#w@a",
            r##"has a # part: "redis://u:***@a"; in a password write # as %23, / as %2F and @ as %40"##,
        ),
    ];

    #[test]
    fn what_cannot_work_is_refused_with_the_way_out() {
        for (url, message) in REFUSED {
            assert_eq!(refused(url), message);
        }
    }

    #[test]
    fn the_tag_is_what_the_first_braces_hold() {
        assert_eq!(tag("a{b}c{d}"), Some("b"));
        assert_eq!(tag("a{}b"), None);
        assert_eq!(tag("a{b"), None);
    }
}
