//! The upstream's budget as instances share it, in a script that the server
//! runs by its own clock: what instances take for the time does not matter.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    Valkey,
    claim::{Answer, ServerTime, arguments, read},
    link::Failed,
    trouble::Trouble,
};
use crate::exchange::budget::{Claim, Claimed, Pool, WINDOW};

/// What is complained of.
const CLAIMS: &str = "take claims on the upstream's budget";

impl Valkey {
    /// Where claims on the upstream's budget are made.
    pub fn pool(self: &Arc<Self>) -> Pool {
        let valkey = Arc::clone(self);
        Pool {
            claim: Box::new(move |claim| {
                let valkey = Arc::clone(&valkey);
                Box::pin(async move { valkey.claim(&claim).await })
            }),
            news: Arc::clone(&self.claims),
        }
    }

    async fn claim(&self, claim: &Claim) -> Claimed {
        if !self.is_there() {
            return Claimed::Unmade;
        }
        let time = match self.server_time().await {
            Ok(time) => time,
            Err(failed) => return self.unmade(&failed),
        };
        let void_after = time.after(Instant::now().into_std(), WINDOW);
        let said =
            self.link.claim(&self.budget_name(), &arguments(&self.name, claim, void_after)).await;
        match said.as_deref().map(read) {
            Ok(Some((answer, now))) => self.answered(claim, answer, now).await,
            Ok(None) => Claimed::Lost,
            // What the server has refused it has not done.
            Err(failed) if failed.trouble != Trouble::Away => self.unmade(failed),
            Err(failed) => {
                self.failed(&failed.why);
                Claimed::Lost
            }
        }
    }

    async fn answered(&self, claim: &Claim, answer: Answer, now: i64) -> Claimed {
        self.heard_time(now);
        match answer {
            Answer::Told(told) => {
                if claim.hold.is_some() {
                    // Who does not hear of it finds it with its next claim.
                    let _ = self.link.tell(&self.held_channel(), "").await;
                }
                Claimed::Told(told)
            }
            Answer::Void => Claimed::Unmade,
            Answer::Crowded => {
                self.complain(CLAIMS, "there are too many relays");
                Claimed::Unmade
            }
        }
    }

    fn unmade(&self, failed: &Failed) -> Claimed {
        if failed.trouble == Trouble::Away {
            self.failed(&failed.why);
        } else {
            self.complain(CLAIMS, &failed.why);
        }
        Claimed::Unmade
    }

    /// What time it is for the server.
    async fn server_time(&self) -> Result<ServerTime, Failed> {
        let known = *self.server_time.lock();
        if let Some(time) = known.filter(|time| time.is_good(Instant::now().into_std())) {
            return Ok(time);
        }
        let said = self.link.time(&self.budget_name()).await?;
        Ok(self.heard_time(said))
    }

    fn heard_time(&self, said: i64) -> ServerTime {
        let time = ServerTime { said, heard: Instant::now().into_std() };
        *self.server_time.lock() = Some(time);
        time
    }

    /// A hash tag, so that what may be put beside it is in the same part of a
    /// cluster.
    fn budget_name(&self) -> String {
        format!("{{{}}}:budget", self.namespace.trim_end_matches(':'))
    }

    pub(super) fn held_channel(&self) -> String {
        format!("{}held", self.namespace)
    }
}
