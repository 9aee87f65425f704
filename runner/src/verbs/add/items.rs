//! The jobs of a text, one after the other: a line each (NDJSON), or the elements of an
//! array. Holds no more of the text than one job and what came with it.

use bytes::{Bytes, BytesMut};

use super::fault::{Fault, Kind};

/// Reads jobs from a text that comes in parts.
#[derive(Debug)]
pub struct Items {
    text: BytesMut,
    /// How much of `text` is known to have no end of a job.
    seen: usize,
    layout: Layout,
    /// Lines, or elements, that have begun.
    count: u64,
    /// The most bytes that one job may have.
    most: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Nothing but space has come.
    Unknown,
    Lines,
    Array(Place),
    /// After the array.
    Over,
}

/// Where the end of `seen` is in an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Place {
    /// Brackets that are open within the element.
    depth: usize,
    in_string: bool,
    escaped: bool,
}

/// A job of the text, and its line or element, from 1.
pub(super) type Item = (u64, Bytes);

impl Items {
    /// Nothing yet; jobs may have this many bytes.
    pub fn new(most: usize) -> Items {
        Items {
            text: BytesMut::new(),
            seen: 0,
            layout: Layout::Unknown,
            count: 0,
            most,
        }
    }

    /// More of the text.
    pub fn push(&mut self, part: &[u8]) {
        self.text.extend_from_slice(part);
    }

    /// Lines, or elements, that were read.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether the text is an array.
    pub fn is_array(&self) -> bool {
        matches!(self.layout, Layout::Array(_) | Layout::Over)
    }

    /// The next job, if it is complete.
    ///
    /// # Errors
    /// Nothing further can be read.
    pub fn next_job(&mut self) -> Result<Option<Item>, (u64, Fault)> {
        loop {
            let found = match self.layout {
                Layout::Unknown => match self.skip_space() {
                    None => return Ok(None),
                    Some(b'[') => {
                        let _ = self.text.split_to(1);
                        self.layout = Layout::Array(Place::default());
                        continue;
                    }
                    Some(_) => {
                        self.layout = Layout::Lines;
                        continue;
                    }
                },
                Layout::Lines => self.line(),
                Layout::Array(place) => self.element(place)?,
                Layout::Over => match self.skip_space() {
                    None => return Ok(None),
                    Some(_) => {
                        return Err(wrong(
                            self.count.max(1),
                            "after the array comes something else",
                        ));
                    }
                },
            };
            match found {
                Some(item) if item.len() > self.most => {
                    return Err(too_large(self.count, self.most));
                }
                Some(item) if !item.is_empty() => return Ok(Some((self.count, item))),
                Some(_) if self.layout == Layout::Lines => {}
                Some(_) => return Err(wrong(self.count, "the array has an empty element")),
                None if self.text.len() > self.most => {
                    return Err(too_large(self.count + 1, self.most));
                }
                None => return Ok(None),
            }
        }
    }

    /// The last job, once all of the text has come: a last line needs no end.
    ///
    /// # Errors
    /// The text ends in the middle.
    pub fn last(&mut self) -> Result<Option<Item>, (u64, Fault)> {
        match self.layout {
            Layout::Lines => {
                let rest = self.text.split().freeze();
                self.seen = 0;
                let rest = trimmed(rest);
                self.count += u64::from(!rest.is_empty());
                Ok((!rest.is_empty()).then_some((self.count, rest)))
            }
            Layout::Array(_) => Err(wrong(self.count + 1, "the array has no end")),
            Layout::Unknown | Layout::Over => Ok(None),
        }
    }

    /// The first byte that is no space; what is before it is dropped. Line breaks before
    /// the first job are lines.
    fn skip_space(&mut self) -> Option<u8> {
        let space = |byte: &u8| byte.is_ascii_whitespace();
        let at = self.text.iter().position(|byte| !space(byte));
        let skipped = self.text.split_to(at.unwrap_or(self.text.len()));
        if self.layout == Layout::Unknown {
            let lines = skipped.iter().filter(|byte| **byte == b'\n');
            self.count += lines.count() as u64;
        }
        let first = self.text.first().copied();
        if first == Some(b'[') {
            self.count = 0;
        }
        first
    }

    fn line(&mut self) -> Option<Bytes> {
        let Some(end) = memchr::memchr(b'\n', &self.text[self.seen..]) else {
            self.seen = self.text.len();
            return None;
        };
        let line = self.text.split_to(self.seen + end + 1).freeze();
        self.seen = 0;
        self.count += 1;
        Some(trimmed(line))
    }

    /// Up to the comma or bracket that ends the element. Whether the element is JSON is
    /// found by who reads it; here only brackets and strings count.
    fn element(&mut self, mut place: Place) -> Result<Option<Bytes>, (u64, Fault)> {
        for at in self.seen..self.text.len() {
            let byte = self.text[at];
            if place.in_string {
                match byte {
                    _ if place.escaped => place.escaped = false,
                    b'\\' => place.escaped = true,
                    b'"' => place.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => place.in_string = true,
                b'[' | b'{' => place.depth += 1,
                b']' | b'}' if place.depth > 0 => place.depth -= 1,
                b'}' => {
                    return Err(wrong(self.count + 1, "the array has a } too many"));
                }
                b',' | b']' if place.depth == 0 => {
                    let mut element = self.text.split_to(at + 1).freeze();
                    element.truncate(at);
                    self.seen = 0;
                    let element = trimmed(element);
                    let last = byte == b']';
                    self.layout = match last {
                        true => Layout::Over,
                        false => Layout::Array(Place::default()),
                    };
                    if last && element.is_empty() && self.count == 0 {
                        return Ok(None);
                    }
                    self.count += 1;
                    return Ok(Some(element));
                }
                _ => {}
            }
        }
        self.seen = self.text.len();
        self.layout = Layout::Array(place);
        Ok(None)
    }
}

fn wrong(at: u64, what: &str) -> (u64, Fault) {
    (at, Fault::of(Kind::NotJson, what))
}

fn too_large(at: u64, most: usize) -> (u64, Fault) {
    let text = format!("the job has more than {most} bytes; nothing after it was read");
    (at, Fault::invalid(text))
}

fn trimmed(text: Bytes) -> Bytes {
    let inner = text.trim_ascii();
    text.slice_ref(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Jobs with their lines, and the fault that ends them with its line.
    type Ended = (Vec<(u64, String)>, Option<(u64, String)>);

    /// All jobs of a text that comes in parts of this size, and the fault that ends it.
    fn read(text: &str, size: usize) -> Ended {
        let mut items = Items::new(40);
        let mut found = Vec::new();
        let mut take = |item: Result<Option<Item>, (u64, Fault)>| match item {
            Ok(Some((at, item))) => {
                found.push((at, String::from_utf8(item.to_vec()).unwrap()));
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err((at, fault)) => Err((at, fault.detail)),
        };
        let mut all = || {
            for part in text.as_bytes().chunks(size) {
                items.push(part);
                while take(items.next_job())? {}
            }
            while take(items.last())? {}
            take(items.next_job())
        };
        let end = all().err();
        (found, end)
    }

    fn both(text: &str) -> Ended {
        let whole = read(text, text.len().max(1));
        assert_eq!(read(text, 1), whole, "{text:?}");
        whole
    }

    #[test]
    fn lines_are_jobs_and_blank_ones_only_count() {
        let (jobs, end) = both("\n{\"a\":1}\r\n\n {\"b\":\"[\"} \n{\"c\":3}");
        let expected = [(2, "{\"a\":1}"), (4, "{\"b\":\"[\"}"), (5, "{\"c\":3}")];
        assert_eq!(jobs, expected.map(|(at, text)| (at, text.to_owned())));
        assert_eq!(end, None);
        assert_eq!(both(" \n "), (vec![], None));
    }

    #[test]
    fn elements_of_an_array_are_jobs() {
        let (jobs, end) = both("\n[ {\"a\":[1,{}]} ,\n{\"b\":\"]},\\\"\"}]\n");
        let expected = [(1, "{\"a\":[1,{}]}"), (2, "{\"b\":\"]},\\\"\"}")];
        assert_eq!(jobs, expected.map(|(at, text)| (at, text.to_owned())));
        assert_eq!(end, None);
        assert_eq!(both(" [ ] "), (vec![], None));
    }

    #[test]
    fn what_is_wrong_with_an_array_is_said_with_the_element() {
        let end = |text: &str| both(text).1.unwrap();
        assert_eq!(end("[{}"), (1, "the array has no end".to_owned()));
        assert_eq!(
            end("[{},,{}]"),
            (2, "the array has an empty element".to_owned())
        );
        assert_eq!(
            end("[{},]"),
            (2, "the array has an empty element".to_owned())
        );
        assert_eq!(
            end("[{}] {}"),
            (1, "after the array comes something else".to_owned())
        );
        assert_eq!(end("[}"), (1, "the array has a } too many".to_owned()));
    }

    #[test]
    fn a_job_that_is_too_large_ends_it() {
        let large = "x".repeat(60);
        let text = "the job has more than 40 bytes; nothing after it was read".to_owned();
        for whole in [format!("{{}}\n{large}\n{{}}"), format!("{{}}\n{large}")] {
            let (jobs, end) = both(&whole);
            assert_eq!(jobs, [(1, "{}".to_owned())]);
            assert_eq!(end, Some((2, text.clone())));
        }
        assert_eq!(both(&format!("[{large}]")).1, Some((1, text)));
    }
}
