//! Which shards of a program go together, and what those of others come to.

use super::*;

/// Runs that have sent these shards, named by letters.
fn runs(shards: &[&[(u32, u32)]]) -> Vec<Source> {
    let run = |(number, shards): (u64, &&[(u32, u32)])| {
        let name = ["a", "b", "c", "d"][usize::try_from(number).unwrap()];
        let mut source = source(name, number, &[vec![vec![200, 302]]]);
        source.summary.run.shards = shards.iter().map(|&(index, of)| shard(index, of)).collect();
        let run = source.summary.provenance[0].clone();
        source.summary.provenance = (0..shards.len()).map(|_| run.clone()).collect();
        source
    };
    (0..).zip(shards).map(run).collect()
}

#[track_caller]
fn check(shards: &[&[(u32, u32)]], warning: Option<&str>) {
    let merged = merge(runs(shards)).unwrap();
    assert_eq!(merged.warnings, Vec::from_iter(warning));
    let expected = shards.concat().into_iter().map(|(index, of)| shard(index, of));
    assert_eq!(merged.summary.run.shards, expected.collect::<Vec<_>>());
    let steps = &merged.summary.steps;
    assert_eq!(steps[0].rate, Some(100.0));
}

#[test]
fn all_of_them_are_one_program() {
    check(&[&[(0, 1)]], None);
    check(&[&[(0, 2)], &[(1, 2)]], None);
    check(&[&[(2, 3)], &[(0, 3)], &[(1, 3)]], None);
    // What was merged before.
    check(&[&[(0, 4), (2, 4)], &[(3, 4), (1, 4)]], None);
    check(&[&[(0, 3), (1, 3)], &[(2, 3)]], None);
}

#[test]
fn what_is_missing_is_said() {
    let says = |here: &str| {
        Some(format!("only {here} is not: the sum is of a part of the requests; merge all of them"))
    };
    check(&[&[(0, 3)], &[(1, 3)]], says("2 of 3 shards are here, and 2/3").as_deref());
    check(&[&[(1, 2)]], says("1 of 2 shards are here, and 0/2").as_deref());
    check(&[&[(0, 9), (3, 9)], &[(1, 9)]], says("3 of 9 shards are here, and 2/9").as_deref());
}

#[track_caller]
fn check_refused(shards: &[&[(u32, u32)]], message: &str) {
    assert_eq!(merge(runs(shards)).unwrap_err().to_string(), message);
}

#[test]
fn what_was_sent_twice_is_refused() {
    let others = "so some requests were sent twice and others by nobody: make the runs again, \
                  each generator with a --shard of its own";
    let message =
        |pair: &str, shard: &str| format!("{pair} have both sent shard {shard}, {others}");
    check_refused(&[&[(1, 2)], &[(1, 2)]], &message("a and b", "1/2"));
    check_refused(&[&[(0, 3)], &[(1, 3)], &[(0, 3)]], &message("a and c", "0/3"));
    check_refused(&[&[(0, 4), (1, 4)], &[(2, 4), (1, 4)]], &message("a and b", "1/4"));
}

#[test]
fn parts_of_another_size_are_refused() {
    let others = "which are no parts of one program: make the runs again, with the same N in each \
                  --shard K/N";
    let message = |parts: &str| format!("{parts}, {others}");
    check_refused(&[&[(0, 2)], &[(1, 3)]], &message("a has sent shard 0/2, and b shard 1/3"));
    check_refused(&[&[(0, 1)], &[(1, 2)]], &message("a has sent shard 0/1, and b shard 1/2"));
    check_refused(
        &[&[(0, 2), (1, 2)], &[(0, 3)]],
        &message("a has sent shard 0/2, and b shard 0/3"),
    );
}

/// Each has sent the whole program, so it was sent as often.
#[test]
fn those_that_each_sent_all_of_it_add_up() {
    for (shards, program, rate) in [
        (&[&[(0, 1)][..]][..], "100/s over 10s", 100.0),
        (&[&[(0, 1)], &[(0, 1)]], "100/s over 10s, by each of 2 generators", 200.0),
    ] {
        let merged = merge(runs(shards)).unwrap();
        let Summary { run, steps, .. } = &merged.summary;
        assert_eq!((run.program.as_str(), steps[0].rate), (program, Some(rate)));
        assert!(merged.warnings.is_empty(), "{:?}", merged.warnings);
    }
    // What was merged before has the sum of rates already.
    let mut sources = runs(&[&[(0, 1), (0, 1), (0, 1)], &[(0, 1)]]);
    sources[0].summary.steps[0].rate = Some(0.1 + 0.1 + 0.1);
    sources[1].summary.steps[0].rate = Some(0.1);
    "100/s over 10s, by each of 3 generators".clone_into(&mut sources[0].summary.run.program);
    let Summary { run, steps, .. } = merge(sources).unwrap().summary;
    assert_eq!(run.program, "100/s over 10s, by each of 4 generators");
    assert!((steps[0].rate.unwrap() - 0.4).abs() < 1e-9, "{:?}", steps[0].rate);
}

/// Users are each generator's own, whichever shard it was given.
#[test]
fn shards_make_no_difference_to_users() {
    let mut sources = runs(&[&[(1, 2)], &[(1, 2)], &[(0, 3)]]);
    for source in &mut sources {
        source.summary.run.model = Model::Closed;
        source.summary.steps[0].rate = None;
    }
    let merged = merge(sources).unwrap();
    assert!(merged.warnings.is_empty(), "{:?}", merged.warnings);
    assert_eq!(merged.summary.run.program, "100/s over 10s, by 3 generators");
    assert_eq!(merged.summary.steps[0].rate, None);
}
