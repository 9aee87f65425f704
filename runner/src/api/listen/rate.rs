//! How many requests one caller may send.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use http::StatusCode;

use super::Peer;
use crate::api::problem::Problem;
use crate::config::Limiter;

/// Callers remembered at a time, some 100 bytes each. Beyond that, those are forgotten
/// who have been quiet the longest.
const CALLERS: usize = 100_000;

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::api) enum Who {
    /// Somebody who has said who it is.
    Named(String),
    /// Anybody at this address; of IPv6, in this network of 64 bits, which is what one
    /// customer has.
    At(IpAddr),
    /// Any process of this machine.
    Local,
}

impl Who {
    /// Somebody without a name.
    pub(in crate::api) fn at(peer: Peer) -> Who {
        match peer {
            Peer::Unix => Who::Local,
            Peer::Tcp(address) => match address.ip().to_canonical() {
                IpAddr::V4(ip) => Who::At(ip.into()),
                IpAddr::V6(ip) => {
                    let network = ip.to_bits() >> 64 << 64;
                    Who::At(std::net::Ipv6Addr::from_bits(network).into())
                }
            },
        }
    }
}

/// The rates of all callers: for each, when it will have used up nothing (the generic
/// cell rate algorithm of ATM, ITU-T I.371).
#[derive(Debug, Default)]
pub(in crate::api) struct Rates(Mutex<HashMap<Who, Instant>>);

impl Rates {
    /// Count a request, or say when the next may come.
    pub(in crate::api) fn count(&self, who: Who, limit: Limiter) -> Result<(), Problem> {
        self.wait(who, limit).map_err(|wait| {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let detail = format!(
                "more than {} requests in {} (`rate` of [server]); the next may come in {seconds} s",
                limit.max,
                crate::units::duration(limit.duration),
            );
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail).after(seconds)
        })
    }
}

impl Rates {
    /// Count something that somebody does, or say how long the next must wait.
    pub(in crate::api) fn wait(&self, who: Who, limit: Limiter) -> Result<(), Duration> {
        let mut callers = self.0.lock().expect("no panic while it is held");
        count(&mut callers, who, limit, Instant::now())
    }
}

fn count(
    callers: &mut HashMap<Who, Instant>,
    who: Who,
    limit: Limiter,
    now: Instant,
) -> Result<(), Duration> {
    let each = limit.duration / limit.max.max(1);
    if callers.len() >= CALLERS && !callers.contains_key(&who) {
        callers.retain(|_, free| *free > now);
        if callers.len() >= CALLERS {
            // Whoever makes up so many addresses gets no more out of each.
            callers.clear();
        }
    }
    let free = callers.entry(who).or_insert(now);
    let next = (*free).max(now) + each;
    let over = next.duration_since(now).checked_sub(limit.duration);
    match over {
        Some(over) if over > Duration::ZERO => Err(over),
        _ => {
            *free = next;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limiter = Limiter {
        max: 10,
        duration: Duration::from_secs(1),
    };

    #[test]
    fn as_many_as_allowed_may_come_at_once_and_more_only_evenly() {
        let mut callers = HashMap::new();
        let start = Instant::now();
        let mut send = |ms| {
            let who = Who::Named("ci".into());
            count(&mut callers, who, LIMIT, start + Duration::from_millis(ms))
        };
        for _ in 0..10 {
            assert_eq!(send(0), Ok(()));
        }
        assert_eq!(send(0), Err(Duration::from_millis(100)));
        assert_eq!(send(50), Err(Duration::from_millis(50)));
        assert_eq!(send(100), Ok(()));
        assert_eq!(send(100), Err(Duration::from_millis(100)));
        for _ in 0..10 {
            assert_eq!(send(5000), Ok(()));
        }
    }

    #[test]
    fn addresses_of_one_network_are_one_caller() {
        let at = |text: &str| Who::at(Peer::Tcp(text.parse().unwrap()));
        assert_eq!(at("[2001:db8::1]:1"), at("[2001:db8::ffff]:2"));
        assert_ne!(at("[2001:db8::1]:1"), at("[2001:db8:0:1::1]:1"));
        assert_eq!(at("[::ffff:192.0.2.1]:1"), at("192.0.2.1:2"));
        assert_ne!(at("192.0.2.1:1"), at("192.0.2.2:1"));
    }

    #[test]
    fn callers_without_end_are_forgotten() {
        let mut callers = HashMap::new();
        let now = Instant::now();
        for n in 0..2 * CALLERS {
            let _ = count(&mut callers, Who::Named(n.to_string()), LIMIT, now);
        }
        assert!(callers.len() <= CALLERS);
    }
}
