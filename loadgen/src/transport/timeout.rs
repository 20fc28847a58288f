//! A deadline for each of many futures in turn, at the cost of one timer.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// The timer of one slot. Deadlines that are met do not touch it: it stays set
/// to one that has passed or will pass, and is moved when it rings too early.
#[derive(Debug)]
pub(super) struct Alarm(Pin<Box<Sleep>>);

/// The deadline came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Elapsed;

impl Alarm {
    pub(super) fn new() -> Self {
        Self(Box::pin(sleep_until(Instant::now())))
    }

    /// The output of `future`, unless `deadline` comes first.
    pub(super) async fn before<F: Future>(
        &mut self,
        deadline: Instant,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if deadline < self.0.deadline() {
                self.0.as_mut().reset(deadline);
            }
            while self.0.as_mut().poll(cx).is_ready() {
                if deadline <= Instant::now() {
                    return Poll::Ready(Err(Elapsed));
                }
                self.0.as_mut().reset(deadline);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_future_has_its_own_deadline() {
        let mut alarm = Alarm::new();
        let ms = Duration::from_millis;
        let start = Instant::now();
        assert_eq!(alarm.before(start + ms(100), sleep(ms(10))).await, Ok(()));
        // The timer still stands at 100; this is later, the next earlier.
        assert_eq!(alarm.before(start + ms(300), sleep(ms(200))).await, Ok(()));
        assert_eq!(alarm.before(start + ms(250), pending::<()>()).await, Err(Elapsed));
        assert_eq!(start.elapsed(), ms(250));
        assert_eq!(alarm.before(start, pending::<()>()).await, Err(Elapsed));
    }
}
