//! The two kinds of files that can become plugins.

use crate::contract::Opened;
use crate::plugin::compile::{Form, Unmade};
use crate::plugin::component::{Shape, module};
use crate::plugin::refusal::Refusal;

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plugin) enum Kind {
    Component,
    /// A core module, to become a component if it is a command.
    Module,
}

impl Kind {
    /// Of these bytes.
    pub(in crate::plugin) fn of(bytes: &[u8]) -> Result<Kind, Refusal> {
        // Magic, then the version and layer: 1/0 is a core module, 0xd/1 a component.
        match bytes {
            [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(Kind::Component),
            [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Ok(Kind::Module),
            _ => Err(Refusal::NotWasm),
        }
    }

    /// What valid bytes ask for and offer.
    ///
    /// # Errors
    /// What a module lacks to be a command.
    pub(in crate::plugin) fn shape(self, bytes: &[u8]) -> Result<Shape, Refusal> {
        match self {
            Kind::Component => {
                Shape::read(bytes).map_err(|error| Refusal::Invalid(error.to_string()))
            }
            Kind::Module => module::command(bytes).map_err(|fault| match fault {
                module::Fault::Foreign(foreign) => foreign.into(),
                module::Fault::Invalid(error) => Refusal::InvalidModule(error.to_string()),
            }),
        }
    }

    /// What is not valid, by its own name.
    pub(in crate::plugin) fn named(self, unmade: Unmade) -> Unmade {
        match (self, unmade) {
            (Kind::Module, Unmade::Refused(Refusal::Invalid(reason))) => {
                Refusal::InvalidModule(reason).into()
            }
            (_, unmade) => unmade,
        }
    }

    /// The contracts of valid bytes.
    pub(in crate::plugin) fn opened(self, bytes: &[u8]) -> Opened {
        match self {
            Kind::Component => Opened::read(bytes),
            Kind::Module => Opened::default(),
        }
    }

    /// What they are compiled as.
    pub(in crate::plugin) fn form(self, opened: &Opened) -> Form {
        match self {
            Kind::Module => Form::Adapted,
            Kind::Component if opened.is_typed() => Form::WithDoor,
            Kind::Component => Form::AsItIs,
        }
    }

    /// What they may be compiled as, without looking.
    pub(in crate::plugin) fn forms(self) -> &'static [Form] {
        match self {
            Kind::Component => &[Form::WithDoor, Form::AsItIs],
            Kind::Module => &[Form::Adapted],
        }
    }
}
