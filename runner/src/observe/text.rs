//! The page in the text format that was there before OpenMetrics (0.0.4), which `promtool`
//! and older collectors read: counters are described by the name of their samples, units
//! and the end are not told.

/// The same page.
pub(super) fn older(openmetrics: &str) -> String {
    let mut out = String::with_capacity(openmetrics.len());
    let mut help: Option<(&str, &str)> = None;
    for line in openmetrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), text) => {
                help = Some((name, text.unwrap_or_default()));
            }
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                let suffix = match kind {
                    "counter" => "_total",
                    "info" => "_info",
                    _ => "",
                };
                let kind = match kind {
                    "info" | "stateset" => "gauge",
                    "unknown" => "untyped",
                    kind => kind,
                };
                if let Some((_, text)) = help.take().filter(|(of, _)| *of == name) {
                    out.extend(["# HELP ", name, suffix, " ", text, "\n"]);
                }
                out.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
            }
            (Some("#"), ..) => {}
            _ => out.extend([line, "\n"]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_described_by_the_name_of_their_samples() {
        let page = "# HELP jobs Jobs, all of them.\n# TYPE jobs counter\njobs_total{q=\"a # b\"} 7\n\
                    # HELP depth Depth.\n# TYPE depth gauge\n# UNIT depth jobs\ndepth 1\n# EOF\n";
        assert_eq!(
            older(page),
            "# HELP jobs_total Jobs, all of them.\n# TYPE jobs_total counter\n\
             jobs_total{q=\"a # b\"} 7\n# HELP depth Depth.\n# TYPE depth gauge\ndepth 1\n"
        );
    }
}
