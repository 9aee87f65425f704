//! What is read of a request and sent of an answer.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Response, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::Closing;
use super::pace::Pace;

/// A client that sends fewer bytes a second than this is given up on.
const TRICKLE: u64 = 1024;

/// Between the end of an event stream and the first clients that come back, in
/// milliseconds; each is told another time, so that they do not come all at once.
const COME_BACK: std::ops::Range<u32> = 1000..5000;

/// The body of a request did not come in time.
#[derive(Debug)]
pub(in crate::api) struct Late;

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body did not come in time (`body_timeout` of [server])")
    }
}

impl Error for Late {}

/// Whether a body could not be read for being late.
pub(in crate::api) fn is_late(error: &(dyn Error + 'static)) -> bool {
    error.is::<Late>() || error.source().is_some_and(is_late)
}

/// The body of a request, for as long as it may take.
pub(super) struct Timed {
    body: Incoming,
    started: Instant,
    allowed: Duration,
    received: u64,
    /// Made only if there is something to wait for.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    /// The body of a request whose head has just arrived.
    pub(super) fn of(body: Incoming, allowed: Duration) -> Body {
        match body.is_end_stream() {
            true => Body::empty(),
            false => Body::new(Timed {
                body,
                started: Instant::now(),
                allowed,
                received: 0,
                deadline: None,
            }),
        }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                self.received += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let earned = Duration::from_secs(self.received / TRICKLE);
        let until = self.started + self.allowed + earned;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if deadline.deadline() != until {
            deadline.as_mut().reset(until);
        }
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Some(Err(Late.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. When it has been sent, or nobody wants it any more, its
/// connection rests.
pub(super) struct Answer {
    body: Body,
    pace: Arc<Pace>,
    /// Of an event stream, which has no end of its own.
    closing: Option<BoxFuture<'static, ()>>,
    ended: bool,
}

impl Answer {
    /// What a handler has answered.
    pub(super) fn of(
        response: Response<Body>,
        pace: Arc<Pace>,
        closing: &Closing,
    ) -> Response<Answer> {
        let kind = response.headers().get(header::CONTENT_TYPE);
        let is_stream = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let closing = is_stream.then(|| {
            let mut closing = closing.clone();
            let closed = async move {
                // It ends only with the server.
                let _ = closing.wait_for(Option::is_some).await;
            };
            Box::pin(closed) as BoxFuture<'static, ()>
        });
        response.map(|body| Answer {
            body,
            pace,
            closing,
            ended: false,
        })
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let Some(closing) = &mut self.closing else {
            return Poll::Pending;
        };
        ready!(closing.as_mut().poll(cx));
        self.ended = true;
        let hint = format!("retry: {}\n\n", fastrand::u32(COME_BACK));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(hint)))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || (self.closing.is_none() && self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match self.closing {
            Some(_) => SizeHint::default(),
            None => self.body.size_hint(),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.pace.rest();
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::StreamExt;
    use futures::stream;
    use http_body_util::BodyExt;
    use tokio::sync::watch;

    use super::*;

    #[tokio::test]
    async fn an_event_stream_ends_with_a_hint_when_its_door_closes() {
        let event = async { Ok::<_, Infallible>(Bytes::from("data: 1\n\n")) };
        let events = stream::once(event).chain(stream::pending());
        let response = Response::builder()
            .header(header::CONTENT_TYPE, "text/event-stream")
            .body(Body::from_stream(events))
            .unwrap();
        let (close, closing) = watch::channel(None);
        let mut body = Answer::of(response, Arc::new(Pace::new()), &closing).into_body();
        let mut next = async || {
            let frame = Pin::new(&mut body).frame().await?;
            let data = frame.unwrap().into_data().unwrap();
            Some(String::from_utf8(data.to_vec()).unwrap())
        };
        assert_eq!(next().await.unwrap(), "data: 1\n\n");
        close.send_replace(Some(Instant::now()));
        let hint = next().await.unwrap();
        let ms = hint
            .strip_prefix("retry: ")
            .and_then(|rest| rest.strip_suffix("\n\n"));
        assert!(COME_BACK.contains(&ms.unwrap().parse().unwrap()), "{hint}");
        assert_eq!(next().await, None);
    }
}
