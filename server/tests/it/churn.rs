//! 100,000 distinct objects through a small cache: what it accounts for and
//! what it takes stay within their bounds.

use std::{
    io::{self, BufReader, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::support::{Origin, Relay, connect, read_answer, read_head};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

const OBJECTS: usize = 100_000;
const CACHE: usize = 64 * MIB;
/// The memory of the whole process: a quarter more than the cache, for what
/// the allocator cannot fill, and what the program takes by itself.
const RESIDENT: u64 = (CACHE / 4 * 5 / KIB + 48 * KIB) as u64;
/// What of the released program is in memory, in KiB.
const RELEASED: u64 = 8 * KIB as u64;
const CONNECTIONS: usize = 4;

/// The bodies: each is a part of these bytes.
struct Bodies(Vec<u8>);

impl Bodies {
    fn new() -> Bodies {
        let mut state = 1_u64;
        let bytes = (0..2 * MIB).map(|_| {
            state = splitmix(state);
            state.to_le_bytes()[0]
        });
        Bodies(bytes.collect())
    }

    fn of(&self, object: usize) -> &[u8] {
        &self.0[object * 7 % MIB..][..size(object)]
    }
}

/// From 1 KiB to 1 MiB, small ones more often (bounded Pareto, exponent 1/2),
/// in no order.
fn size(object: usize) -> usize {
    let bits = splitmix(object as u64) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
    let uniform = bits as f64 / (1_u64 << 53) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "up to 2^20")]
    let size = (1024.0 / (1.0 - uniform * 31.0 / 32.0).powi(2)) as usize;
    size
}

fn splitmix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn origin(bodies: &Arc<Bodies>) -> Origin {
    let bodies = Arc::clone(bodies);
    Origin::accepting(move |_, stream| {
        while let Some(head) = read_head(stream)? {
            let path = head.split(' ').nth(1).and_then(|path| path.strip_prefix('/'));
            let object =
                path.and_then(|path| path.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
            let body = bodies.of(object);
            let mut answer = Vec::with_capacity(body.len() + 128);
            let length = body.len();
            let fields = format!("cache-control: max-age=3600\r\netag: \"{object}\"");
            write!(answer, "HTTP/1.1 200 OK\r\n{fields}\r\ncontent-length: {length}\r\n\r\n")?;
            answer.extend_from_slice(body);
            stream.get_mut().write_all(&answer)?;
        }
        Ok(())
    })
}

fn get(stream: &mut BufReader<TcpStream>, bodies: &Bodies, object: usize) {
    // In one piece: the second of two would wait for the first to be acknowledged.
    let request = format!("GET /{object} HTTP/1.1\r\nhost: h\r\n\r\n");
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let answer = read_answer(stream);
    assert_eq!(answer.status(), 200, "{}", answer.head);
    assert!(answer.body == bodies.of(object), "object {object} has another body");
}

#[test]
fn memory_stays_within_its_bounds() {
    let bodies = Arc::new(Bodies::new());
    let origin = origin(&bodies);
    let mut relay =
        Relay::start(&["--upstream", &origin.url(), "--cache-size", "64MiB", "--workers", "2"]);
    // The access log is written as ever, and read as it comes.
    let mut log = relay.stderr.take().unwrap();
    let reading = thread::spawn(move || io::copy(&mut log, &mut io::sink()));
    let bound = relay.metric("lunch_relay_store_bound_bytes");
    assert_eq!(bound, CACHE as u64 / 8 * 7);

    let next = AtomicUsize::new(0);
    let fetch = || {
        let mut stream = BufReader::new(connect(relay.public));
        loop {
            let object = next.fetch_add(1, Ordering::Relaxed);
            if OBJECTS <= object {
                break;
            }
            get(&mut stream, &bodies, object);
        }
    };
    let mut most_used = 0;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(fetch)).collect();
        while !clients.iter().all(thread::ScopedJoinHandle::is_finished) {
            // Less often than the relay does it itself: to read the figures is maintenance too.
            thread::sleep(Duration::from_millis(500));
            let used = relay.metric("lunch_relay_store_used_bytes");
            assert!(used <= bound, "{used} bytes");
            assert!(relay.metric("lunch_relay_fill_buffers_bytes") <= CACHE as u64 / 8);
            most_used = most_used.max(used);
        }
    });
    // The kernel remembers the peak: no sample is missed.
    let peak = relay.memory_kib("VmHWM");
    // The program that is tested is twice as large as the one that is released.
    let peak = peak - relay.memory_kib("RssFile") + RELEASED;
    println!("{OBJECTS} objects: {most_used} bytes of {bound} accounted for, {peak} KiB in RAM");
    assert!(bound / 2 < most_used, "{most_used} bytes");
    assert!(peak <= RESIDENT, "{peak} KiB");
    drop(relay);
    reading.join().unwrap().unwrap();
}
