//! What `runner outbox` shows: the record read, filtered, followed, cleared.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use super::{Entry, Error};
use runner_text::printable::inline;

/// How often the record is looked at while it is followed.
const POLL: Duration = Duration::from_millis(200);

/// Which entries are wanted. The default is all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// `--host`: the URL's host, without port.
    pub host: Option<String>,
    /// `--queue`
    pub queue: Option<String>,
    /// `--job`: the job's id.
    pub job: Option<String>,
    /// `--last N`: only the last N of those that match.
    pub last: Option<usize>,
}

impl Filter {
    fn wants(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == value)
        };
        is(&self.host, &entry.host) && is(&self.queue, &entry.queue) && is(&self.job, &entry.job)
    }

    fn apply(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        entries.retain(|entry| self.wants(entry));
        if let Some(last) = self.last {
            entries.drain(..entries.len().saturating_sub(last));
        }
        entries
    }
}

/// How entries are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One line each, for people.
    Table,
    /// Each with its header fields and content, for people.
    Whole,
    /// One JSON object a line, as recorded.
    Json,
}

/// The entries of a record, oldest first. A last line that is still being
/// written is left out.
pub fn read(path: &Path, filter: &Filter) -> Result<Vec<Entry>, Error> {
    Ok(filter.apply(Tail::open(path)?.entries(path)?))
}

/// Call `each` with the entries of [`read`] and then with every new one, until
/// it returns an error or the future is dropped. Waits for a record that does
/// not exist yet and begins anew when it is cleared.
pub async fn follow(
    path: &Path,
    filter: &Filter,
    mut each: impl FnMut(&Entry) -> io::Result<()>,
) -> Result<(), Error> {
    let mut tail: Option<Tail> = None;
    loop {
        let entries = match &mut tail {
            Some(tail) => tail.entries(path)?,
            None => match Tail::open(path) {
                Ok(opened) => {
                    let opened = tail.insert(opened);
                    filter.apply(opened.entries(path)?)
                }
                Err(Error::Absent { .. }) => Vec::new(),
                Err(error) => return Err(error),
            },
        };
        for entry in entries.iter().filter(|entry| filter.wants(entry)) {
            each(entry).map_err(Error::io(path))?;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Forget everything recorded. A running `runner dev` goes on recording.
pub fn clear(path: &Path) -> Result<(), Error> {
    match File::options().write(true).truncate(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io(path)(error)),
    }
}

/// An entry for people or programs, without the last line break.
pub fn render(entry: &Entry, format: Format) -> String {
    match format {
        Format::Json => serde_json::to_string(entry).expect("an entry is plain JSON"),
        Format::Table => line(entry),
        Format::Whole => whole(entry),
    }
}

fn whole(entry: &Entry) -> String {
    let mut text = line(entry);
    for (name, value) in &entry.headers {
        text.push_str(&format!("\n    {name}: {}", inline(value)));
    }
    text.push('\n');
    for line in entry.body.lines() {
        text.push_str(&format!("\n    {}", inline(line)));
    }
    text.push('\n');
    text
}

/// Time, outcome, job, request: the widths that vary come last.
fn line(entry: &Entry) -> String {
    let time = entry.time.strftime("%H:%M:%S%.3f").to_string();
    let outcome = match (&entry.status, &entry.fault) {
        (Some(status), _) => status.to_string(),
        (None, Some(fault)) => fault.clone(),
        (None, None) => "-".to_owned(),
    };
    let Entry {
        queue,
        job,
        plugin,
        method,
        url,
        ..
    } = entry;
    let line = format!("{time}  {outcome:<7}  {queue}/{job}  {plugin}  {method} {url}");
    inline(&line).into_owned()
}

/// A record that is read on from where it was left.
struct Tail {
    file: BufReader<File>,
    offset: u64,
    line: usize,
}

impl Tail {
    fn open(path: &Path) -> Result<Self, Error> {
        match File::open(path) {
            Ok(file) => Ok(Tail {
                file: BufReader::new(file),
                offset: 0,
                line: 0,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Absent {
                path: path.to_owned(),
            }),
            Err(error) => Err(Error::io(path)(error)),
        }
    }

    /// The whole lines since the last call.
    fn entries(&mut self, path: &Path) -> Result<Vec<Entry>, Error> {
        let length = self
            .file
            .get_ref()
            .metadata()
            .map_err(Error::io(path))?
            .len();
        if length < self.offset {
            self.offset = 0;
            self.line = 0;
        }
        self.file
            .seek(SeekFrom::Start(self.offset))
            .map_err(Error::io(path))?;
        let mut entries = Vec::new();
        let mut text = Vec::new();
        let mut limited = self.file.by_ref().take(length - self.offset);
        loop {
            text.clear();
            limited
                .read_until(b'\n', &mut text)
                .map_err(Error::io(path))?;
            if text.last() != Some(&b'\n') {
                return Ok(entries);
            }
            self.offset += text.len() as u64;
            self.line += 1;
            let entry = serde_json::from_slice(&text).map_err(|error| Error::Entry {
                path: path.to_owned(),
                line: self.line,
                reason: error.to_string(),
            })?;
            entries.push(entry);
        }
    }
}
