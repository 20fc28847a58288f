//! The kernel's account of a process and its descendants.

use procfs::process::{FDTarget, Process};

/// The processor time that they have used until now, user and system, in
/// seconds.
#[expect(clippy::cast_precision_loss, reason = "ticks of hours")]
pub fn cpu_seconds(pid: u32) -> f64 {
    let stats = tree(pid).into_iter().filter_map(|process| process.stat().ok());
    let ticks: u64 = stats.map(|stat| stat.utime + stat.stime).sum();
    ticks as f64 / procfs::ticks_per_second() as f64
}

/// The most memory that each of them had resident, added up, in bytes.
pub fn peak_bytes(pid: u32) -> u64 {
    let statuses = tree(pid).into_iter().filter_map(|process| process.status().ok());
    statuses.filter_map(|status| status.vmhwm).sum::<u64>() * 1024
}

/// Whether one of them, and nobody else, listens on this port.
pub(super) fn listens(pid: u32, port: u16) -> bool {
    let Ok(sockets) = procfs::net::tcp() else { return false };
    let listening = sockets.into_iter().filter(|socket| {
        socket.local_address.port() == port && socket.state == procfs::net::TcpState::Listen
    });
    let listening: Vec<u64> = listening.map(|socket| socket.inode).collect();
    let holds = |process: &Process| {
        process.fd().is_ok_and(|descriptors| {
            descriptors.flatten().any(|it| match it.target {
                FDTarget::Socket(inode) => listening.contains(&inode),
                _ => false,
            })
        })
    };
    !listening.is_empty() && tree(pid).iter().any(holds)
}

/// The process and its descendants. One that ends meanwhile is left out.
fn tree(pid: u32) -> Vec<Process> {
    let (mut found, mut todo) = (Vec::new(), vec![pid]);
    while let Some(pid) = todo.pop() {
        let process = i32::try_from(pid).ok().and_then(|pid| Process::new(pid).ok());
        let Some(process) = process else { continue };
        for task in process.tasks().into_iter().flatten().flatten() {
            todo.extend(task.children().unwrap_or_default());
        }
        found.push(process);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        net::TcpListener,
        process::{Command, Stdio},
    };

    use super::*;

    /// A shell whose child has used processor time and says so.
    #[test]
    fn children_are_counted() {
        let script = "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo; exec sleep 1000' & \
                      echo $!; wait";
        let mut shell = Command::new("sh");
        let mut shell = shell.args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
        let child = lines.next().unwrap().unwrap().parse().unwrap();
        lines.next().unwrap().unwrap();
        let (whole, part) = (cpu_seconds(shell.id()), cpu_seconds(child));
        let memory = (peak_bytes(shell.id()), peak_bytes(child));
        for pid in [child, shell.id()] {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        shell.wait().unwrap();
        assert!(0.0 < part && part <= whole, "{part} of {whole}");
        assert!(0 < memory.1 && memory.1 < memory.0, "{memory:?}");
    }

    #[test]
    fn who_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(listens(std::process::id(), port));
        // It waits for what is never said, and has no socket.
        let mut other = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let does_other = listens(other.id(), port);
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(!does_other);
        drop(listener);
        assert!(!listens(std::process::id(), port));
    }
}
