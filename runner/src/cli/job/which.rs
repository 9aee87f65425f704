//! Which jobs a command means, and how it is done to them: by their ids, or to all that
//! a filter matches, call by call.

use super::scan;
use crate::cli::remote::{Place, routes};
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Exit, Result, output};
use crate::queue::State;
use crate::units;
use crate::verbs::Refused;
use crate::verbs::jobs::{self, Act, Acted, All, Many};
use crate::verbs::search::Target;

/// Ids in one call to a server.
const IDS: usize = 1000;
/// Jobs in one call that waits until they have stopped: 5 s for each eight at most, and
/// answers are waited for a minute.
const WAITED: usize = 64;

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
        of: (&Place, &str),
        act: &Act,
        narrow: Narrow<'_>,
    ) -> Result {
        let acted = match self.ids.is_empty() {
            false => named(of, act, &self.ids).await?,
            true => self.to_end(of, act, &narrow).await?,
        };
        say(cli, act, acted)
    }

    async fn to_end(&self, of: (&Place, &str), act: &Act, narrow: &Narrow<'_>) -> Result<Acted> {
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
            return calls(of, act, count).await;
        }
        if let Some(confirm) = narrow.confirm.filter(|confirm| confirm.asks()) {
            let there = calls(of, act, count).await?;
            let matched = there.all.map_or(0, |all| all.matched);
            let name = of.1;
            let verb = match act {
                Act::Cancel { .. } => "cancels",
                _ => "removes",
            };
            let jobs = units::count(matched, "job");
            confirm.ask(name, &format!("{verb} {jobs} of queue {name:?}"))?;
        }
        calls(of, act, all).await
    }
}

/// Do it to the jobs of these ids.
async fn named((place, queue): (&Place, &str), act: &Act, ids: &[String]) -> Result<Acted> {
    let most = match (place, act) {
        (Place::Here(_), _) => ids.len(),
        (Place::There(_), Act::Cancel { .. }) => WAITED,
        (Place::There(_), _) => IDS,
    };
    let mut sum: Option<Acted> = None;
    for ids in ids.chunks(most) {
        let verb = async |of: &Target| jobs::act(&of.queue, ids, act).await;
        let route = routes::act(queue, &Many::named(act, ids));
        let part: Acted = super::ask(place, queue, route, verb).await?;
        sum = Some(match sum {
            None => part,
            Some(before) => before.and(part),
        });
    }
    Ok(sum.expect("there are ids"))
}

/// Call until all jobs have been looked at; what came of it in all.
async fn calls((place, queue): (&Place, &str), act: &Act, mut what: All) -> Result<Acted> {
    if let (Place::There(_), Act::Cancel { .. }, false) = (place, act, what.dry_run) {
        what.limit = Some(WAITED as u64);
    }
    let bar = output::bar(0);
    let mut sum: Option<Acted> = None;
    loop {
        let verb = async |of: &Target| jobs::act_on_all(of.clone(), act, &what).await;
        let route = routes::act(queue, &Many::all(act, &what));
        let part: Acted = super::ask(place, queue, route, verb).await?;
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
