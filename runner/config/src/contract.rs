//! The contract of a queue: which of its jobs are right, and what of them may be shown.

use std::sync::Arc;

use super::pattern::Pattern;
use runner_contract::{self as contract, Function, Interface, Rules, unversioned};

/// `contract` of a queue: the WIT interface whose functions are its types of
/// jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// The queue.
    pub queue: String,
    /// `fundify:otp/otp-queue`, with a version or without.
    pub id: String,
    /// The interface, if it is in a WIT file; otherwise it is the one that the
    /// plugin exports.
    pub declared: Option<Arc<Interface>>,
    /// `names`: jobs of a name or pattern, and the function they go to; the
    /// first that matches counts. A job of no pattern goes to the function of
    /// its own name.
    pub names: Vec<(Pattern, String)>,
    /// `strict`: whether fields that the contract does not have are refused.
    /// Defaults to false.
    pub strict: bool,
    /// `swap_check`: how many jobs in Redis are checked before another version of
    /// the contract comes into force.
    pub swap_check: SwapCheck,
    /// Jobs that have a table of their own in the queue's `jobs`, which may go to
    /// a handler.
    pub routed: Vec<Pattern>,
    /// How many bytes of memory a job of the queue has; its payload must fit into
    /// them.
    pub memory: usize,
}

/// Which jobs in Redis may hold a changed contract back, because they would no
/// longer fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SwapCheck {
    /// The first hundred jobs of each state.
    #[default]
    Sample,
    /// All jobs.
    All,
    /// No job.
    Off,
}

impl SwapCheck {
    /// As it is written: `sample`.
    pub fn name(self) -> &'static str {
        match self {
            SwapCheck::Sample => "sample",
            SwapCheck::All => "all",
            SwapCheck::Off => "off",
        }
    }

    /// How many jobs of each state are checked; `None` for no check.
    pub fn limit(self) -> Option<usize> {
        match self {
            SwapCheck::Sample => Some(100),
            SwapCheck::All => Some(usize::MAX),
            SwapCheck::Off => None,
        }
    }
}

impl Contract {
    /// The same for the interface that a plugin exports.
    pub fn of(&self, interface: &Arc<Interface>) -> Contract {
        Contract {
            declared: Some(interface.clone()),
            ..self.clone()
        }
    }

    /// The name of the function for jobs of this name.
    pub fn function<'a>(&'a self, job: &'a str) -> &'a str {
        let named = self.names.iter().find(|(pattern, _)| pattern.matches(job));
        named.map_or(job, |(_, function)| function)
    }

    /// Whether a job may be added. What only the plugin knows (a contract that it
    /// alone has, or a name for its handler) is checked when the job runs.
    ///
    /// # Errors
    /// No function takes the name, or the payload does not fit.
    pub fn check(&self, job: &str, data: &str) -> Result<(), String> {
        let Some(interface) = &self.declared else {
            return Ok(());
        };
        let Some(function) = interface.function(self.function(job)) else {
            if self.routed.iter().any(|pattern| pattern.matches(job)) {
                return Ok(());
            }
            return Err(contract::no_function(&self.id, Some(interface), job));
        };
        contract::read(function, data, self.rules(self.memory))
            .map(drop)
            .map_err(|fault| contract::violation(&self.id, function, &fault))
    }

    /// Where the payload of a job does not fit, as far as that stands in a WIT file.
    pub fn misfit(&self, job: &str, data: &str) -> Option<contract::Path> {
        let declared = self.declared.as_ref();
        let function = declared?.function(self.function(job))?;
        let read = contract::read(function, data, self.rules(self.memory));
        read.err().map(|fault| fault.path)
    }

    /// Whether this is the result of a job of this name, as far as that stands in a WIT
    /// file.
    ///
    /// # Errors
    /// It does not fit; the text says where.
    pub fn check_result(&self, job: &str, result: &str) -> Result<(), String> {
        let declared = self.declared.as_ref();
        let Some(function) = declared.and_then(|of| of.function(self.function(job))) else {
            return Ok(());
        };
        contract::check_result(function, result, self.rules(self.memory))
            .map_err(|fault| contract::unfit_result(&self.id, function, &fault))
    }

    /// Covers the sensitive values of a payload and a result, for people.
    pub fn cover(&self, job: &str, data: &mut String, mut result: Option<&mut String>) {
        for function in self.functions(job) {
            if let Some(ty) = &function.data {
                *data = contract::cover(ty, data).into_owned();
            }
            if let (Some(ty), Some(result)) = (function.value(), result.as_mut()) {
                **result = contract::cover(ty, result).into_owned();
            }
        }
    }

    /// The sensitive values of a payload.
    pub fn sensitive(&self, job: &str, data: &str) -> Vec<String> {
        let types = self.functions(job).iter();
        let types = types.filter_map(|function| function.data.as_ref());
        types.flat_map(|ty| contract::sensitive(ty, data)).collect()
    }

    /// The function for jobs of this name; all when there is none, because such a
    /// job may have been meant for any of them.
    fn functions(&self, job: &str) -> &[Function] {
        let Some(interface) = &self.declared else {
            return &[];
        };
        match interface.function(self.function(job)) {
            Some(function) => std::slice::from_ref(function),
            None => &interface.functions,
        }
    }

    /// How payloads are read, for a job with this much memory.
    pub fn rules(&self, memory: usize) -> Rules {
        Rules {
            strict: self.strict,
            memory,
        }
    }

    /// Whether this is the id of the interface it asks for.
    pub fn is(&self, id: &str) -> bool {
        self.id == id || self.id == unversioned(id)
    }
}
