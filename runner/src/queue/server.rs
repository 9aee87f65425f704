//! Where Redis is: one server, the master that Sentinels name, or the node of a
//! Cluster that holds the keys of this prefix. Asked anew at each dial, so that a
//! failover is followed. Refuses addresses that cannot work before anything is
//! dialled.
//!
//! All keys of one process begin with one prefix, so on a Cluster its `{tag}` puts
//! them into one slot, and one connection to the slot's node is enough.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, RedisError, TlsCertificates, Value,
};

/// Longest wait for one Sentinel or node that is asked where to go.
const ASK: Duration = Duration::from_secs(2);

/// Where to dial.
#[derive(Debug)]
pub(super) struct Server {
    route: Route,
    address: String,
}

#[derive(Debug)]
enum Route {
    One(Client),
    /// Ask each until one knows.
    Ask {
        seeds: Vec<Client>,
        /// With the credentials and TLS of the server that is to be found.
        target: Target,
        question: Question,
    },
}

#[derive(Debug)]
enum Question {
    /// The address of the master of this name.
    Sentinel(String),
    /// The node of this slot.
    Cluster(u16),
}

#[derive(Debug)]
struct Target {
    info: ConnectionInfo,
    ca: Option<Vec<u8>>,
}

impl Target {
    fn at(&self, host: String, port: u16) -> Result<Client, RedisError> {
        let addr = match self.info.addr() {
            ConnectionAddr::TcpTls { insecure, .. } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: None,
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        open(self.info.clone().set_addr(addr), self.ca.as_deref())
    }
}

fn open(info: ConnectionInfo, ca: Option<&[u8]>) -> Result<Client, RedisError> {
    match ca {
        None => Client::open(info),
        Some(pem) => Client::build_with_tls(
            info,
            TlsCertificates {
                client_tls: None,
                root_cert: Some(pem.to_vec()),
            },
        ),
    }
}

/// A URL cut where several hosts may be: `redis+sentinel://user@a:1,b:2/name/0?ca=f`.
struct Parts<'a> {
    /// `redis` or `rediss`.
    scheme: &'a str,
    /// With its `@`.
    user: &'a str,
    hosts: Vec<&'a str>,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(scheme: &'a str, rest: &'a str) -> Parts<'a> {
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = place
            .rfind('@')
            .map_or(("", place), |at| place.split_at(at + 1));
        Parts {
            scheme,
            user,
            hosts: hosts.split(',').filter(|host| !host.is_empty()).collect(),
            path,
        }
    }

    /// Each host as an address of its own, with or without the user.
    fn seeds(&self, port: u16, user: bool) -> Result<Vec<ConnectionInfo>, String> {
        if self.hosts.is_empty() {
            return Err("it names no host".to_owned());
        }
        self.hosts
            .iter()
            .map(|host| {
                let mut url = format!("{}://", self.scheme);
                if user {
                    url += self.user;
                }
                url += host;
                // The closing bracket of IPv6 is before the port.
                if !host.rsplit(']').next().unwrap_or(host).contains(':') {
                    let _ = write!(url, ":{port}");
                }
                url.as_str()
                    .into_connection_info()
                    .map_err(|error| format!("{host}: {error}"))
            })
            .collect()
    }
}

/// Take `?ca=FILE` off a URL and read the file.
fn authority(url: &str) -> Result<(&str, Option<Vec<u8>>), String> {
    let Some((rest, query)) = url.split_once('?') else {
        return Ok((url, None));
    };
    let Some(file) = query.strip_prefix("ca=") else {
        return Ok((url, None));
    };
    if !rest.starts_with("rediss") && !rest.starts_with("valkeys") {
        return Err("ca is for TLS only: write rediss://".to_owned());
    }
    let pem = std::fs::read(Path::new(file))
        .map_err(|error| format!("the certificates of ca cannot be read: {file}: {error}"))?;
    Ok((rest, Some(pem)))
}

impl Server {
    /// The server of a URL, for keys under a prefix.
    ///
    /// # Errors
    /// What is wrong with the URL or, on a Cluster, with the prefix.
    pub(super) fn new(url: &str, prefix: &str) -> Result<Server, String> {
        let (url, ca) = authority(url)?;
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        match scheme.split_once('+') {
            Some((scheme @ ("redis" | "rediss"), "sentinel")) => {
                Server::sentinel(&Parts::of(scheme, rest), ca)
            }
            Some((scheme @ ("redis" | "rediss"), "cluster")) => {
                Server::cluster(&Parts::of(scheme, rest), prefix, ca)
            }
            _ => Server::one(url, ca),
        }
    }

    fn one(url: &str, ca: Option<Vec<u8>>) -> Result<Server, String> {
        let info = url.into_connection_info().map_err(|e| e.to_string())?;
        let address = match info.addr() {
            ConnectionAddr::Tcp(host, port) => format!("{host}:{port}"),
            ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port} (TLS)"),
            ConnectionAddr::Unix(path) => path.display().to_string(),
            other => other.to_string(),
        };
        let client = open(info, ca.as_deref()).map_err(|e| e.to_string())?;
        Ok(Server {
            route: Route::One(client),
            address,
        })
    }

    fn sentinel(parts: &Parts<'_>, ca: Option<Vec<u8>>) -> Result<Server, String> {
        let (name, database) = parts.path.split_once('/').unwrap_or((parts.path, "0"));
        if name.is_empty() {
            return Err(
                "it names no master: write redis+sentinel://host:26379,host:26379/mymaster"
                    .to_owned(),
            );
        }
        let number: i64 = database
            .parse()
            .map_err(|_| format!("the database {database:?} is not a number"))?;
        let target = parts.seeds(26379, true)?.swap_remove(0);
        let settings = target.redis_settings().clone().set_db(number);
        Ok(Server {
            address: format!("master {name:?} of {}", parts.hosts.join(",")),
            route: Route::Ask {
                // Sentinels have passwords of their own, and mostly none.
                seeds: clients(parts.seeds(26379, false)?, ca.as_deref())?,
                target: Target {
                    info: target.set_redis_settings(settings),
                    ca,
                },
                question: Question::Sentinel(name.to_owned()),
            },
        })
    }

    fn cluster(parts: &Parts<'_>, prefix: &str, ca: Option<Vec<u8>>) -> Result<Server, String> {
        if !matches!(parts.path, "" | "0") {
            return Err("a Cluster has database 0 only".to_owned());
        }
        let Some(tag) = tag(prefix) else {
            return Err(format!(
                "on a Cluster all keys of a queue must be in one slot, and the prefix {prefix:?} \
                 has no {{tag}}: set the prefix of the producers and of [redis] to \"{{{prefix}}}\""
            ));
        };
        let seeds = parts.seeds(6379, true)?;
        let info = seeds[0].clone();
        Ok(Server {
            address: format!("the Cluster of {}", parts.hosts.join(",")),
            route: Route::Ask {
                seeds: clients(seeds, ca.as_deref())?,
                target: Target { info, ca },
                question: Question::Cluster(slot(tag.as_bytes())),
            },
        })
    }

    /// What is dialled, without password.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Whether the server is one of a Cluster, and was asked for as such.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(
            self.route,
            Route::Ask {
                question: Question::Cluster(_),
                ..
            }
        )
    }

    /// The server to dial now.
    ///
    /// # Errors
    /// When nobody knows, why the last one that was asked does not.
    pub(super) async fn find(&self) -> Result<Client, RedisError> {
        let (seeds, target, question) = match &self.route {
            Route::One(client) => return Ok(client.clone()),
            Route::Ask {
                seeds,
                target,
                question,
            } => (seeds, target, question),
        };
        let mut last = unknown("nobody was asked");
        for seed in seeds {
            match ask(seed, question).await {
                Ok((host, port)) => return target.at(host, port),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

fn clients(infos: Vec<ConnectionInfo>, ca: Option<&[u8]>) -> Result<Vec<Client>, String> {
    infos
        .into_iter()
        .map(|info| open(info, ca).map_err(|error| error.to_string()))
        .collect()
}

fn unknown(why: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Io, why))
}

async fn ask(seed: &Client, question: &Question) -> Result<(String, u16), RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ASK))
        .set_response_timeout(Some(ASK));
    let mut connection = seed
        .get_multiplexed_async_connection_with_config(&config)
        .await?;
    match question {
        Question::Sentinel(name) => {
            let mut command = Cmd::new();
            command
                .arg("SENTINEL")
                .arg("GET-MASTER-ADDR-BY-NAME")
                .arg(name);
            let found: Option<(String, u16)> = command.query_async(&mut connection).await?;
            found.ok_or_else(|| unknown("the Sentinels know no master of this name"))
        }
        Question::Cluster(slot) => {
            let mut command = Cmd::new();
            command.arg("CLUSTER").arg("SLOTS");
            let ranges: Vec<Vec<Value>> = command.query_async(&mut connection).await?;
            let (host, port) = ranges
                .iter()
                .find_map(|range| master_of(range, *slot))
                .ok_or_else(|| unknown("no node of the Cluster serves the slot of the prefix"))?;
            // A node that does not know its own address leaves it out.
            let host = host.filter(|host| !host.is_empty());
            let host = host.or_else(|| match seed.get_connection_info().addr() {
                ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => {
                    Some(host.clone())
                }
                _ => None,
            });
            Ok((host.unwrap_or_default(), port))
        }
    }
}

/// Host and port of a range's master: `[first, last, [host, port, …], replicas…]`.
fn master_of(range: &[Value], slot: u16) -> Option<(Option<String>, u16)> {
    let [
        Value::Int(first),
        Value::Int(last),
        Value::Array(master),
        ..,
    ] = range
    else {
        return None;
    };
    let [host, Value::Int(port), ..] = master.as_slice() else {
        return None;
    };
    (*first..=*last).contains(&i64::from(slot)).then_some(())?;
    let host = match host {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    };
    Some((host, u16::try_from(*port).ok()?))
}

/// What decides on a key's slot: the part in the first braces.
fn tag(key: &str) -> Option<&str> {
    let (_, rest) = key.split_once('{')?;
    let (tag, _) = rest.split_once('}')?;
    (!tag.is_empty()).then_some(tag)
}

/// CRC-16/XMODEM modulo 16384 (Redis Cluster specification, key distribution).
fn slot(tag: &[u8]) -> u16 {
    let step = |crc: u16, byte: &u8| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    };
    tag.iter().fold(0, step) % 16384
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str, prefix: &str) -> String {
        Server::new(url, prefix).unwrap_err()
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot(b"123456789"), 0x31c3);
        assert_eq!(tag("a{b}c{d}"), Some("b"));
        assert_eq!(tag("a{}b"), None);
    }

    #[test]
    fn each_host_of_a_list_is_asked_and_the_password_is_for_the_master() {
        let server = Server::new("redis+sentinel://u:p%40ss@a,b:5/mymaster/3", "bull").unwrap();
        assert_eq!(server.address(), r#"master "mymaster" of a,b:5"#);
        let Route::Ask { seeds, target, .. } = server.route else {
            panic!("one server");
        };
        let seeds: Vec<String> = seeds
            .iter()
            .map(|seed| seed.get_connection_info().addr().to_string())
            .collect();
        assert_eq!(seeds, ["a:26379", "b:5"]);
        let settings = target.info.redis_settings();
        assert_eq!((settings.db(), settings.username()), (3, Some("u")));
        assert_eq!(settings.password(), Some("p@ss"));
    }

    #[test]
    fn addresses_that_cannot_work_are_refused_with_the_way_out() {
        assert_eq!(
            refused("redis+sentinel://a:1", "bull"),
            "it names no master: write redis+sentinel://host:26379,host:26379/mymaster"
        );
        assert_eq!(
            refused("redis+sentinel://a:1/m/x", "bull"),
            r#"the database "x" is not a number"#
        );
        assert_eq!(refused("redis+cluster:///", "{b}"), "it names no host");
        assert_eq!(
            refused("redis+cluster://a:1/2", "{b}"),
            "a Cluster has database 0 only"
        );
        assert_eq!(
            refused("redis+cluster://a:1", "bull"),
            "on a Cluster all keys of a queue must be in one slot, and the prefix \"bull\" has \
             no {tag}: set the prefix of the producers and of [redis] to \"{bull}\""
        );
        assert_eq!(
            refused("redis://a:1?ca=/ca.pem", "bull"),
            "ca is for TLS only: write rediss://"
        );
        assert_eq!(
            refused("rediss://a:1?ca=/no/ca.pem", "bull"),
            "the certificates of ca cannot be read: /no/ca.pem: No such file or directory (os error 2)"
        );
    }
}
