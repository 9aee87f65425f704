//! An explanation as text.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use super::{Attempt, Explanation, Grants, Setting, Waits};
use crate::{SCRATCH, Stdout};
use runner_text::units;

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.consumed {
            true => writeln!(f, "queue {}", self.queue)?,
            false => writeln!(
                f,
                "queue {}: jobs are added, no plugin handles them here",
                self.queue
            )?,
        }
        write_settings(f, &self.settings)?;
        for names in &self.jobs {
            writeln!(f, "\njobs named {}", names.pattern)?;
            write_settings(f, &names.settings)?;
        }
        writeln!(f, "\njobs added through Runner")?;
        write_settings(f, &self.defaults)?;

        writeln!(f, "\nretries: {}", self.retries.note)?;
        for row in &self.retries.timetable {
            writeln!(f, "  attempt {} {}", row.attempt, row.when())?;
        }
        let shown = self.retries.timetable.len();
        if shown < self.retries.attempts as usize {
            writeln!(f, "  … up to attempt {}", self.retries.attempts)?;
        }
        if !self.backoffs.is_empty() {
            writeln!(f, "\nbackoffs that producers' jobs name")?;
        }
        for Waits { backoff, wait_ms } in &self.backoffs {
            let waits: Vec<String> = wait_ms.iter().map(|wait| span(*wait)).collect();
            writeln!(f, "  {backoff}  after {}, …", waits.join(", "))?;
        }
        for schedule in &self.schedules {
            writeln!(f, "\nschedule {}", schedule.id)?;
            write_settings(f, &schedule.settings)?;
        }
        for grants in &self.plugins {
            write!(f, "\n{grants}")?;
        }
        Ok(())
    }
}

fn write_settings(f: &mut Formatter<'_>, settings: &[Setting]) -> fmt::Result {
    let widest = |text: fn(&Setting) -> &str| {
        let lengths = settings.iter().map(|setting| text(setting).chars().count());
        lengths.max().unwrap_or(0)
    };
    let (keys, values) = (widest(|s| &s.key), widest(|s| &s.value));
    for Setting { key, value, origin } in settings {
        writeln!(f, "  {key:keys$}  {value:values$}  {origin}")?;
    }
    Ok(())
}

impl Attempt {
    fn when(&self) -> String {
        match self.wait_ms {
            (_, 0) => "at once".to_owned(),
            wait => format!("after {}", span(wait)),
        }
    }
}

/// A wait: least and most, in milliseconds.
fn span((least, most): (u64, u64)) -> String {
    let [least, most] = [least, most].map(|millis| units::duration(Duration::from_millis(millis)));
    match least == most {
        true => most,
        false => format!("{least} to {most}"),
    }
}

impl Display for Grants {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let list = |items: &[String]| match items {
            [] => "none".to_owned(),
            items => items.join(", "),
        };
        writeln!(f, "plugin {} ({})", self.plugin, self.file)?;
        writeln!(f, "  http     {}", list(&self.http))?;
        if !self.http_networks.is_empty() {
            writeln!(f, "  networks {}", list(&self.http_networks))?;
        }
        writeln!(f, "  config   {}", list(&self.config))?;
        writeln!(f, "  secrets  {}", list(&self.secrets))?;
        if !self.withheld.is_empty() {
            writeln!(f, "  not set  {}", list(&self.withheld))?;
        }
        let dirs: Vec<String> = self
            .dirs
            .iter()
            .map(|(guest, host)| format!("{guest} = {host}"))
            .collect();
        writeln!(f, "  dirs     {}", list(&dirs))?;
        // What only some plugins have.
        for (name, database) in &self.sql {
            writeln!(f, "  sql      {name} = {database}")?;
        }
        for (name, store) in &self.blobs {
            writeln!(f, "  blobs    {name} = {store}")?;
        }
        if let Some(kv) = &self.kv {
            writeln!(f, "  kv       {kv}")?;
        }
        if !self.args.is_empty() {
            let args: Vec<String> = self.args.iter().map(|of| format!("{of:?}")).collect();
            writeln!(f, "  args     {}", args.join(" "))?;
        }
        if let Some(name) = &self.argv0 {
            writeln!(f, "  argv0    {name}")?;
        }
        if let Some(text) = &self.stdin {
            writeln!(f, "  stdin    {text}")?;
        }
        if self.stdout != Stdout::default().name() {
            writeln!(f, "  stdout   {}", self.stdout)?;
        }
        if !self.env.is_empty() {
            writeln!(f, "  env      {}", self.env.join(", "))?;
        }
        match &self.scratch {
            Some(size) => writeln!(f, "  scratch  {size} at {SCRATCH}"),
            None => Ok(()),
        }
    }
}
