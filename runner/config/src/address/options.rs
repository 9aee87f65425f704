//! The options behind the `?` of an address.

use std::path::PathBuf;

use url::form_urlencoded;

use super::{Address, Family, Route, Shown, Tls, Trust};
use crate::value::Fault;

/// What is known, as people would write it.
const OPTIONS: &str = "ca, cert, key, pin, verify, family, db, username and password";
/// Options by which other clients turn verification off, and their words for it.
const UNVERIFIED: [&str; 4] = [
    "rejectUnauthorized",
    "ssl_cert_reqs",
    "tlsInsecure",
    "skip_verify",
];
const OFF: [&str; 5] = ["false", "none", "CERT_NONE", "true", "1"];

/// What is wrong, and the way out.
type Refusal = (String, &'static str);

fn refusal(what: impl Into<String>, hint: &'static str) -> Refusal {
    (what.into(), hint)
}

/// What the options say of TLS.
#[derive(Default)]
struct Said {
    trust: Vec<(&'static str, Trust)>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Said {
    /// Take one option; `false`: it is about something else.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, Refusal> {
        let file = || match value.is_empty() {
            true => Err(refusal(
                format!("has the option {name} without a file"),
                "write the path of a PEM file behind the =",
            )),
            false => Ok(PathBuf::from(value)),
        };
        match name {
            "ca" => self.trust.push(("ca", Trust::File(file()?))),
            "cert" => self.cert = Some(file()?),
            "key" => self.key = Some(file()?),
            "pin" => {
                let pins = value.split(',').map(pin).collect::<Option<_>>();
                let pins = pins.ok_or_else(|| {
                    refusal(
                        "has an invalid pin",
                        "write \"pin=sha256:\" and the 64 hex digits that openssl x509 -fingerprint -sha256 prints",
                    )
                })?;
                self.trust.push(("pin", Trust::Pins(pins)));
            }
            "verify" if value == "none" => self.trust.push(("verify=none", Trust::Anybody)),
            "verify" if value == "full" => {}
            "verify" => {
                return Err(refusal(
                    "has an option verify that is not known",
                    "write \"verify=none\" to accept any certificate, or leave it out",
                ));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Without TLS there must be nothing.
    fn none(self) -> Result<(), Refusal> {
        let first = self.trust.first().map(|(name, _)| *name);
        let first = first.or(self.cert.and(Some("cert")));
        match first.or(self.key.and(Some("key"))) {
            None => Ok(()),
            Some(name) => Err(refusal(
                format!("has the option {name}, which is for TLS only"),
                "write rediss://",
            )),
        }
    }

    fn fill(mut self, tls: &mut Tls) -> Result<(), Refusal> {
        tls.identity = match (self.cert, self.key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => {
                return Err(refusal(
                    "has one of cert and key",
                    "name the certificate and its key: \"?cert=client.pem&key=client.key\"",
                ));
            }
        };
        if self.trust.len() > 1 {
            let names: Vec<&str> = self.trust.iter().map(|(name, _)| *name).collect();
            return Err(refusal(
                format!("has {}, which exclude each other", names.join(" and ")),
                "write one of ca, pin and verify=none",
            ));
        }
        if let Some((_, only)) = self.trust.pop() {
            tls.trust = only;
        }
        Ok(())
    }
}

impl Address {
    pub(super) fn read_options(&mut self, query: &str, shown: &Shown) -> Result<(), Fault> {
        let refused = |(what, hint): Refusal| shown.refused(&what, hint);
        let mut said = Said::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !said.take(&name, &value).map_err(refused)? {
                self.take(&name, &value).map_err(refused)?;
            }
        }
        if matches!(self.route, Route::Cluster(_)) && self.database != 0 {
            return Err(refused(refusal(
                "names a database",
                "a Cluster has database 0 only",
            )));
        }
        let said = match &mut self.tls {
            Some(tls) => said.fill(tls),
            None => said.none(),
        };
        said.map_err(refused)
    }

    /// An option that has nothing to do with TLS.
    fn take(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "family" => {
                self.family = match value {
                    "0" => Family::Any,
                    "4" => Family::V4,
                    "6" => Family::V6,
                    _ => {
                        let hint = "write 4, 6 or, for both, 0";
                        return Err(refusal("has a family that is not known", hint));
                    }
                };
            }
            "db" => {
                let number = value.parse::<u32>().ok();
                // The URL itself may name one, too.
                let number = number.filter(|n| self.database == 0 || self.database == *n);
                self.database = number.ok_or_else(|| {
                    refusal(
                        "has an option db that is not its database",
                        "write one number: \"unix:///run/redis.sock?db=2\"",
                    )
                })?;
            }
            "user" | "username" => self.user = Some(value.to_owned()),
            "pass" | "password" => self.password = Some(value.to_owned()),
            // Of Redis' own, of which all servers have the one that is spoken here.
            "protocol" => {}
            _ => {
                let unverified = UNVERIFIED.contains(&name) && OFF.contains(&value);
                self.unknown.push((name.to_owned(), unverified));
            }
        }
        Ok(())
    }

    /// What is allowed and probably not meant.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let unknown = self.unknown.iter().map(|(name, unverified)| {
            let hint = match unverified {
                true => "to accept any certificate write verify=none".to_owned(),
                false => format!("known are {OPTIONS}"),
            };
            format!("has the option {name:?}, which is ignored: {hint}")
        });
        let anybody = self
            .tls
            .as_ref()
            .is_some_and(|tls| tls.trust == Trust::Anybody);
        let anybody = anybody.then(|| {
            "has verify=none: whoever answers at this address is taken for Redis and is given its password; pin=sha256:… or ca=FILE is as easy and safe"
                .to_owned()
        });
        unknown.chain(anybody).collect()
    }
}

/// `sha256:` and 64 hex digits, with or without colons.
fn pin(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .strip_prefix("sha256:")?
        .chars()
        .filter(|c| *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    match digits.len() {
        64 => bytes.try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|fault| panic!("{url}: {fault:?}"))
    }

    #[test]
    fn options_of_tls_are_read() {
        let trust = |url: &str| read(url).tls.unwrap().trust;
        assert_eq!(trust("rediss://a?ca=/c.pem"), Trust::File("/c.pem".into()));
        assert_eq!(trust("rediss://a?family=4&verify=none"), Trust::Anybody);
        let hex = "0f".repeat(32);
        let colons = ["0F"; 32].join(":");
        assert_eq!(
            trust(&format!("rediss://a?pin=sha256:{hex},sha256:{colons}")),
            Trust::Pins(vec![[15; 32]; 2])
        );
        assert_eq!(
            read("rediss://a?cert=c&key=k").tls.unwrap().identity,
            Some(("c".into(), "k".into()))
        );
    }

    #[test]
    fn what_is_not_used_or_dangerous_is_said() {
        assert_eq!(
            read("rediss://a?timeout=5&ssl_cert_reqs=none").warnings(),
            [
                r#"has the option "timeout", which is ignored: known are ca, cert, key, pin, verify, family, db, username and password"#,
                r#"has the option "ssl_cert_reqs", which is ignored: to accept any certificate write verify=none"#,
            ]
        );
        assert_eq!(
            read("rediss://a?verify=none").warnings(),
            [
                "has verify=none: whoever answers at this address is taken for Redis and is given its password; pin=sha256:… or ca=FILE is as easy and safe"
            ]
        );
        assert!(read("redis://a?family=0&protocol=2").warnings().is_empty());
    }
}
