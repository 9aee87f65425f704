//! Going through the letters of a queue in calls of bounded length.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::queue::{Letter, LetterPlace, Queue, State};
use crate::verbs::cover::Cover;
use crate::verbs::filter::{Filter, Subject};
use crate::verbs::{Error, Here, Kind, Result, cursor};

/// The most letters that one call looks at: some tens of milliseconds of Redis, in pages
/// between which others come in.
const BUDGET: u64 = 5000;

/// What a cursor carries.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Mark {
    place: LetterPlace,
    /// When the walk began, ms since 1970: a letter that came later is none of it, so
    /// that what fails again is not replayed again.
    until: u64,
}

/// A walk through the letters that a filter matches.
pub(super) struct Walk<'w> {
    here: &'w Here,
    queue: &'w Queue,
    filter: &'w Filter,
    cover: Option<Cover>,
    context: String,
    now: u64,
    mark: Mark,
    /// Read, and not looked at.
    ahead: VecDeque<(LetterPlace, Letter)>,
    /// The place of the one that was given out last.
    last: LetterPlace,
    looked: u64,
    over: bool,
}

impl<'w> Walk<'w> {
    /// Begin, or go on from a cursor that the same question has given.
    pub(super) async fn begin(
        here: &'w Here,
        queue: &'w Queue,
        verb: &str,
        filter: &'w Filter,
        from: Option<&str>,
        payloads: bool,
    ) -> Result<Walk<'w>> {
        let now = queue.now().await?;
        let context = format!("{verb} letters of {}: {filter}", queue.name());
        let begin = Mark {
            place: LetterPlace::default(),
            until: now,
        };
        let mark = match from {
            None => begin,
            Some(from) => cursor::open(&context, from)
                .map_err(|forged| Error::refused(Kind::InvalidCursor, forged.to_string()))?,
        };
        Ok(Walk {
            here,
            queue,
            filter,
            cover: super::cover(here, queue, payloads),
            context,
            now,
            mark,
            ahead: VecDeque::new(),
            last: mark.place,
            looked: 0,
            over: false,
        })
    }

    /// The next letter that matches, covered; none at the end, or when this call has
    /// looked at enough.
    pub(super) async fn next(&mut self) -> Result<Option<Letter>> {
        loop {
            while let Some((place, mut letter)) = self.ahead.pop_front() {
                self.looked += 1;
                self.mark.place = place.next();
                self.last = place;
                if letter.added_at > self.mark.until {
                    continue;
                }
                if let Some(cover) = &self.cover {
                    cover.letter(&self.here.config, &mut letter);
                }
                if self.matches(&letter) {
                    return Ok(Some(letter));
                }
            }
            if self.looked >= BUDGET {
                return Ok(None);
            }
            match self.queue.letters(self.mark.place).await? {
                None => {
                    self.over = true;
                    return Ok(None);
                }
                Some((letters, after)) => {
                    // Where the jobs of the last ids are gone.
                    if letters.is_empty() {
                        self.mark.place = after;
                    }
                    self.ahead = letters.into();
                }
            }
        }
    }

    /// The last one was not wanted.
    pub(super) fn put_back(&mut self) {
        self.mark.place = self.last;
        self.looked -= 1;
    }

    /// The place of the last one.
    pub(super) fn last(&self) -> LetterPlace {
        self.last
    }

    /// The letter at this place is no longer there, and those behind it move up.
    pub(super) fn took(&mut self, taken: LetterPlace) {
        self.mark.place = self.mark.place.without(taken);
        for (place, _) in &mut self.ahead {
            *place = place.without(taken);
        }
    }

    /// Whether all were looked at.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn looked(&self) -> u64 {
        self.looked
    }

    /// Goes on from here.
    pub(super) fn cursor(&self) -> String {
        cursor::seal(&self.context, &self.mark)
    }

    fn matches(&self, letter: &Letter) -> bool {
        let origin = letter.origin.as_ref();
        let plugin = origin.and_then(|origin| origin.plugin.as_deref());
        let runner = origin.map(|origin| origin.runner.as_str());
        let subject = Subject {
            queue: origin.map_or(self.queue.name(), |origin| origin.queue.as_str()),
            id: &letter.id,
            name: &letter.name,
            state: State::Failed,
            data: &letter.data,
            result: "",
            reason: letter.failed_reason(),
            traces: &[],
            cause: "",
            attempts: origin.map_or(0, |origin| origin.attempts_made),
            added: letter.added_at,
            started: None,
            ended: Some(letter.failed_at()),
            plugin: plugin.unwrap_or_default(),
            runner: runner.unwrap_or_default(),
        };
        self.filter.matches(&subject, self.now)
    }
}
