//! Which processor a thread may run on.

use std::io;

use rustix::{
    process::Pid,
    thread::{CpuSet, sched_setaffinity},
};

/// Binds `thread` to `processor`, or this one where it is `None`. Of another
/// process it is the main thread, and those that it starts from then on.
pub fn pin_to(processor: usize, thread: Option<Pid>) -> io::Result<()> {
    if CpuSet::MAX_CPU <= processor {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut set = CpuSet::new();
    set.set(processor);
    Ok(sched_setaffinity(thread, &set)?)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustix::thread::sched_getaffinity;

    use super::*;

    /// A thread of its own takes it with it.
    #[test]
    fn a_thread_is_bound_to_one_processor() {
        let allowed = sched_getaffinity(None).unwrap();
        let last = (0..CpuSet::MAX_CPU).rfind(|processor| allowed.is_set(*processor)).unwrap();
        let pinned = move || {
            pin_to(last, None).unwrap();
            sched_getaffinity(None).unwrap()
        };
        let bound = thread::spawn(pinned).join().unwrap();
        assert_eq!((bound.count(), bound.is_set(last)), (1, true));
        assert_eq!(sched_getaffinity(None).unwrap(), allowed);
    }

    #[test]
    fn there_are_only_so_many() {
        let error = pin_to(CpuSet::MAX_CPU, None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
