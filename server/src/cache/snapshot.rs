//! A snapshot of what is stored, which carries it over a restart.
//!
//! [`mod@format`] is pure, [`mod@file`] writes and reads it; this is when, and what of
//! it may be used. Nothing is believed that the rules of this run have a say
//! in: whether a response may be stored, and on what terms, is found out anew
//! from its fields, as if it had just come.

pub mod file;
pub mod format;
#[cfg(test)]
mod tests;

use std::{
    future::{Future, pending},
    path::Path,
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::header;
use poem::Response;
use tokio::task::spawn_blocking;

use self::file::SnapshotFile;
use super::{
    Cache,
    key::CacheKey,
    range::Part,
    record::Record,
    store::{Epoch, Insertion},
    stored::{Prepared, StoredResponse},
};

/// What is received later than this from now was received by a clock that was
/// wrong: it would stay fresh until then.
const CLOCK_ERROR: Duration = Duration::from_mins(1);
/// Room for a head beside the largest body.
const HEAD: usize = 1 << 20;

/// The snapshot of a cache.
#[derive(Clone, Debug)]
pub struct Snapshot {
    cache: Arc<Cache>,
    file: SnapshotFile,
    source: Arc<str>,
}

impl Snapshot {
    /// The snapshot of a cache in front of this upstream, in this file.
    pub fn new(cache: Arc<Cache>, path: &Path, source: &str) -> Snapshot {
        Snapshot { cache, file: SnapshotFile::at(path), source: source.into() }
    }

    /// Stores what the file has; what cannot be used is logged and ignored.
    pub async fn load(&self) {
        let snapshot = self.clone();
        // What panics has been logged.
        let _ = spawn_blocking(move || snapshot.read()).await;
    }

    /// Writes the file in intervals (never, where they are of no time) until
    /// `end` resolves, and then once more.
    pub async fn keep(self, every: Duration, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        let mut is_running = true;
        while is_running {
            tokio::select! {
                () = &mut end => is_running = false,
                () = interval(every) => {}
            }
            let snapshot = self.clone();
            let _ = spawn_blocking(move || snapshot.write()).await;
        }
    }

    fn read(&self) {
        let (file, now) = (self.file.path().display(), self.cache.clock.now());
        let largest = self.cache.max_object_size.saturating_add(HEAD);
        let mut restored: u64 = 0;
        let each = |record: Record| {
            let epoch = self.cache.store.epoch(&CacheKey::of(&record.target));
            restored += u64::from(self.cache.take_back(record, epoch, now).is_some());
        };
        match self.file.read(&self.source, largest, each) {
            Ok(None) => tracing::info!(%file, "no snapshot yet"),
            Ok(Some(tally)) => {
                let left_out = tally.records + tally.left_out - restored;
                tracing::info!(%file, restored, left_out, "snapshot read");
            }
            Err(why) => tracing::warn!(%file, "starting without the snapshot: {why}"),
        }
    }

    fn write(&self) {
        let (file, now) = (self.file.path().display(), self.cache.clock.now());
        let store = &self.cache.store;
        // After a restart nobody would know that it was made stale.
        let is_kept = |prepared: &Arc<Prepared>| prepared.is_useful(now) && !prepared.is_purged();
        let responses = store
            .all()
            .into_iter()
            .filter_map(|(key, prepared)| Some((key, prepared.upgrade().filter(is_kept)?)));
        match self.file.write(&self.source, store.bound() as u64, responses) {
            Ok(tally) => tracing::info!(%file, responses = tally.records, "snapshot written"),
            Err(why) => tracing::warn!(%file, "cannot write the snapshot: {why}"),
        }
    }
}

/// So much time, for ever where it is none.
async fn interval(every: Duration) {
    if every.is_zero() {
        pending::<()>().await;
    }
    tokio::time::sleep(every).await;
}

impl Cache {
    /// Stores what was stored in an earlier run, or by another instance, where
    /// it still may be; `None` where it is left out.
    pub(super) fn take_back(&self, record: Record, epoch: Epoch, now: SystemTime) -> Option<()> {
        let Record { target, response } = record;
        let key = CacheKey::of(&target);
        let body = self.store.hold(response.body)?;
        let record = Record { target, response: StoredResponse { body, ..response } };
        let prepared = self.on_the_terms_of_now(record, now)?;
        let insertion = self.store.put(key, epoch, Arc::new(prepared));
        (insertion == Insertion::Offered).then_some(())
    }

    /// A response with the terms that the rules in force give it; `None` where
    /// it may not be stored by them, or is of no use any more.
    pub(super) fn on_the_terms_of_now(&self, record: Record, now: SystemTime) -> Option<Prepared> {
        let Record { target, response } = record;
        let latest = response.times.response_time.max(response.times.request_time);
        if now.checked_add(CLOCK_ERROR)? < latest {
            return None;
        }
        // Under another key nobody would have asked for just this.
        if self.in_force().rules.canonical(target.clone()) != target {
            return None;
        }
        let key = CacheKey::of(&target);
        let mut request = response.request(target);
        if let Some(range) = response.part {
            // Only who asks for a part gets one.
            Part::new(range, response.body.clone())?;
            let asked = format!("bytes={}-{}", range.first, range.last);
            request.headers.insert(header::RANGE, asked.parse().ok()?);
        }
        let mut answer = Response::builder().status(response.status).finish();
        answer.headers_mut().extend(response.fields.iter().cloned());
        let storable = self.storable(&request, &answer, response.times).ok()?;
        // What selected it then would now select something else.
        if storable.selecting != response.selecting
            || storable.part.is_some() != response.part.is_some()
        {
            return None;
        }
        let mut fields = response.fields;
        fields.retain(|(name, _)| !storable.withheld.contains(name));
        let response = StoredResponse { fields, ..response };
        let prepared = Prepared::new(response, storable.terms, self.add_etag);
        let asked_at = prepared.response.times.request_time;
        let counts = prepared.is_useful(now) && !self.store.has_ended(&key, &prepared, asked_at);
        counts.then_some(prepared)
    }
}
