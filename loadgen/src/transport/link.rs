//! One request and the whole answer to it, over a connection that is opened
//! when it is needed.

use std::rc::Rc;

use http_body_util::BodyExt;
use hyper::{
    Response,
    body::{Body as _, Incoming},
};
use tokio::time::Instant;

use super::{
    Expected, Failure, Reuse, Sources, Transport,
    body::{Print, Printing},
    broken::{Side, Stage, fault_of},
    connection::{Http1, Http2Connection},
    stream::Watch,
    timeout::{Alarm, Elapsed},
};
use crate::{
    classify::Classifier,
    fault::Fault,
    record::{Answer, Body, Outcome},
};

/// What carries a slot's requests.
pub(crate) struct Link {
    carrier: Carrier,
    alarm: Alarm,
}

enum Carrier {
    Http1(Option<Http1>),
    Http2(Rc<Http2Connection>),
}

/// How an exchange went.
pub(crate) struct Exchanged {
    pub(crate) outcome: Outcome,
    pub(crate) first_byte: Option<Instant>,
    pub(crate) done: Instant,
    /// Connections that were opened for it.
    pub(crate) opened: u64,
    /// Why it failed, where it did.
    pub(crate) failure: Option<Failure>,
}

impl Link {
    pub(crate) fn http1() -> Self {
        Self { carrier: Carrier::Http1(None), alarm: Alarm::new() }
    }

    pub(crate) fn http2(connection: Rc<Http2Connection>) -> Self {
        Self { carrier: Carrier::Http2(connection), alarm: Alarm::new() }
    }

    /// Opens the connection if it is not open. How many were opened: another
    /// slot may have done it.
    pub(crate) async fn open(
        &mut self,
        transport: &Transport,
        sources: &Sources,
    ) -> Result<u64, Failure> {
        match &mut self.carrier {
            Carrier::Http1(Some(http1)) if !http1.sender.is_closed() => Ok(0),
            Carrier::Http1(connection) => {
                *connection = Some(Http1::open(transport, sources).await?);
                Ok(1)
            }
            Carrier::Http2(connection) => connection.open(transport, sources).await,
        }
    }

    /// Sends a request and reads all of its answer.
    ///
    /// A request that finds its connection closed opens another one, and that
    /// is part of its time, as it is for any client.
    pub(crate) async fn exchange(
        &mut self,
        transport: &Transport,
        sources: &Sources,
        classifier: &Classifier,
        sent: Instant,
    ) -> Exchanged {
        let mut progress = Progress { opened: 0, asked: sent, first_byte: None };
        let exchanged = self.try_exchange(transport, sources, classifier, &mut progress).await;
        let done = Instant::now();
        let (outcome, failure) = match exchanged {
            Ok(answer) => (Outcome::Completed(answer), None),
            Err(failure) => (Outcome::Failed(failure.fault), Some(failure)),
        };
        let Progress { opened, first_byte, .. } = progress;
        Exchanged { outcome, first_byte, done, opened, failure }
    }

    /// Lets the connection go, so that the next request opens another one.
    fn close(&mut self) {
        match &mut self.carrier {
            Carrier::Http1(connection) => *connection = None,
            Carrier::Http2(connection) => connection.close(),
        }
    }

    async fn try_exchange(
        &mut self,
        transport: &Transport,
        sources: &Sources,
        classifier: &Classifier,
        progress: &mut Progress,
    ) -> Result<Answer, Failure> {
        let response = loop {
            let fresh = self.open(transport, sources).await?;
            if 0 < fresh {
                progress.opened += fresh;
                progress.asked = Instant::now();
            }
            match self.head(transport, progress).await {
                // What was kept alive has closed just now, and nothing of the
                // request was written.
                Err(Unanswered::NotSent) if fresh == 0 => self.close(),
                Err(Unanswered::NotSent) => return Err(Fault::EofBeforeHeaders.into()),
                Err(Unanswered::Failed(failure)) => return Err(failure),
                Ok(response) => break response,
            }
        };
        let status = response.status().as_u16();
        let cache = classifier.class(response.headers());
        let begun = progress.first_byte.unwrap_or(progress.asked);
        let print = self.body(response.into_body(), begun + transport.timeouts.body).await?;
        let body = match &transport.expected {
            Expected::First(first) if status == 200 && *first.get_or_init(|| print) != print => {
                Body::Differs
            }
            Expected::Exactly(expected) if status == 200 && *expected != print => {
                let got = format!("{} bytes, CRC-32 {:08x}", print.length, print.crc32);
                return Err(Failure::new(Fault::BodyMismatch, got));
            }
            Expected::First(_) | Expected::Exactly(_) => Body::Same,
        };
        Ok(Answer { status, cache, bytes: print.length, body })
    }

    async fn head(
        &mut self,
        transport: &Transport,
        progress: &mut Progress,
    ) -> Result<Response<Incoming>, Unanswered> {
        let request = transport.request.clone();
        let deadline = progress.asked + transport.timeouts.header;
        let watch = match &self.carrier {
            Carrier::Http1(http1) => http1.as_ref().map(|http1| Rc::clone(&http1.watch)),
            Carrier::Http2(_) => None,
        };
        if let Some(watch) = &watch {
            watch.first_byte.set(None);
        }
        let answered = match &mut self.carrier {
            Carrier::Http1(Some(http1)) => {
                self.alarm.before(deadline, http1.sender.send_request(request)).await
            }
            Carrier::Http1(None) => return Err(Unanswered::NotSent),
            Carrier::Http2(connection) => {
                let Some(mut sender) = connection.sender() else { return Err(Unanswered::NotSent) };
                self.alarm.before(deadline, sender.send_request(request)).await
            }
        };
        progress.first_byte = match &watch {
            Some(watch) => watch.first_byte.get(),
            // A stream's bytes are not told apart: its head has to do.
            None => matches!(answered, Ok(Ok(_))).then(Instant::now),
        };
        match answered {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_canceled() => Err(Unanswered::NotSent),
            Ok(Err(error)) => {
                Err(Unanswered::Failed(Self::broken(error, watch.as_deref(), Stage::Head)))
            }
            Err(Elapsed) => Err(Unanswered::Failed(Fault::HeaderTimeout.into())),
        }
    }

    async fn body(&mut self, mut body: Incoming, deadline: Instant) -> Result<Print, Failure> {
        let mut printing = Printing::default();
        if body.is_end_stream() {
            return Ok(printing.done());
        }
        let reading = async {
            while let Some(frame) = body.frame().await {
                if let Some(bytes) = frame?.data_ref() {
                    printing.add(bytes);
                }
            }
            Ok(printing.done())
        };
        match self.alarm.before(deadline, reading).await {
            Ok(Ok(print)) => Ok(print),
            Ok(Err(error)) => Err(Self::broken(error, None, Stage::Body)),
            Err(Elapsed) => Err(Fault::BodyTimeout.into()),
        }
    }

    fn broken(error: hyper::Error, watch: Option<&Watch>, stage: Stage) -> Failure {
        let side = match watch {
            Some(watch) if watch.writing.get() => Side::Write,
            _ => Side::Read,
        };
        Failure::new(fault_of(&error, side, stage), error)
    }

    /// Sees that the connection can carry the next request, or is closed.
    pub(crate) async fn recover(&mut self, transport: &Transport, outcome: Outcome) {
        // Streams of HTTP/2 end alone.
        let Carrier::Http1(connection) = &mut self.carrier else { return };
        // What was cut off in the middle of an answer carries no other.
        let whole = matches!(outcome, Outcome::Completed(_) | Outcome::Failed(Fault::BodyMismatch));
        let reusable = match connection {
            Some(http1) if whole && transport.reuse == Reuse::KeepAlive => {
                http1.sender.ready().await.is_ok()
            }
            _ => false,
        };
        if !reusable {
            *connection = None;
        }
    }
}

/// How far an exchange has come.
struct Progress {
    /// Connections that were opened for it.
    opened: u64,
    /// When its request could be written: it was sent, and is connected.
    asked: Instant,
    first_byte: Option<Instant>,
}

enum Unanswered {
    /// The connection was closed before the request was written.
    NotSent,
    Failed(Failure),
}
