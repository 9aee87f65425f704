//! Which letters are meant: by name, reason and age.

use std::time::Duration;

use crate::cli::{Exit, Result};
use crate::config::Pattern;
use crate::queue::{Letter, Queue};

#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only jobs whose name matches; * matches any characters.
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    /// Only letters whose reason contains this text; case is ignored.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only letters that failed at least this long ago: 2h, 30d.
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Only letters that failed within the last 2h, 30d, ….
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    newer_than: Option<Duration>,
}

/// Letters by id, or all that a filter lets through.
#[derive(Debug, clap::Args)]
pub(super) struct Pick {
    /// Ids of letters.
    #[arg(required_unless_present = "all", conflicts_with_all = ["all", "name", "reason", "older_than", "newer_than"])]
    ids: Vec<String>,
    /// All letters, or all that match the filters.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
}

impl Filter {
    pub(super) fn is_set(&self) -> bool {
        let ages = self.older_than.or(self.newer_than);
        self.name.is_some() || self.reason.is_some() || ages.is_some()
    }

    /// Whether it lets a letter through at `now`, ms since 1970.
    pub(super) fn test(&self, now: u64) -> impl Fn(&Letter) -> bool {
        let pattern = self.name.clone().map(Pattern);
        let reason = self.reason.as_ref().map(|text| text.to_lowercase());
        let before = |age: Duration| now.saturating_sub(age.as_millis() as u64);
        let (until, since) = (self.older_than.map(before), self.newer_than.map(before));
        move |letter| {
            let named = pattern.as_ref().is_none_or(|p| p.matches(&letter.name));
            let says = |text: &String| letter.failed_reason().to_lowercase().contains(text);
            let at = letter.failed_at();
            named
                && reason.as_ref().is_none_or(says)
                && until.is_none_or(|until| at <= until)
                && since.is_none_or(|since| at >= since)
        }
    }
}

impl Pick {
    /// Whether it is all that fits, which is asked about first.
    pub(super) fn is_all(&self) -> bool {
        self.all
    }

    /// The ids, and what is wrong with those that are not there.
    pub(super) async fn ids(&self, queue: &Queue) -> Result<(Vec<String>, Vec<Exit>)> {
        let mut ids = Vec::new();
        let mut refusals = Vec::new();
        if self.all {
            let fits = self.filter.test(queue.now().await?);
            queue
                .each_letter(|letter| {
                    if fits(&letter) {
                        ids.push(letter.id);
                    }
                    true
                })
                .await?;
            return Ok((ids, refusals));
        }
        for id in &self.ids {
            match queue.letter(id).await? {
                Some(_) => ids.push(id.clone()),
                None => refusals.push(super::missing(queue, id)),
            }
        }
        Ok((ids, refusals))
    }
}
