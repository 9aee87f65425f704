//! Which jobs a command means, and how it is done to them: by their ids, or to all that
//! a filter matches, call by call.

use super::scan;
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Exit, Result, output};
use crate::queue::State;
use crate::units;
use crate::verbs::Refused;
use crate::verbs::jobs::{self, Act, Acted, All};
use crate::verbs::search::Target;

/// Some jobs of a queue.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Which {
    /// Ids of jobs.
    ids: Vec<String>,
    /// All jobs to which it can be done.
    #[arg(long)]
    all: bool,
    /// All jobs that match this query (docs/search.md): 'error:timeout since:2h'.
    #[arg(long, value_name = "QUERY")]
    filter: Option<String>,
}

/// How something is done to all jobs that are meant.
pub(super) struct Narrow<'a> {
    /// Only in these states.
    pub(super) states: &'a [State],
    /// Only with names like this.
    pub(super) name: Option<&'a str>,
    /// Only count them.
    pub(super) dry_run: bool,
    /// Asked before it is done.
    pub(super) confirm: Option<&'a Confirm>,
}

impl Which {
    /// Do it, and say to how many it was done and why it was not to others.
    pub(super) async fn run(
        &self,
        cli: &Cli,
        target: Target,
        act: &Act,
        narrow: Narrow<'_>,
    ) -> Result {
        let acted = match self.ids.is_empty() {
            false => jobs::act(&target.queue, &self.ids, act).await?,
            true => self.to_end(target, act, &narrow).await?,
        };
        say(cli, act, acted)
    }

    async fn to_end(&self, target: Target, act: &Act, narrow: &Narrow<'_>) -> Result<Acted> {
        let name = narrow.name.map(|name| format!("name:{name}"));
        let words = self.filter.clone().into_iter().chain(name);
        let all = All {
            filter: scan::filter(&words.collect::<Vec<_>>())?,
            states: narrow.states.to_vec(),
            limit: Some(jobs::MOST),
            ..All::default()
        };
        let count = All {
            dry_run: true,
            ..all.clone()
        };
        if narrow.dry_run {
            return calls(&target, act, count).await;
        }
        if let Some(confirm) = narrow.confirm.filter(|confirm| confirm.asks()) {
            let there = calls(&target, act, count).await?;
            let matched = there.all.map_or(0, |all| all.matched);
            let name = target.queue.name();
            let verb = match act {
                Act::Cancel { .. } => "cancels",
                _ => "removes",
            };
            let jobs = units::count(matched, "job");
            confirm.ask(name, &format!("{verb} {jobs} of queue {name:?}"))?;
        }
        calls(&target, act, all).await
    }
}

/// Call until all jobs have been looked at; what came of it in all.
async fn calls(target: &Target, act: &Act, mut what: All) -> Result<Acted> {
    let bar = output::bar(0);
    let mut sum: Option<Acted> = None;
    loop {
        let part = jobs::act_on_all(target.clone(), act, &what).await?;
        what.cursor = part.all.as_ref().and_then(|all| all.cursor.clone());
        let acted = match sum {
            None => part,
            Some(before) => before.and(part),
        };
        bar.set_position(acted.done.count());
        if what.cursor.is_none() {
            bar.finish_and_clear();
            return Ok(acted);
        }
        sum = Some(acted);
    }
}

fn say(cli: &Cli, act: &Act, acted: Acted) -> Result {
    let all = acted.all.clone();
    let all = all.as_ref();
    let dry = all.filter(|all| all.dry_run).map(|all| all.matched);
    let skipped = all.map_or(0, |all| all.skipped);
    let refused = acted.refused.clone();
    let done = acted.done;
    if cli.json && dry.is_some() {
        output::json(&acted);
    } else if cli.json {
        // How far the calls came concerns nobody now.
        output::json(&Acted { all: None, ..acted });
    } else if let Some(matched) = dry {
        output::line(format!(
            "{} would be {}",
            units::count(matched, "job"),
            act.done(0).word()
        ));
    } else {
        let jobs = units::count(done.count(), "job");
        output::line(format!("{} {jobs}", done.word()));
    }
    if all_refusals_are_stale(&refused, skipped) {
        return Ok(());
    }
    super::refused(refused.into_iter().map(Exit::from).collect())
}

/// Of all jobs that a filter matched, those that are gone or elsewhere by now are no
/// failure: somebody else was there first.
fn all_refusals_are_stale(refused: &[Refused], skipped: u64) -> bool {
    use crate::verbs::Kind;
    skipped > 0
        && refused.iter().all(|refused| {
            matches!(
                refused.kind,
                Kind::UnknownJob | Kind::WrongState | Kind::Ended
            )
        })
}
