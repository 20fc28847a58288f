//! Other rules for what is stored already.
//!
//! The rules are swapped at once. What is stored was given its terms when it
//! came, so it is gone through behind that and taken back as after a restart:
//! with the terms that the new rules give it, or not at all where they would
//! not have it stored, or not under this key.

use std::{
    sync::{Arc, Weak},
    time::SystemTime,
};

use super::{
    Cache, CacheConfig, InForce, key::CacheKey, record::Record, rules::Rules, saved::Saved,
    stored::Prepared,
};
use crate::target::Target;

/// Responses that are judged between two looks at what else there is to do.
const AT_A_TIME: usize = 64;

impl InForce {
    /// What a configuration says, each rule at the place where it is counted.
    pub(super) fn new(config: &CacheConfig, rules: Rules, saved: &Saved) -> InForce {
        let rules = rules.placed(|name| saved.place_of(name));
        InForce { rules, error_ttl: config.error_ttl().into() }
    }
}

impl Cache {
    /// Puts other rules, and the terms of other flags, in force.
    ///
    /// From now on they count for every decision; the terms of what is stored
    /// follow as soon as [`Cache::judge_anew`] has gone through it. What is on
    /// its way answers those who wait for it, and is not stored.
    pub fn put_in_force(&self, config: &CacheConfig, rules: Rules) {
        self.in_force.store(Arc::new(InForce::new(config, rules, &self.saved)));
        // It was asked for with the fields that went upstream by the old rules.
        self.store.outdate();
    }

    /// Judges what is stored by the rules in force; ends early where others are
    /// put in force meanwhile, and what they say is found out by their own turn.
    pub async fn judge_anew(self: Arc<Self>) {
        let begun_with = self.in_force.load_full();
        let (mut kept, mut dropped) = (0_u64, 0_u64);
        for chunk in self.store.all().chunks(AT_A_TIME) {
            if !Arc::ptr_eq(&begun_with, &self.in_force()) {
                return;
            }
            let now = self.clock.now();
            for (key, stored) in chunk {
                match self.judge_one(key, stored, now) {
                    Some(()) => kept += 1,
                    None => dropped += 1,
                }
            }
            tokio::task::yield_now().await;
        }
        tracing::info!(kept, dropped, "what is stored has been judged by the new rules");
    }

    /// Stores a response anew on the terms of the rules in force; `None` where
    /// it is not stored any more.
    fn judge_one(&self, key: &CacheKey, stored: &Weak<Prepared>, now: SystemTime) -> Option<()> {
        let epoch = self.store.epoch(key);
        let stored = stored.upgrade()?;
        if stored.is_purged() {
            // It was made stale by hand, and is until it is fetched anew.
            return Some(());
        }
        let prepared = self.judged(key, &stored, now);
        if let Some(prepared) = prepared {
            // Where it has been replaced or purged meanwhile, that counts.
            self.store.replace(key.clone(), epoch, &stored, Arc::new(prepared));
            return Some(());
        }
        self.store.remove(key, &stored);
        None
    }

    fn judged(&self, key: &CacheKey, stored: &Prepared, now: SystemTime) -> Option<Prepared> {
        let target = Target::new(key.as_str().parse().ok()?).ok()?;
        self.on_the_terms_of_now(Record { target, response: stored.response.clone() }, now)
    }
}
