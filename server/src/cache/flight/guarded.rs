//! Looking at an answer before it replaces a better one.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, header};
use http_body::Frame;
use http_body_util::{BodyExt, BodyStream, StreamBody, combinators::BoxBody};
use poem::Response;
use tokio::time::{Instant, timeout_at};

use super::fetch::{Wanted, content_length};
use crate::cache::{
    Cache,
    fill::Charge,
    guard::{Guard, LOOKED_INTO, Verdict},
    stored::Prepared,
};

type AnswerBody = BoxBody<Bytes, io::Error>;
/// What was read at a time, and the memory that it takes.
type Piece = (io::Result<Frame<Bytes>>, Option<Charge>);

/// Nobody gets a byte of an answer that is read: what takes longer to arrive is
/// taken for broken off.
const LONGEST_LOOK: Duration = Duration::from_secs(30);

impl Cache {
    /// What is stored and is kept where the answer is worse, as the rule's
    /// guard says.
    pub(super) fn kept<'a>(
        &self,
        wanted: Wanted<'a>,
        now: SystemTime,
    ) -> Option<(Arc<Guard>, &'a Arc<Prepared>)> {
        let in_force = self.in_force();
        let rule = in_force.rules.of(wanted.request.target.path());
        let guard = rule.guard.as_ref()?;
        let stored = wanted.selected?;
        let is_for_it = wanted.request.method == Method::GET
            && !wanted.request.headers.contains_key(header::RANGE)
            && stored.response.part.is_none();
        // What is stored was asked for without codings, or is not looked into.
        let is_better = is_for_it
            && stored.is_kept(guard.keep_better_for, now)
            && Guard::of_head(stored.response.status, &stored.response.headers(0)).is_none()
            && guard.of_content(&stored.response.body) == Verdict::Good;
        is_better.then(|| (Arc::clone(guard), stored))
    }

    /// What a guard says of an answer, and the answer, as much of its content
    /// as was read being in memory.
    pub(super) async fn judge(&self, guard: &Guard, mut answer: Response) -> (Verdict, Response) {
        if let Some(verdict) = Guard::of_head(answer.status(), answer.headers()) {
            return (verdict, answer);
        }
        if content_length(answer.headers()).is_some_and(|length| LOOKED_INTO < length) {
            return (Verdict::Other, answer);
        }
        let body: AnswerBody = answer.take_body().into();
        let (verdict, body) = match self.read(body).await {
            Read::Whole(content, body) => {
                let announced = content_length(answer.headers());
                let is_whole = announced.is_none_or(|announced| announced == content.len());
                let verdict = if is_whole { guard.of_content(&content) } else { Verdict::Worse };
                (verdict, body)
            }
            Read::Some(body) => (Verdict::Other, body),
            Read::Broken(body) => (Verdict::Worse, body),
        };
        answer.set_body(body);
        (verdict, answer)
    }

    /// Reads a body, as far as there is room.
    async fn read(&self, mut body: AnswerBody) -> Read {
        let mut frames: Vec<Piece> = Vec::new();
        let mut content = Vec::new();
        let until = Instant::now() + LONGEST_LOOK;
        loop {
            let Ok(frame) = timeout_at(until, body.frame()).await else {
                return Read::Broken(chained(frames, None));
            };
            match frame {
                None => return Read::Whole(content, chained(frames, None)),
                Some(Err(error)) => {
                    frames.push((Err(error), None));
                    return Read::Broken(chained(frames, None));
                }
                Some(Ok(frame)) => {
                    let bytes = frame.data_ref().map_or(&[][..], |bytes| bytes);
                    let charge = self.fills.charge(2 * bytes.len() + size_of::<Piece>());
                    let is_room = charge.is_some() && content.len() + bytes.len() <= LOOKED_INTO;
                    content.extend_from_slice(bytes);
                    frames.push((Ok(frame), charge));
                    if !is_room {
                        return Read::Some(chained(frames, Some(body)));
                    }
                }
            }
        }
    }
}

/// A body that was read ahead of who gets it.
enum Read {
    /// To its end.
    Whole(Vec<u8>, AnswerBody),
    /// In part, as it is too large.
    Some(AnswerBody),
    /// Until it broke off.
    Broken(AnswerBody),
}

/// What was read, and what follows.
fn chained(frames: Vec<Piece>, rest: Option<AnswerBody>) -> AnswerBody {
    // The memory is given back as the frames go.
    let frames = stream::iter(frames.into_iter().map(|(frame, _charge)| frame));
    let rest = stream::iter(rest).flat_map(BodyStream::new);
    BodyExt::boxed(StreamBody::new(frames.chain(rest)))
}
