//! How a command ends: its exit code and what it says.

use super::terminal::output;
use crate::app;
use crate::config::Problems;
use crate::plugin::EngineError;
use crate::verbs::{self, Class, Kind};

/// Why a command did not do its work.
#[derive(Debug)]
pub(super) struct Exit {
    pub(super) code: u8,
    pub(super) message: String,
    /// The message is a rendered report, with its own colours.
    pub(super) report: bool,
}

pub(super) type Result<T = ()> = std::result::Result<T, Exit>;

impl Exit {
    pub(super) fn failed(message: impl ToString) -> Exit {
        Exit {
            code: 1,
            message: message.to_string(),
            report: false,
        }
    }

    pub(super) fn usage(message: impl ToString) -> Exit {
        Exit {
            code: 2,
            message: message.to_string(),
            report: false,
        }
    }

    /// The mistakes of a configuration.
    pub(super) fn config(problems: &Problems) -> Exit {
        Exit {
            report: true,
            ..Exit::usage(problems.render(output::colour()))
        }
    }

    pub(super) fn not_found(message: impl ToString) -> Exit {
        Exit {
            code: 3,
            message: message.to_string(),
            report: false,
        }
    }

    /// A server wants other credentials.
    pub(super) fn denied(message: impl ToString) -> Exit {
        Exit {
            code: 4,
            message: message.to_string(),
            report: false,
        }
    }

    pub(super) fn unreachable(message: impl ToString) -> Exit {
        Exit {
            code: 5,
            message: message.to_string(),
            report: false,
        }
    }

    fn of(kind: Kind, detail: String) -> Exit {
        match kind.class() {
            Class::Unknown => Exit::not_found(detail),
            Class::Wrong | Class::Unfit => Exit::usage(detail),
            Class::Conflict => Exit::failed(detail),
        }
    }

    pub(super) fn timeout(message: impl ToString) -> Exit {
        Exit {
            code: 124,
            message: message.to_string(),
            report: false,
        }
    }
}

impl From<app::Error> for Exit {
    fn from(error: app::Error) -> Exit {
        match error {
            app::Error::Config(problems) => Exit::config(&problems),
            app::Error::Engine(error) => error.into(),
            other => Exit::failed(other),
        }
    }
}

impl From<EngineError> for Exit {
    fn from(error: EngineError) -> Exit {
        match error {
            EngineError::Forbidden => Exit::usage(error),
            EngineError::System(_) => Exit::failed(error),
        }
    }
}

impl From<crate::queue::Error> for Exit {
    fn from(error: crate::queue::Error) -> Exit {
        use crate::queue::Error;
        match error {
            Error::Url(_) | Error::Invalid(_) => Exit::usage(error),
            Error::Unreachable { .. } => Exit::unreachable(format!(
                "{error}; start it, or name another with --redis or [redis] url"
            )),
            Error::Unready { .. } => Exit::unreachable(error),
            other => Exit::failed(other),
        }
    }
}

impl From<verbs::Error> for Exit {
    fn from(error: verbs::Error) -> Exit {
        let refusal = match error {
            verbs::Error::Redis(error) => return error.into(),
            verbs::Error::Refused(refusal) => refusal,
        };
        Exit::of(refusal.kind, refusal.detail)
    }
}

impl From<verbs::Refused> for Exit {
    fn from(refused: verbs::Refused) -> Exit {
        Exit::of(refused.kind, refused.detail)
    }
}

impl From<crate::verbs::add::Fault> for Exit {
    fn from(fault: crate::verbs::add::Fault) -> Exit {
        use crate::verbs::add::Kind;
        match fault.kind {
            Kind::NotJson | Kind::InvalidJob | Kind::KeyReused => Exit::usage(fault.detail),
            Kind::RedisUnavailable => Exit::unreachable(fault.detail),
            Kind::RedisRefused => Exit::failed(fault.detail),
        }
    }
}
