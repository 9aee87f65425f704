//! The jobs of a file, sent to a server some hundred at a time: each call is short, however
//! slowly the file comes.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};

use super::client::Client;
use super::routes;
use crate::cli::{Exit, Result};
use crate::verbs::add::{Batch, Verdict};

/// Jobs in one call.
const CALL: usize = 1000;
/// Bytes in one call.
const BYTES: usize = 1 << 20;

/// Jobs that go to a server with one call.
pub(in crate::cli) struct Bulk {
    client: Arc<Client>,
    queue: String,
    /// The name of a job that has none.
    name: Option<String>,
    lines: Vec<u64>,
    text: Vec<u8>,
}

impl Bulk {
    /// Nothing yet.
    ///
    /// # Errors
    /// When the server does not take jobs of this queue from us.
    pub(in crate::cli) async fn new(
        client: Client,
        queue: &str,
        name: Option<String>,
    ) -> Result<Bulk> {
        let none = routes::add_jobs(queue, name.as_deref()).lines(Bytes::new());
        client.is_refused(&none, "no-jobs").await?;
        Ok(Bulk {
            client: Arc::new(client),
            queue: queue.to_owned(),
            name,
            lines: Vec::new(),
            text: Vec::new(),
        })
    }
}

impl Batch for Bulk {
    type Stop = Exit;

    fn take(&mut self, line: u64, text: Bytes) {
        self.lines.push(line);
        // Within strings, JSON has no line breaks: these are between its words.
        let words = text.iter().map(|byte| match byte {
            b'\n' | b'\r' => b' ',
            byte => *byte,
        });
        self.text.extend(words);
        self.text.push(b'\n');
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= CALL || self.text.len() >= BYTES
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn next(&self) -> Bulk {
        Bulk {
            client: self.client.clone(),
            queue: self.queue.clone(),
            name: self.name.clone(),
            lines: Vec::new(),
            text: Vec::new(),
        }
    }

    fn send(self) -> BoxFuture<'static, Result<Vec<Verdict>>> {
        let Bulk {
            client,
            queue,
            name,
            lines,
            text,
        } = self;
        let call = routes::add_jobs(&queue, name.as_deref()).lines(text.into());
        async move {
            let verdicts = client.ask_lines::<Verdict>(&call).await;
            let verdicts = verdicts.map_err(|exit| unsure(exit, &lines))?;
            let numbered = verdicts.into_iter().map(|verdict| {
                // Theirs are numbered from 1.
                let at = usize::try_from(verdict.line).unwrap_or(usize::MAX);
                let line = lines.get(at.wrapping_sub(1)).or(lines.last());
                Verdict {
                    line: line.copied().unwrap_or_default(),
                    ..verdict
                }
            });
            Ok(numbered.collect())
        }
        .boxed()
    }
}

/// Without an answer, the jobs of a call may be there.
fn unsure(exit: Exit, lines: &[u64]) -> Exit {
    match (exit.code, lines.first(), lines.last()) {
        (5, Some(first), Some(last)) => Exit {
            message: format!(
                "{}; whether the jobs of lines {first} to {last} were added is not known",
                exit.message
            ),
            ..exit
        },
        _ => exit,
    }
}
