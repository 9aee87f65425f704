//! What was found, weighed: the result of the job.

use serde::Serialize;

use crate::framework::{Framework, Severity};
use crate::request::Request;
use crate::rule::{Rule, Subject};
use crate::rules::ABSENCES;
use crate::scan::Found;

/// The result of the job. See the head of the crate for its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Of the payload.
    pub document_id: String,
    /// What was read.
    pub document: Document,
    /// The worst of the frameworks' verdicts.
    pub verdict: Verdict,
    /// The gravest severity that was found.
    pub severity: Option<Severity>,
    /// One per framework, in the order of the payload.
    pub frameworks: Vec<Assessment>,
    /// The places, by severity, then in the order of the document.
    pub findings: Vec<Finding>,
    /// How often each rule was met, also where no more places are shown.
    pub totals: Vec<Total>,
    /// What to do, the most urgent first.
    pub recommendations: Vec<Recommendation>,
    /// The words of the model, if one was asked and answered.
    pub summary: Option<String>,
    /// What was left out, and why.
    pub warnings: Vec<String>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Of the payload.
    pub path: String,
    /// What the content is, whatever was declared.
    pub mime_type: &'static str,
    /// Size of the file.
    pub bytes: usize,
    /// 1 for what is not a PDF.
    pub pages: usize,
    /// Of the text.
    pub characters: usize,
}

/// Whether a document may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// At most remarks (info).
    Pass,
    /// Somebody should look (low, medium).
    Review,
    /// It should not go out as it is (high, critical).
    Fail,
}

/// How the document stands with one framework.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// Which.
    pub framework: Framework,
    /// 100 less the cost of each rule that was met (critical 40, high 20, medium
    /// 10, low 3), at least 0.
    pub score: u32,
    /// By the gravest rule that was met.
    pub verdict: Verdict,
    /// How many rules were met.
    pub rules: usize,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Id of the rule.
    pub rule: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// Of those asked for.
    pub frameworks: Vec<Framework>,
    /// From 1; absent, with line and column, when something is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<usize>,
    /// From 1, of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// From 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What stands there, with what is private covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

/// All places of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Total {
    /// Id of the rule.
    pub rule: &'static str,
    /// What the rule is about.
    pub title: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// Of those asked for.
    pub frameworks: Vec<Framework>,
    /// All of them.
    pub count: u64,
    /// Those among the findings.
    pub shown: usize,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recommendation {
    /// Of the gravest rule.
    pub severity: Severity,
    /// The rules that ask for it.
    pub rules: Vec<&'static str>,
    /// In English, with the paragraph.
    pub text: &'static str,
}

/// A rule or an absence that was met.
struct Met<'a> {
    total: Total,
    advice: &'static str,
    found: &'a Found,
}

impl Report {
    /// Weigh what the rules found.
    pub(crate) fn new(
        request: &Request,
        document: Document,
        rules: &[&'static Rule],
        found: &[Found],
    ) -> Self {
        let met = meet(&request.frameworks, rules, found);
        let frameworks: Vec<_> = request
            .frameworks
            .iter()
            .map(|&framework| assess(framework, &met))
            .collect();
        Report {
            document_id: request.document_id.clone(),
            document,
            verdict: frameworks
                .iter()
                .map(|one| one.verdict)
                .max()
                .unwrap_or(Verdict::Pass),
            severity: met.iter().map(|met| met.total.severity).max(),
            frameworks,
            findings: findings(&met),
            recommendations: recommend(&met),
            totals: met.into_iter().map(|met| met.total).collect(),
            summary: None,
            warnings: Vec::new(),
        }
    }
}

/// What was met, the gravest first.
fn meet<'a>(frameworks: &[Framework], rules: &[&'static Rule], found: &'a [Found]) -> Vec<Met<'a>> {
    static NOWHERE: Found = Found {
        count: 1,
        places: Vec::new(),
    };
    let asked = |of: &[Framework]| -> Vec<_> {
        frameworks
            .iter()
            .copied()
            .filter(|framework| of.contains(framework))
            .collect()
    };
    let present = |wanted: &dyn Fn(&Rule) -> bool| {
        rules
            .iter()
            .zip(found)
            .any(|(rule, found)| found.count > 0 && wanted(rule))
    };
    let mut met: Vec<_> = rules
        .iter()
        .zip(found)
        .filter(|(rule, found)| rule.subject != Subject::Statement && found.count > 0)
        .map(|(rule, found)| Met {
            total: Total {
                rule: rule.id,
                title: rule.title,
                severity: rule.severity,
                frameworks: asked(rule.frameworks),
                count: found.count,
                shown: found.places.len(),
            },
            advice: rule.advice,
            found,
        })
        .collect();
    let missing = ABSENCES.iter().filter(|absence| {
        present(&|rule| absence.given.contains(&rule.subject))
            && !present(&|rule| rule.id == absence.statement)
    });
    met.extend(missing.map(|absence| Met {
        total: Total {
            rule: absence.id,
            title: absence.title,
            severity: absence.severity,
            frameworks: asked(absence.frameworks),
            count: 1,
            shown: 1,
        },
        advice: absence.advice,
        found: &NOWHERE,
    }));
    met.retain(|met| !met.total.frameworks.is_empty());
    met.sort_by_key(|met| std::cmp::Reverse(met.total.severity));
    met
}

fn assess(framework: Framework, met: &[Met]) -> Assessment {
    let met: Vec<_> = met
        .iter()
        .map(|met| &met.total)
        .filter(|total| total.frameworks.contains(&framework))
        .collect();
    let cost: u32 = met.iter().map(|total| total.severity.cost()).sum();
    let verdict = match met.iter().map(|total| total.severity).max() {
        None | Some(Severity::Info) => Verdict::Pass,
        Some(Severity::Low | Severity::Medium) => Verdict::Review,
        Some(Severity::High | Severity::Critical) => Verdict::Fail,
    };
    Assessment {
        framework,
        score: 100_u32.saturating_sub(cost),
        verdict,
        rules: met.len(),
    }
}

fn findings(met: &[Met]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Met { total, found, .. } in met {
        let finding = Finding {
            rule: total.rule,
            severity: total.severity,
            frameworks: total.frameworks.clone(),
            page: None,
            line: None,
            column: None,
            excerpt: None,
        };
        if found.places.is_empty() {
            findings.push(finding.clone());
        }
        findings.extend(found.places.iter().map(|place| Finding {
            page: Some(place.page),
            line: Some(place.line),
            column: Some(place.column),
            excerpt: Some(place.excerpt.clone()),
            ..finding.clone()
        }));
    }
    findings.sort_by_key(|finding| {
        (
            std::cmp::Reverse(finding.severity),
            finding.page.is_none(),
            finding.page,
            finding.line,
            finding.column,
        )
    });
    findings
}

/// Rules with the same advice are one recommendation.
fn recommend(met: &[Met]) -> Vec<Recommendation> {
    let mut recommendations: Vec<Recommendation> = Vec::new();
    for Met { total, advice, .. } in met {
        match recommendations
            .iter_mut()
            .find(|known| known.text == *advice)
        {
            Some(known) => known.rules.push(total.rule),
            None => recommendations.push(Recommendation {
                severity: total.severity,
                rules: vec![total.rule],
                text: advice,
            }),
        }
    }
    recommendations
}
