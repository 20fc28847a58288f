use super::*;

/// A perturbation whose effect was measured to ± 3 %.
fn perturbation(suspect: Suspect, predicted: (f64, f64), measured: f64) -> Perturbation {
    Perturbation {
        id: format!("{suspect:?}"),
        suspect,
        predicted: Interval { low: predicted.0, high: predicted.1 },
        measured,
        interval: Interval::around(measured, 0.03),
    }
}

#[test]
fn a_perturbation_is_read_by_its_interval() {
    #[track_caller]
    fn check(predicted: (f64, f64), measured: f64, expected: Reading) {
        let found = perturbation(Suspect::Logging, predicted, measured).reading();
        assert_eq!(found, expected, "{measured} for {predicted:?}");
    }
    check((0.2, 0.4), 0.3, Reading::Confirms);
    check((0.2, 0.4), 0.18, Reading::Confirms);
    check((0.2, 0.4), 0.1, Reading::Partly);
    check((0.2, 0.4), 0.01, Reading::Contradicts);
    check((0.2, 0.4), -0.3, Reading::Contradicts);
    check((0.2, 0.4), 0.6, Reading::Contradicts);
    check((0.02, 0.4), 0.0, Reading::Inconclusive);
    // And downwards.
    check((-0.5, -0.2), -0.3, Reading::Confirms);
    check((-0.5, -0.2), -0.1, Reading::Partly);
    check((-0.5, -0.2), 0.0, Reading::Contradicts);
    check((-0.5, -0.2), -0.8, Reading::Contradicts);
    // What foretells nothing confirms nothing.
    check((-0.1, 0.1), 0.0, Reading::Inconclusive);
    check((0.0, 0.1), 0.05, Reading::Inconclusive);
}

/// The capacity of a server is what the scarcest of its resources allows; each
/// suspect has one. Every resource is made larger by half in turn, and smaller
/// by a quarter.
fn experiment(scarcest: Option<Suspect>) -> Vec<Perturbation> {
    let allowed = |suspect| if Some(suspect) == scarcest { 1000.0 } else { 1600.0 };
    let capacity = |changed: Suspect, factor: f64| {
        let of = |suspect| allowed(suspect) * if suspect == changed { factor } else { 1.0 };
        // Something that nobody suspects allows 1,100.
        Suspect::ALL.map(of).into_iter().fold(1100.0, f64::min)
    };
    let before = capacity(Suspect::Logging, 1.0);
    let effect = |suspect, factor| capacity(suspect, factor) / before - 1.0;
    Suspect::ALL
        .into_iter()
        .flat_map(|suspect| {
            [
                perturbation(suspect, (0.05, 0.5), effect(suspect, 1.5)),
                perturbation(suspect, (-0.3, -0.2), effect(suspect, 0.75)),
            ]
        })
        .collect()
}

#[test]
fn what_is_in_the_way_is_named() {
    for planted in Suspect::ALL {
        let found = attribute(&experiment(Some(planted)), &[]);
        let expected = Verdict::Limited { by: planted, confidence: Confidence::High };
        assert_eq!(found.verdict, expected);
        assert_eq!((found.excluded.len(), found.evidence.len()), (9, 20));
    }
}

#[test]
fn what_nobody_suspects_is_unknown() {
    let all = Suspect::ALL.to_vec();
    let only_up: Vec<Perturbation> = experiment(None).into_iter().step_by(2).collect();
    let found = attribute(&only_up, &[]);
    assert_eq!((found.verdict, found.excluded), (Verdict::Unknown, all.clone()));
    let found = attribute(&[], &[Observation { suspect: Suspect::ProcessorUser, share: 1.0 }]);
    assert_eq!((found.verdict, found.untested), (Verdict::Unknown, all));
}

#[test]
fn confidence_follows_the_evidence() {
    use Suspect::{Logging, ProcessorSystem, ProcessorUser};
    #[track_caller]
    fn check(effects: &[(Suspect, f64)], share: f64, expected: Confidence) {
        let perturbations: Vec<Perturbation> = effects
            .iter()
            .map(|(suspect, effect)| perturbation(*suspect, (0.2, 0.4), *effect))
            .collect();
        let seen = [Observation { suspect: ProcessorUser, share }];
        let expected = Verdict::Limited { by: ProcessorUser, confidence: expected };
        assert_eq!(attribute(&perturbations, &seen).verdict, expected);
    }
    check(&[(ProcessorUser, 0.3), (ProcessorUser, 0.25)], 0.0, Confidence::High);
    check(&[(ProcessorUser, 0.3), (Logging, 0.0)], 0.95, Confidence::High);
    check(&[(ProcessorUser, 0.3), (Logging, 0.0)], 0.5, Confidence::Medium);
    // A rival with less effect.
    check(&[(ProcessorUser, 0.4), (ProcessorSystem, 0.2)], 0.95, Confidence::Low);
    // One for it, one against it.
    check(&[(ProcessorUser, 0.3), (ProcessorUser, 0.0)], 0.95, Confidence::Low);
    check(&[(ProcessorUser, 0.3), (ProcessorUser, 0.1)], 0.95, Confidence::Low);
}

#[test]
fn suspects_are_sorted_by_what_is_known_of_them() {
    let wide = Perturbation {
        interval: Interval { low: -0.2, high: 0.4 },
        ..perturbation(Suspect::Steal, (0.2, 0.4), 0.1)
    };
    let found = attribute(
        &[
            perturbation(Suspect::Upstream, (0.2, 0.4), 0.0),
            wide,
            perturbation(Suspect::Network, (0.2, 0.4), 0.1),
        ],
        &[],
    );
    assert_eq!(found.verdict, Verdict::Unknown);
    assert_eq!(found.excluded, [Suspect::Upstream]);
    assert_eq!(found.undecided, [Suspect::Network, Suspect::Steal]);
    assert_eq!(found.untested.len(), 7);
}
