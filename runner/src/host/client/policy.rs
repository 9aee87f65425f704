//! Where one plugin may send requests: the URL is parsed once, here, and what
//! comes out is what is dialled.
//!
//! Refuses everything that is not granted: another scheme, host or port, a name
//! one of whose addresses is not public, user names, fragments, and texts that
//! two parsers could read differently.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use super::Error;
use super::address::special;
use crate::config::{Origin, Plugin, Webhook};

/// The grants of one plugin, or of one webhook.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    plugin: String,
    /// The table of `queues.toml` that grants.
    table: String,
    origins: Vec<Origin>,
    networks: Vec<IpNet>,
}

impl Policy {
    pub(super) fn new(plugin: &Plugin) -> Self {
        Policy {
            plugin: plugin.name.clone(),
            table: format!("[plugins.{}]", plugin.name),
            origins: plugin.http.clone(),
            networks: plugin.http_networks.clone(),
        }
    }

    /// The grants of a webhook: the host of its URL.
    pub(super) fn of_webhook(queue: &str, name: &str, webhook: &Webhook) -> Self {
        Policy {
            plugin: name.to_owned(),
            table: format!("[queues.{queue}.webhooks.{name}]"),
            origins: webhook.origin.iter().cloned().collect(),
            networks: webhook.http_networks.clone(),
        }
    }

    /// Read a URL the plugin wrote.
    pub(super) fn parse(&self, text: &str) -> Result<Url, Error> {
        // The URL standard drops tabs and newlines and reads `\` as `/`; others
        // do not. Nobody writes such a URL in good faith.
        if let Some(odd) = text
            .chars()
            .find(|c| c.is_control() || c.is_whitespace() || *c == '\\')
        {
            return Err(Error::Invalid(format!(
                "URL contains {odd:?}: write it percent-encoded"
            )));
        }
        let url = Url::parse(text)
            .map_err(|error| Error::Invalid(format!("{:?} is not a URL: {error}", brief(text))))?;
        if url.fragment().is_some() {
            return Err(Error::Invalid(
                "URL has a fragment, which is never sent: leave out \"#\" and what follows".into(),
            ));
        }
        self.check(url)
    }

    /// Check a URL, written by the plugin or by a redirect, and bring it into
    /// the form that is dialled.
    pub(super) fn check(&self, mut url: Url) -> Result<Url, Error> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::Invalid(format!(
                "scheme {:?} is not supported: use \"https\" or \"http\"",
                url.scheme()
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Invalid(
                "URL has a user name: send credentials in the header \"Authorization\"".into(),
            ));
        }
        if let Some(Host::Domain(name)) = url.host()
            && let Some(name) = name.strip_suffix('.')
        {
            let name = name.to_owned();
            url.set_host(Some(&name))
                .map_err(|error| Error::Invalid(format!("host {name:?} is not valid: {error}")))?;
        }
        if self.grants(&url) {
            return Ok(url);
        }
        let origin = url.origin().ascii_serialization();
        Err(Error::Denied(format!(
            "host {:?} is not granted to plugin {:?}: add {origin:?} to {} http",
            url.host_str().unwrap_or_default(),
            self.plugin,
            self.table
        )))
    }

    fn grants(&self, url: &Url) -> bool {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return false;
        };
        self.origins.iter().any(|origin| {
            origin.scheme == url.scheme() && origin.port == port && covers(&origin.host, &host)
        })
    }

    /// Whether all addresses of a name may be dialled. One that may not refuses
    /// them all: a name with a public and a private address is an attack or a
    /// mistake.
    pub(super) fn check_addresses(&self, name: &str, addresses: &[IpAddr]) -> Result<(), Error> {
        let refused: Vec<_> = addresses
            .iter()
            .filter(|address| {
                !self
                    .networks
                    .iter()
                    .any(|net| net.contains(&address.to_canonical()))
            })
            .filter_map(|address| Some((address, special(*address)?)))
            .collect();
        let Some((address, what)) = refused.first() else {
            return Ok(());
        };
        let networks: Vec<_> = refused
            .iter()
            .map(|(address, _)| format!("\"{}\"", IpNet::from(address.to_canonical())))
            .collect();
        Err(Error::Denied(format!(
            "host {name:?} has the address {address} ({what}), which is not public: \
             add {} to {} http_networks if it is meant",
            networks.join(", "),
            self.table
        )))
    }
}

/// Whether a host of an allow-list covers the host of a URL. A wildcard stands
/// for one or more labels of a name, never for a part of an address.
fn covers(granted: &str, host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => match granted.strip_prefix("*.") {
            Some(parent) => name
                .strip_suffix(parent)
                .and_then(|sub| sub.strip_suffix('.'))
                .is_some_and(|sub| sub.split('.').all(|label| !label.is_empty())),
            None => granted == *name,
        },
        Host::Ipv4(address) => granted.parse() == Ok(*address),
        Host::Ipv6(address) => {
            granted
                .trim_start_matches('[')
                .trim_end_matches(']')
                .parse()
                == Ok(*address)
        }
    }
}

/// The beginning of a text, for a message.
fn brief(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
