//! The relay as a child process, a scripted origin, and a client that sees bytes.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// No answer takes longer; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A running relay, killed when dropped.
pub(crate) struct Relay {
    child: Child,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) stderr: Option<ChildStderr>,
    stdout: BufReader<ChildStdout>,
}

impl Relay {
    /// Starts a relay in front of `upstream`.
    pub(crate) fn before(upstream: &str) -> Relay {
        Relay::start(&["--upstream", upstream])
    }

    /// Starts a relay with these flags, on ports that the system chooses where
    /// they do not.
    pub(crate) fn start(flags: &[&str]) -> Relay {
        Relay::spawn(&mut Command::new(env!("CARGO_BIN_EXE_relay")), flags)
    }

    /// Starts a relay whose file says what the upstream may be asked for.
    pub(crate) fn start_plain(flags: &[&str]) -> Relay {
        Relay::spawn_plain(&mut Command::new(env!("CARGO_BIN_EXE_relay")), flags)
    }

    /// Starts a relay with at most `files` open files.
    pub(crate) fn start_with_open_files(files: u32, flags: &[&str]) -> Relay {
        let script = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        Relay::spawn(shell.args(["-c", &script, env!("CARGO_BIN_EXE_relay")]), flags)
    }

    fn spawn(command: &mut Command, flags: &[&str]) -> Relay {
        // Few tests are about the governor: those say what it keeps to.
        command.args(["--upstream-rate=unlimited", "--upstream-concurrency=unlimited"]);
        Relay::spawn_plain(command, flags)
    }

    fn spawn_plain(command: &mut Command, flags: &[&str]) -> Relay {
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut address = |name: &str| {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let prefix = format!("{name} http");
            let rest = line.trim_end().strip_prefix(&prefix);
            let rest = rest.map(|rest| rest.strip_prefix('s').unwrap_or(rest));
            if let Some(address) = rest.and_then(|rest| rest.strip_prefix("://")) {
                return address.parse().unwrap();
            }
            let mut log = String::new();
            child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
            panic!("expected {prefix:?}, not {line:?}; log: {log}");
        };
        let (public, admin) = (address("relay"), address("admin"));
        let stderr = child.stderr.take();
        Relay { child, public, admin, stderr, stdout }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(status.unwrap().success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Ends the relay as its operator would, and gives its log.
    pub(crate) fn end(mut self) -> String {
        self.signal("TERM");
        let status = self.wait();
        let mut log = String::new();
        self.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(status.success(), "{status}; log: {log}");
        log
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it wrote on stdout besides its addresses, once it has ended.
    pub(crate) fn rest_of_stdout(&mut self) -> String {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        rest
    }

    /// Gets `path` on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Answer {
        get(self.public, path, "")
    }

    /// The value of a metric, its name with labels as it is exposed.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let answer = get(self.admin, "/metrics", "");
        let text = answer.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.unwrap_or_else(|| panic!("no {name} in:\n{text}"));
        value.trim().parse().unwrap()
    }

    /// A figure of `/proc/PID/status` in KiB, such as `VmHWM`.
    pub(crate) fn memory_kib(&self, figure: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(figure)).unwrap();
        line.trim_matches([':', ' ', '\t']).split(' ').next().unwrap().parse().unwrap()
    }

    /// Processor time used so far, in clock ticks.
    pub(crate) fn processor_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an origin does after it has answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    KeepOpen,
    Close,
}

/// A demo upstream in a process of its own.
pub(crate) struct Demo {
    child: Child,
    pub(crate) base: String,
}

impl Demo {
    pub(crate) fn start(era: &str) -> Demo {
        let mut child = Command::new(env!("CARGO_BIN_EXE_relay"))
            .args(["demo-upstream", "--listen=127.0.0.1:0", "--latency=0ms", "--era", era])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut base = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut base).unwrap();
        Demo { child, base: base.trim_end().to_owned() }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An origin that answers each request with what a function writes.
pub(crate) struct Origin {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Origin {
    /// An origin whose `answer` gets the head of each request, and the stream
    /// behind it with whatever body there is still to be read.
    pub(crate) fn start<F>(answer: F) -> Origin
    where
        F: Fn(&str, &mut BufReader<TcpStream>) -> io::Result<Then> + Send + Sync + 'static,
    {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let origin = Origin::accepting({
            let heads = Arc::clone(&heads);
            move |_, stream| {
                while let Some(head) = read_head(stream)? {
                    heads.lock().unwrap().push(head.clone());
                    if answer(&head, stream)? == Then::Close {
                        break;
                    }
                }
                Ok(())
            }
        });
        Origin { heads, ..origin }
    }

    /// An origin whose `serve` gets each connection, and how many came before it.
    pub(crate) fn accepting<F>(serve: F) -> Origin
    where
        F: Fn(usize, &mut BufReader<TcpStream>) -> io::Result<()> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let serve = Arc::new(serve);
        thread::spawn({
            let connections = Arc::clone(&connections);
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let serve = Arc::clone(&serve);
                    let before = connections.fetch_add(1, Ordering::SeqCst);
                    // How a connection ends is seen by the relay.
                    thread::spawn(move || serve(before, &mut BufReader::new(stream)));
                }
            }
        });
        Origin { address, heads: Arc::default(), connections }
    }

    /// An origin that answers every request with these bytes.
    pub(crate) fn answering(bytes: impl Into<Vec<u8>>) -> Origin {
        let bytes = bytes.into();
        Origin::start(move |_, stream| {
            stream.get_mut().write_all(&bytes)?;
            Ok(Then::Close)
        })
    }

    /// An origin that answers every request with a body that echoes its head.
    pub(crate) fn echoing() -> Origin {
        Origin::start(|head, stream| {
            let length = head.len();
            let fields = "content-type: text/plain\r\ncache-control: no-store\r\n";
            write!(
                stream.get_mut(),
                "HTTP/1.1 200 OK\r\n{fields}content-length: {length}\r\n\r\n{head}"
            )?;
            Ok(Then::KeepOpen)
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections have been made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The heads of all requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// Waits for what is sure to come.
pub(crate) fn until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::sleep(Duration::from_millis(5));
    }
}

/// An address where nothing listens.
pub(crate) fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Reads a header section; `None` at the end of the stream.
pub(crate) fn read_head(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let head = read_head_bytes(stream)?;
    Ok(head.map(|head| String::from_utf8_lossy(&head).into_owned()))
}

/// Reads a header section as it is.
pub(crate) fn read_head_bytes(stream: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut head)? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

/// A connection to the relay.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes and reads until the relay closes the connection.
pub(crate) fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut stream = connect(address);
    // The relay may answer and close before it has read all of it.
    let _ = stream.write_all(bytes.as_ref());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// Gets `path` on a connection of its own, with more field lines.
pub(crate) fn get(address: SocketAddr, path: &str, fields: &str) -> Answer {
    // A name of this machine: the operator's listener answers no other.
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{fields}\r\n");
    Answer::parse(&exchange(address, request))
}

/// Sends a request with a body on a connection of its own, with more field lines.
pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    fields: &str,
    body: &str,
) -> Answer {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-length: {length}\r\n{fields}\r\n{body}"
    );
    Answer::parse(&exchange(address, request))
}

/// Reads one answer from a connection that stays open.
pub(crate) fn read_answer(stream: &mut BufReader<TcpStream>) -> Answer {
    let mut answer = Answer::of_head(read_head(stream).unwrap().expect("an answer"));
    if let Some(length) = answer.field("content-length") {
        answer.body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut answer.body).unwrap();
    } else if answer.field("transfer-encoding").is_some() {
        answer.body = read_chunks(stream).unwrap();
    }
    answer
}

/// Reads the body that a request's head announces.
pub(crate) fn read_body(head: &str, stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let head = Answer::of_head(head.to_owned());
    if head.field("transfer-encoding").is_some() {
        return read_chunks(stream);
    }
    let length = head.field("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

/// Reads a chunked body, its chunks put together.
pub(crate) fn read_chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16)
            .map_err(|_| io::Error::other(format!("no chunk size: {line:?}")))?;
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

/// An answer, seen from the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    fields: HashMap<String, Vec<String>>,
}

impl Answer {
    /// All that a connection brought until it was closed.
    pub(crate) fn parse(bytes: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no header section: {text:?}")) + 4;
        let mut answer = Answer::of_head(String::from_utf8_lossy(&bytes[..end]).into_owned());
        answer.body = bytes[end..].to_vec();
        answer
    }

    fn of_head(head: String) -> Answer {
        let mut fields: HashMap<String, Vec<String>> = HashMap::new();
        for line in head.lines().skip(1).take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap();
            fields.entry(name.to_lowercase()).or_default().push(value.trim().to_owned());
        }
        Answer { head, body: Vec::new(), fields }
    }

    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The value of a field that has one line.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let lines = self.fields.get(name)?;
        assert_eq!(lines.len(), 1, "{name} has several lines: {}", self.head);
        Some(&lines[0])
    }

    /// All lines of a field.
    pub(crate) fn lines(&self, name: &str) -> Vec<&str> {
        self.fields.get(name).into_iter().flatten().map(String::as_str).collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
