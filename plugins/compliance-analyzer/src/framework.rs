//! The frameworks, and how grave a finding is.

use std::fmt;

use runner_sdk::{Result, reject};
use serde::Serialize;

/// A set of rules that a document is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Framework {
    /// General Data Protection Regulation, (EU) 2016/679.
    Gdpr,
    /// Sarbanes-Oxley Act of 2002.
    Sox,
    /// Payment Card Industry Data Security Standard 4.0.
    Pci,
    /// Health Insurance Portability and Accountability Act, 45 CFR 160 to 164.
    Hipaa,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// To tidy up.
    Low,
    /// To look at.
    Medium,
    /// To act on.
    High,
    /// To act on at once.
    Critical,
}

impl Framework {
    /// The frameworks by their names, in the order given, each once.
    ///
    /// # Errors
    /// Rejects a name that is not known, and an empty list.
    pub(crate) fn parse_all(names: &[String]) -> Result<Vec<Framework>> {
        let mut frameworks = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let framework = match name.trim().to_ascii_uppercase().as_str() {
                "GDPR" => Framework::Gdpr,
                "SOX" => Framework::Sox,
                "PCI" | "PCI-DSS" | "PCI DSS" => Framework::Pci,
                "HIPAA" => Framework::Hipaa,
                _ => {
                    return Err(reject(format!(
                        "data.complianceFrameworks[{index}]: the framework \"{name}\" is not \
                         known; use GDPR, SOX, PCI (or PCI-DSS) or HIPAA"
                    )));
                }
            };
            if !frameworks.contains(&framework) {
                frameworks.push(framework);
            }
        }
        if frameworks.is_empty() {
            return Err(reject(
                "data.complianceFrameworks: the list is empty; name GDPR, SOX, PCI (or PCI-DSS) \
                 or HIPAA",
            ));
        }
        Ok(frameworks)
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Framework::Gdpr => "GDPR",
            Framework::Sox => "SOX",
            Framework::Pci => "PCI",
            Framework::Hipaa => "HIPAA",
        })
    }
}

impl Severity {
    /// What a rule that was met costs of a score of 100: two high ones or a
    /// critical one leave less than two thirds, low ones alone rarely do.
    pub(crate) fn cost(self) -> u32 {
        match self {
            Severity::Info => 0,
            Severity::Low => 3,
            Severity::Medium => 10,
            Severity::High => 20,
            Severity::Critical => 40,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        })
    }
}
