//! Where a trace goes on: the ids of W3C Trace Context, as BullMQ's producers store
//! them with a job, as requests carry them, and as this process passes them on. It
//! knows no exporter.

use std::fmt;

use serde::Deserialize;

/// A span of some process, as `traceparent` names it (W3C Trace Context, section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The trace; never 0.
    pub trace: u128,
    /// The span in it; never 0.
    pub span: u64,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

impl Context {
    /// What a producer stored as `opts.tm`: the JSON carrier of `bullmq-otel`, with a
    /// `traceparent`, or a text of its own, as Sentry's tracing stores it. None if it
    /// says nothing that is understood.
    pub fn stored(metadata: &str) -> Option<Context> {
        #[derive(Deserialize)]
        struct Carrier<'a> {
            #[serde(borrow)]
            traceparent: Option<&'a str>,
            #[serde(borrow, rename = "sentry-trace")]
            sentry: Option<&'a str>,
        }
        let text = metadata.trim();
        if !text.starts_with('{') {
            return Context::parse(text.trim_matches('"'));
        }
        let carrier: Carrier<'_> = serde_json::from_str(text).ok()?;
        carrier
            .traceparent
            .or(carrier.sentry)
            .and_then(Context::parse)
    }

    /// `00-<trace>-<span>-<flags>`, or Sentry's `<trace>-<span>[-<sampled>]`, in which
    /// a missing flag leaves the decision to others.
    pub fn parse(text: &str) -> Option<Context> {
        let parts: Vec<&str> = text.split('-').collect();
        let (trace, span, sampled) = match parts.as_slice() {
            // Later versions only add parts.
            [version, trace, span, flags, rest @ ..]
                if version.len() == 2 && (*version != "00" || rest.is_empty()) =>
            {
                let version = hex(version, 2)?;
                let flags = hex(flags, 2)?;
                (version != 0xff).then_some(())?;
                (trace, span, flags & 1 == 1)
            }
            [trace, span] => (trace, span, true),
            [trace, span, sampled] => (trace, span, *sampled != "0"),
            _ => return None,
        };
        let (trace, span) = (hex(trace, 32)?, hex(span, 16)?);
        (trace != 0 && span != 0).then_some(Context {
            trace,
            span: span as u64,
            sampled,
        })
    }

    /// Another span of the same trace.
    pub fn with_span(self, span: u64) -> Context {
        Context { span, ..self }
    }

    /// As a producer stores it: the carrier of `bullmq-otel`.
    pub fn carrier(self) -> String {
        format!("{{\"traceparent\":\"{self}\"}}")
    }
}

/// `traceparent`
impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context {
            trace,
            span,
            sampled,
        } = self;
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", u8::from(*sampled))
    }
}

/// So many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let fits = text.len() == digits && text.bytes().all(is_digit);
    fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_producers_store_is_understood() {
        let known = Context::parse(PARENT);
        assert_eq!(known.unwrap().to_string(), PARENT);
        for stored in [
            format!("{{\"traceparent\":\"{PARENT}\",\"tracestate\":\"vendor=1\"}}"),
            known.unwrap().carrier(),
            PARENT.to_owned(),
            "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1".to_owned(),
            "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7".to_owned(),
            "{\"sentry-trace\":\"4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1\"}".to_owned(),
        ] {
            assert_eq!(Context::stored(&stored), known, "{stored}");
        }
        let unsampled = Context::parse(&PARENT.replace("-01", "-00"));
        assert!(!unsampled.unwrap().sampled);
    }

    #[test]
    fn what_is_no_context_is_none() {
        for text in [
            "",
            "{}",
            "{\"traceparent\":1}",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf9-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Context::stored(text), None, "{text}");
        }
    }
}
