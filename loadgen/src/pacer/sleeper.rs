//! A thread that sleeps until a time and then notifies.

use std::{io, sync::Arc, thread, time::Duration};

use parking_lot::{Condvar, Mutex};
use tokio::{sync::Notify, time::Instant};

#[derive(Debug)]
pub struct Sleeper(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    order: Mutex<Order>,
    changed: Condvar,
    alarm: Notify,
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Nothing,
    WakeAt(Instant),
    End,
}

impl Sleeper {
    pub(super) fn new() -> io::Result<Self> {
        let shared = Arc::new(Shared {
            order: Mutex::new(Order::Nothing),
            changed: Condvar::new(),
            alarm: Notify::new(),
        });
        let thread = Arc::clone(&shared);
        thread::Builder::new().name("sleeper".to_owned()).spawn(move || thread.sleep())?;
        Ok(Self(shared))
    }

    pub(super) fn arm(&self, after: Duration) {
        *self.0.order.lock() = Order::WakeAt(Instant::now() + after);
        self.0.changed.notify_one();
    }

    pub(super) async fn alarm(&self) {
        self.0.alarm.notified().await;
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        *self.0.order.lock() = Order::End;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn sleep(&self) {
        let mut order = self.order.lock();
        loop {
            match *order {
                Order::Nothing => self.changed.wait(&mut order),
                Order::End => return,
                Order::WakeAt(at) if at <= Instant::now() => {
                    *order = Order::Nothing;
                    self.alarm.notify_one();
                }
                Order::WakeAt(at) => {
                    self.changed.wait_until(&mut order, at.into_std());
                }
            }
        }
    }
}
