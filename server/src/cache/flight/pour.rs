//! Passing a new response's body on while it is kept, and storing it when it
//! is whole.

use std::{io, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::{StatusCode, header};
use http_body_util::{BodyExt, combinators::BoxBody};

use super::{
    Brought, Flight, FlightKey,
    fetch::content_length,
    head::{Fate, SharedHead},
};
use crate::{
    cache::{
        Cache,
        collapse::Leave,
        etag::EntityTag,
        fill::{Writer, Written},
        key::CacheKey,
        range::{ContentRange, combine},
        stored::{Prepared, StoredResponse},
        tier::Before,
        validation::updated,
    },
    exchange::{Failure, tier::Lease},
};

/// A new response on its way to its readers and into the store.
pub(super) struct Pour<'a> {
    pub(super) cache: &'a Cache,
    pub(super) key: CacheKey,
    pub(super) before: Before,
    pub(super) head: Arc<SharedHead>,
    /// Held until it is stored, or is not going to be.
    pub(super) lease: Option<Lease>,
}

impl Pour<'_> {
    /// Reads the body to its end, at the pace of the upstream: the leave to end
    /// the flight, where all is well and the fill can still be joined.
    ///
    /// Dropped before its end, the writer breaks the fill off.
    pub(super) async fn run(
        mut self,
        mut body: BoxBody<Bytes, io::Error>,
        writer: &Writer<Brought, Failure>,
        mut leave: Option<Leave<FlightKey, Flight>>,
    ) -> Option<Leave<FlightKey, Flight>> {
        let mut trailers = None;
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.ok()?;
            match frame.into_data() {
                Ok(bytes) => {
                    length += bytes.len();
                    match writer.write(bytes).await {
                        Written::Kept => {}
                        Written::Passing => {
                            drop(leave.take());
                            drop(self.lease.take());
                        }
                        Written::Deserted => {
                            self.note_length(length);
                            return None;
                        }
                    }
                }
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        // "Incomplete messages" are not stored as complete (RFC 9111 §3.3).
        let announced = content_length(&self.head.headers);
        let has_content = self.head.status != StatusCode::NO_CONTENT;
        if has_content && announced.is_some_and(|announced| announced != length) {
            return None;
        }
        self.note_length(length);
        // What has been asked for anew, as this took so long, does not come after that.
        // Stored before the fill ends and its key is free: who comes later finds it.
        let is_needed = leave.as_ref().is_none_or(Leave::is_needed);
        if is_needed && let Some(pieces) = writer.whole() {
            self.keep(joined(&pieces));
        }
        writer.finish(trailers);
        leave
    }

    /// A lack of memory is of the moment, too great a length is the key's.
    fn note_length(&self, length: usize) {
        if self.cache.max_object_size < length {
            self.cache.uncacheable.note(&self.key, self.cache.clock.now());
        }
    }

    fn keep(self, body: Bytes) {
        let Pour { cache, key, before, head, lease: _lease } = self;
        let Fate::Stored(storable) = &head.fate else { return };
        let mut response = StoredResponse {
            status: head.status,
            fields: head
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            selecting: storable.selecting.clone(),
            part: storable.part,
            times: head.times,
            body,
        };
        if response.part.is_some() {
            let Some(part) = with_what_is_stored(cache, &key, response) else { return };
            response = part;
        }
        match cache.store.hold(std::mem::take(&mut response.body)) {
            Some(body) => {
                response.body = body;
                let terms = storable.terms.clone();
                let prepared = Prepared::new(response, terms, cache.add_etag);
                cache.uncacheable.forget(&key);
                cache.put(&key, before, &Arc::new(prepared));
            }
            None => cache.metrics.not_admitted(),
        }
    }
}

/// A part together with the part that is stored, where they share a strong
/// validator and touch (RFC 9111 §3.4); `None` where it is of no use beside
/// what is stored.
fn with_what_is_stored(
    cache: &Cache,
    key: &CacheKey,
    mut new: StoredResponse,
) -> Option<StoredResponse> {
    // The bytes are where the range begins; there may be fewer of them than it says.
    let range = new.part?;
    let last = range.first.checked_add(new.body.len() as u64)?.checked_sub(1)?;
    if new.body.is_empty() || range.last < last {
        return None;
    }
    new.part = Some(ContentRange { last, ..range });

    let stored = cache
        .store
        .variants(key)
        .into_iter()
        .find(|stored| stored.response.selecting == new.selecting);
    let Some(stored) = stored else { return Some(new) };
    if stored.response.part.is_none() && stored.is_useful(cache.clock.now()) {
        return None;
    }
    let shares_validator = match (stored.response.field(&header::ETAG), new.field(&header::ETAG)) {
        (Some(old), Some(new)) => EntityTag::of(old).strong_eq(&EntityTag::of(new)),
        _ => false,
    };
    if let Some(old) = stored.response.part_itself()
        && shares_validator
        && let Some(both) = combine(&old, &new.part_itself()?)
    {
        new.body = both.body.clone();
        new.fields = updated(&stored.response.fields, &new.fields.into_iter().collect());
        new.part = Some(both.range).filter(|_| !both.is_complete());
        if both.is_complete() {
            new.status = StatusCode::OK;
            new.fields.retain(|(name, _)| *name != header::CONTENT_RANGE);
        }
    }
    Some(new)
}

/// The pieces in one, in memory of their own: pieces of the network's buffers
/// would keep all of those.
fn joined(pieces: &[Bytes]) -> Bytes {
    let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in pieces {
        whole.extend_from_slice(piece);
    }
    whole.freeze()
}
