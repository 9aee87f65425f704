//! Statements that matter to financial reporting (Sarbanes-Oxley Act, sections
//! 302, 404, 802 and 906).

use crate::check;
use crate::framework::Framework::Sox;
use crate::framework::Severity::{High, Info, Medium};
use crate::redact;
use crate::rule::{Find, Rule, Subject};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "material-weakness",
        frameworks: &[Sox],
        severity: High,
        title: "Material weakness in internal control",
        advice: "Disclose the material weakness with its remediation; management cannot call the control effective (SOX 404, 17 CFR 229.308).",
        subject: Subject::Company,
        find: Find::Text(r"\b(material\s+weakness(?:es)?)\b", check::affirmed),
        show: redact::nothing,
    },
    Rule {
        id: "significant-deficiency",
        frameworks: &[Sox],
        severity: Medium,
        title: "Significant deficiency in internal control",
        advice: "Report significant deficiencies to the auditors and the audit committee (SOX 302(a)(5)).",
        subject: Subject::Company,
        find: Find::Text(r"\b(significant\s+deficienc(?:y|ies))\b", check::affirmed),
        show: redact::nothing,
    },
    Rule {
        id: "ineffective-control",
        frameworks: &[Sox],
        severity: High,
        title: "Internal control called ineffective",
        advice: "Explain what failed and the remediation, and have the certification reviewed (SOX 302, 404).",
        subject: Subject::Company,
        find: Find::Text(
            r"\b((?:internal|disclosure)\s+controls?(?:\s+and\s+procedures|\s+over\s+financial\s+reporting)?\s+(?:was|were|is|are)\s+(?:not\s+effective|ineffective))\b",
            check::standalone,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "restatement",
        frameworks: &[Sox],
        severity: High,
        title: "Restatement of financial statements",
        advice: "Check the disclosure (Form 8-K, item 4.02) and whether pay must be returned (SOX 304).",
        subject: Subject::Company,
        find: Find::Text(
            r"\b(restate(?:d|ment|ments)?\s+(?:of\s+)?(?:(?:our|the|its|previously|issued|consolidated|audited|prior|period|year)\s+)*(?:financial\s+statements|financial\s+results|earnings))\b|\b((?:financial\s+statements|earnings)\s+(?:(?:must|should|will|to|have|need)\s+)+be(?:en)?\s+restated)\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "destroyed-records",
        frameworks: &[Sox],
        severity: High,
        title: "Destroying of audit or accounting records",
        advice: "Stop the destruction and keep audit records for seven years (SOX 802, 17 CFR 210.2-06).",
        subject: Subject::Company,
        find: Find::Text(
            r"\b((?:shred|destroy|delet|alter|falsif|get rid of|back-?dat)(?:e|ed|ing|y|ied|ded|ding)?\s+(?:(?:all|any|the|these|those|every|our)\s+)*(?:evidence|audit\s+(?:papers|records|documents|evidence|trails?|logs?)|work\s?papers|accounting\s+records|financial\s+records|invoices|ledgers?))\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "irregular-accounting",
        frameworks: &[Sox],
        severity: High,
        title: "Words of irregular accounting",
        advice: "Bring the passage to the audit committee; protect who raised it (SOX 301, 806).",
        subject: Subject::Company,
        find: Find::Text(
            r"\b(channel\s+stuffing|cookie[- ]jar\s+reserves?|off[- ]the[- ]books?|round[- ]trip(?:ping)?\s+(?:trades?|transactions?|sales?)|undisclosed\s+side\s+(?:letters?|agreements?)|fictitious\s+(?:revenues?|sales|invoices?)|book\s+cooking|cook(?:ed|ing)?\s+the\s+books)\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "control-override",
        frameworks: &[Sox],
        severity: Medium,
        title: "Override of internal controls",
        advice: "Find out who bypassed which control, and record the compensating one (SOX 404).",
        subject: Subject::Company,
        find: Find::Text(
            r"\b(management\s+override|(?:overrid(?:e|es|den|ing)|overrode|bypass(?:ed|ing)?|circumvent(?:ed|ing)?)\s+(?:(?:of|the|our|these|all)\s+)*(?:internal\s+|approval\s+|financial\s+)controls?)\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "financial-figure",
        frameworks: &[Sox],
        severity: Info,
        title: "Financial result of a company",
        advice: "Check that the figure agrees with the books and with what was published.",
        subject: Subject::Company,
        find: Find::Text(
            r"\b(?:revenues?|net sales|net (?:income|loss|profit)|operating (?:income|profit|loss)|ebitda|earnings)\b[^\n.;0-9]*((?:[$]|usd |eur |gbp |€ ?|£ ?)\d+(?:[.,]\d+)*(?:\s?(?:thousand|million|billion|bn|m|k))?)\b",
            check::standalone,
        ),
        show: redact::all,
    },
];
