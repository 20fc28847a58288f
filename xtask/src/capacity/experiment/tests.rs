use std::collections::BTreeSet;

use super::*;

const KNOWN: Known = Known { highest: 50_000.0, ceiling: 100_000.0 };

fn all(profile: Profile, processors: &[usize]) -> Vec<Planned> {
    let layout = Layout::of(processors);
    let mut trials = first(profile, &layout);
    trials.extend(rest(profile, &layout, KNOWN));
    trials
}

#[test]
fn a_ramp_goes_from_a_tenth_to_beyond_the_highest_rate() {
    let trials = ramp::plan(Profile::Quick, &Layout::of(&[0, 1]), KNOWN);
    assert_eq!(trials.len(), 6);
    let rates = |planned: &Planned| -> Vec<f64> {
        planned.load[1].split(',').map(|rate| rate.parse().unwrap()).collect()
    };
    let of = rates(&trials[0]);
    assert_eq!((of.len(), of[0], of[7]), (8, 5000.0, 62_500.0));
    // Equal ratios, to the rounding of the rates.
    let ratios: Vec<_> = of.windows(2).map(|pair| pair[1] / pair[0]).collect();
    assert!(ratios.iter().all(|ratio| (ratio / ratios[0] - 1.0).abs() < 1e-3), "{ratios:?}");
    assert_eq!(trials[0].length, Duration::from_secs(16));
    assert_ne!(trials[0].load, trials[2].load);
    // The one that is held out is none of the others.
    let held_out = rates(&trials[1]);
    assert_eq!(
        (held_out.as_slice(), trials[1].factors["held_out"].as_str()),
        ([37_500.0].as_slice(), "yes")
    );
    assert!(!of.contains(&held_out[0]));
    // What the generator cannot send is not asked for.
    let slow = Known { ceiling: 30_000.0, ..KNOWN };
    assert!(ramp::plan(Profile::Quick, &Layout::of(&[0, 1]), slow)[0].load[1].ends_with(",29400"));
}

/// On two processors as on sixteen, where there is more to vary.
#[test]
fn profiles_have_their_time() {
    let many: Vec<usize> = (0..16).collect();
    for (profile, calibration, minutes) in
        [(Profile::Quick, 20, 3), (Profile::Default, 30, 15), (Profile::Full, 30, 45)]
    {
        for processors in [&many[..2], &many] {
            let trials = all(profile, processors);
            let length: Duration = trials.iter().map(|trial| trial.length + OVERHEAD).sum();
            let length = length + Duration::from_secs(calibration);
            let bound = Duration::from_secs(60 * minutes);
            assert!(length < bound, "{profile}: {length:?}");
            assert!(bound / 2 < length, "{profile} could measure more: {length:?}");
        }
    }
}

#[test]
fn each_trial_has_a_folder_of_its_own() {
    for profile in [Profile::Quick, Profile::Default, Profile::Full] {
        let trials = all(profile, &[0, 1, 2, 3]);
        let folders: BTreeSet<_> = trials.iter().map(Planned::folder).collect();
        assert_eq!(folders.len(), trials.len());
    }
}

#[test]
fn trials_come_in_blocks_in_random_order() {
    let trials = rest(Profile::Default, &Layout::of(&[0, 1]), KNOWN);
    let repeated = |it: &&Planned| {
        !matches!(it.experiment, Experiment::Search | Experiment::Overload | Experiment::Soak)
    };
    let blocks: Vec<_> = trials.iter().filter(repeated).map(|planned| planned.trial).collect();
    assert!(blocks.is_sorted());
    assert_eq!(blocks.last(), Some(&2));
    let of = |trial| {
        let block = trials.iter().filter(repeated).filter(move |it| it.trial == trial);
        block.filter_map(|it| it.factors.get("ablation").cloned()).collect::<Vec<_>>()
    };
    assert_ne!(of(0), of(1));
    assert_eq!(trials, rest(Profile::Default, &Layout::of(&[0, 1]), KNOWN));
}

#[test]
fn more_processors_are_more_levels() {
    let levels = |processors: &[usize]| {
        let trials = cores::plan(Profile::Default, &Layout::of(processors));
        let levels = trials.into_iter().filter(|planned| planned.trial == 0);
        levels
            .map(|planned| (planned.layout.relay.len(), planned.load[1].clone()))
            .collect::<Vec<_>>()
    };
    let users = |level: usize| (level, (32 * level).to_string());
    assert_eq!(levels(&[0, 1]), [users(1)]);
    assert_eq!(levels(&[0, 1, 2, 3, 4, 5, 6]), [users(1), users(2), users(4), users(6)]);
}

/// One thing is changed at a time.
#[test]
fn an_ablation_is_one_change() {
    let trials = ablation::plan(Profile::Default, &Layout::of(&[0, 1]));
    let named = |name| trials.iter().find(|it| it.factors["ablation"] == name).unwrap();
    for planned in &trials {
        let without =
            if planned.factors["ablation"] == "workers-1" { "workers-all" } else { "baseline" };
        let baseline = named(without);
        let changes = [
            planned.subject != baseline.subject,
            planned.upstream != baseline.upstream
                && !planned.factors["ablation"].contains("upstream"),
            planned.layout != baseline.layout,
            planned.share != baseline.share,
            planned.load != baseline.load,
        ];
        let count = changes.into_iter().filter(|changed| *changed).count();
        let name = planned.factors["ablation"].as_str();
        let expected = match name {
            "baseline" => 0,
            // To store nothing, the upstream has to forbid it.
            "miss" => 2,
            // Not held against the baseline.
            "workers-all" => 3,
            _ => 1,
        };
        assert_eq!(count, expected, "{name}: {changes:?}");
    }
}

/// As many URIs for one relay as for several, each with a generator.
#[test]
fn relays_are_asked_for_one_uri_and_for_many() {
    let trials = instances::plan(Profile::Default, &Layout::of(&[0, 1]));
    let row = |planned: &Planned| {
        let many = planned.factors.contains_key("load");
        (planned.factors["instances"].clone(), planned.tier, planned.paths.len(), many)
    };
    let rows: Vec<_> = trials.iter().filter(|planned| planned.trial == 0).map(row).collect();
    let expected = |keys, many| {
        let counts = ["1", "2", "3"].into_iter();
        counts.flat_map(move |count| {
            [Tier::Private, Tier::Shared].map(|tier| (count.to_owned(), tier, keys, many))
        })
    };
    assert_eq!(rows, expected(1, false).chain(expected(8, true)).collect::<Vec<_>>());
    assert!(trials.iter().all(|it| it.factors["tier"] == it.tier.to_string()));
}
