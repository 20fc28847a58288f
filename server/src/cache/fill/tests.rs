use futures_util::FutureExt;
use http_body_util::BodyExt;

use super::*;

type Test = Fill<&'static str, ()>;

fn fill(pool: usize, limit: usize) -> (Arc<Test>, Arc<Pool>) {
    let pool = Pool::new(pool);
    let limits = Limits { whole: limit, readers: 1000 };
    (Arc::new(Fill::new(&pool, limits)), pool)
}

fn piece(size: usize) -> Bytes {
    Bytes::from(vec![b'x'; size])
}

/// The next piece if there is one: its size, or that it ended or broke.
fn next(reader: &mut Reader<&'static str, ()>) -> Option<Result<usize, &'static str>> {
    match reader.frame().now_or_never()? {
        Some(Ok(frame)) => Some(Ok(frame.into_data().unwrap().len())),
        Some(Err(_)) => Some(Err("broken")),
        None => Some(Err("end")),
    }
}

#[tokio::test]
async fn everyone_reads_from_the_first_byte() {
    let (fill, _) = fill(1000, 100);
    let mut early = fill.read().unwrap();
    let writer = Arc::clone(&fill).write();
    assert!(early.landing().now_or_never().is_none());
    writer.land(Landing::Shared("head"));
    assert!(matches!(early.landing().await, Some(Landing::Shared("head"))));

    assert_eq!(writer.write(piece(3)).await, Written::Kept);
    assert_eq!(next(&mut early), Some(Ok(3)));
    assert_eq!(next(&mut early), None);
    let mut late = fill.read().unwrap();
    assert_eq!(writer.whole(), Some(vec![piece(3)]));
    writer.finish(None);
    assert_eq!(next(&mut early), Some(Err("end")));
    assert_eq!(next(&mut late), Some(Ok(3)));
    assert!(late.is_end_stream());
}

#[tokio::test]
async fn a_writer_that_is_dropped_breaks_the_fill_off() {
    let (fill, _) = fill(1000, 100);
    let mut reader = fill.read().unwrap();
    let writer = Arc::clone(&fill).write();
    writer.write(piece(3)).await;
    drop(writer);
    assert!(reader.landing().await.is_none());
    assert_eq!(next(&mut reader), Some(Ok(3)));
    assert_eq!(next(&mut reader), Some(Err("broken")));
}

#[tokio::test]
async fn trailers_come_last_and_once() {
    let (fill, _) = fill(1000, 100);
    let mut reader = fill.read().unwrap();
    let writer = Arc::clone(&fill).write();
    writer.finish(Some(HeaderMap::new()));
    assert!(reader.frame().await.unwrap().unwrap().is_trailers());
    assert!(reader.frame().await.is_none());
}

#[tokio::test]
async fn past_its_limit_it_goes_on_at_the_pace_of_the_fastest() {
    let (fill, pool) = fill(10 << 20, 1 << 20);
    let mut reader = fill.read().unwrap();
    let writer = Arc::clone(&fill).write();
    assert_eq!(writer.write(piece(1 << 20)).await, Written::Kept);
    assert!(writer.write(piece(1)).now_or_never().is_none());
    let joined = fill.read().map(drop);
    assert_eq!(joined, Err(Unreadable::Passing), "the first byte may be gone: nobody can join");

    assert_eq!(next(&mut reader), Some(Ok(1 << 20)));
    assert_eq!(writer.write(piece(1)).now_or_never(), Some(Written::Passing));
    assert_eq!(pool.used(), 1 + PIECE_OVERHEAD);
    assert_eq!(writer.whole(), None);
    writer.finish(None);
    assert_eq!(next(&mut reader), Some(Ok(1)));
    assert_eq!(next(&mut reader), Some(Err("end")));
}

#[tokio::test]
async fn the_slowest_reader_is_cut_off() {
    let (fill, pool) = fill(10 << 20, 1 << 20);
    let (mut fast, mut slow) = (fill.read().unwrap(), fill.read().unwrap());
    let writer = Arc::clone(&fill).write();
    for _ in 0..12 {
        writer.write(piece(200_000)).await;
        assert_eq!(next(&mut fast), Some(Ok(200_000)));
    }
    assert_eq!(next(&mut slow), Some(Err("broken")));
    assert_eq!(pool.cut_off(), 1);
    writer.finish(None);
    assert_eq!(next(&mut fast), Some(Err("end")));
}

#[tokio::test]
async fn a_passing_fill_that_nobody_reads_ends() {
    let (fill, _) = fill(10, 100);
    let reader = fill.read().unwrap();
    let writer = Arc::clone(&fill).write();
    assert_eq!(writer.write(piece(50)).await, Written::Passing);
    drop(reader);
    assert_eq!(writer.write(piece(50)).await, Written::Deserted);
}

#[tokio::test]
async fn a_whole_fill_outlives_its_readers_and_gives_its_memory_back() {
    let (fill, pool) = fill(1000, 500);
    let reader = fill.read().unwrap();
    let writer = Arc::clone(&fill).write();
    drop(reader);
    assert_eq!(writer.write(piece(50)).await, Written::Kept);
    assert_eq!(pool.used(), 50 + PIECE_OVERHEAD);
    writer.finish(None);
    drop((fill, writer));
    assert_eq!(pool.used(), 0);
}

#[test]
fn it_has_no_more_readers_than_it_may() {
    let fill: Arc<Test> = Arc::new(Fill::new(&Pool::new(1000), Limits { whole: 100, readers: 2 }));
    let (first, _second) = (fill.read().unwrap(), fill.read().unwrap());
    assert_eq!(fill.read().map(drop), Err(Unreadable::Crowded));
    drop(first);
    assert!(fill.read().is_ok());
}
