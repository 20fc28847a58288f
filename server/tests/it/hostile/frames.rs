//! Frames of HTTP/2, written and read by hand.

use std::{
    io::{self, BufReader, Read, Write},
    net::TcpStream,
};

use crate::support::{Relay, connect};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// A frame as it was read.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The error code of a `RST_STREAM`.
    pub(super) fn code(&self) -> u8 {
        self.payload[3]
    }
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A string of HPACK, without Huffman's code (RFC 7541 §5.2).
fn string(text: &str) -> Vec<u8> {
    let mut encoded = Vec::new();
    let mut rest = text.len();
    if rest < 0x7f {
        encoded.push(u8::try_from(rest).unwrap());
    } else {
        encoded.push(0x7f);
        rest -= 0x7f;
        while 0x80 <= rest {
            encoded.push(u8::try_from(rest % 0x80).unwrap() | 0x80);
            rest /= 0x80;
        }
        encoded.push(u8::try_from(rest).unwrap());
    }
    encoded.extend_from_slice(text.as_bytes());
    encoded
}

/// A field that is not indexed (RFC 7541 §6.2.2).
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    [vec![0], string(name), string(value)].concat()
}

/// The header block of a GET.
pub(super) fn block(path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x82, 0x86];
    block.extend(field(":path", path));
    block.extend(field(":authority", "h"));
    for (name, value) in fields {
        block.extend(field(name, value));
    }
    block
}

pub(super) fn headers(stream: u32, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(path, fields))
}

/// A connection whose settings have been exchanged.
pub(super) fn handshake(relay: &Relay) -> BufReader<TcpStream> {
    let mut stream = BufReader::new(connect(relay.public));
    let begin = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(SETTINGS, 0, 0, &[])];
    stream.get_mut().write_all(&begin.concat()).unwrap();
    let settings = next_frame(&mut stream).unwrap();
    assert_eq!(settings.kind, SETTINGS);
    stream.get_mut().write_all(&frame(SETTINGS, 1, 0, &[])).unwrap();
    stream
}

fn next_frame(stream: &mut impl Read) -> io::Result<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    let [_, a, b, kind, _, id @ ..] = head;
    let mut payload = vec![0; usize::from(a) << 8 | usize::from(b)];
    stream.read_exact(&mut payload)?;
    Ok(Frame { kind, stream: u32::from_be_bytes(id), payload })
}

/// The frames up to the one that is looked for, or to the connection's end.
pub(super) fn find(
    stream: &mut impl Read,
    mut wanted: impl FnMut(&Frame) -> bool,
) -> Option<Frame> {
    loop {
        match next_frame(stream) {
            Ok(frame) if wanted(&frame) => return Some(frame),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("nothing comes"),
            Err(_) => return None,
        }
    }
}

/// The status of an answer whose header block begins with it.
pub(super) fn status(frame: &Frame) -> Option<u16> {
    match frame.payload.first()? {
        // The static table has these (RFC 7541 appendix A).
        0x88 => Some(200),
        0x8c => Some(400),
        0x8d => Some(404),
        0x8e => Some(500),
        // `:status` with a value of its own, most often in Huffman's code.
        _ => None,
    }
}
