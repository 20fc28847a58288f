//! Sweeps as they are typed.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, printed: &str, expected: &[f64]) {
    let sweep: Sweep = text.parse().unwrap();
    let rates: Vec<_> = sweep.rates().iter().map(|rate| rate.per_second()).collect();
    assert_eq!(rates, expected, "{text}");
    assert_eq!(sweep.to_string(), printed);
    assert_eq!(printed.parse(), Ok(sweep), "{printed} is another");
}

#[test]
fn forms() {
    check("100..800:x2", "100..800:x2", &[100.0, 200.0, 400.0, 800.0]);
    // The last step is the end, wherever the others fall.
    check("100..900:x2", "100..900:x2", &[100.0, 200.0, 400.0, 800.0, 900.0]);
    check("0.5k .. 2k : x2", "500..2000:x2", &[500.0, 1000.0, 2000.0]);
    check("1..1.331:x1.1", "1..1.331:x1.1", &[1.0, 1.1, 1.1 * 1.1, 1.331]);
    check("100..350:+100", "100..350:+100", &[100.0, 200.0, 300.0, 350.0]);
    check("0.1..0.3:+0.1", "0.1..0.3:+0.1", &[0.1, 0.2, 0.3]);
    check("5..5:x2", "5..5:x2", &[5.0]);
    check("100", "100", &[100.0]);
    check("100, 200,1k", "100,200,1000", &[100.0, 200.0, 1000.0]);
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    assert_eq!(text.parse::<Sweep>().unwrap_err().to_string(), expected, "{text}");
}

#[test]
fn what_is_wrong_is_named() {
    let forms = "is no sweep: write it as 100..20k:x1.25, 100..1000:+100 or 100,200,400";
    for text in ["", "1..2", "1..2:3", "1..2:", "1:x2", "1..2:-1"] {
        fails(text, &format!("`{text}` {forms}"));
    }
    let number = "is not a number from 0 on, such as 1500, 0.5, 1.5k or 2M";
    fails("..2:x2", &format!("`` {number}"));
    fails("1..two:x2", &format!("`two` {number}"));
    fails("1..2:x", &format!("`` {number}"));
    fails("1..2:xnan", &format!("`nan` {number}"));
    fails("1,,2", &format!("`` {number}"));
    let down = "`--order down` tries the highest first";
    fails("20k..100:x2", &format!("rates go up, but 100 follows 20000: {down}"));
    fails("1,3,2", &format!("rates go up, but 2 follows 3: {down}"));
    fails("1,1", &format!("rates go up, but 1 follows 1: {down}"));
    fails("0..100:+10", "a step needs a rate of more than 0");
    fails("0,1", "a step needs a rate of more than 0");
    fails("1..2:x1", "x1: the factor has to be more than 1");
    fails("1..2:+0", "+0: the difference has to be more than 0");
    fails("1..100M:+1", "that is more than 10000 rates");
    fails("1..2:x1.000000000000001", "that is more than 10000 rates");
    fails("1..10001:+1", "that is more than 10000 rates");
    assert_eq!("1..10000:+1".parse::<Sweep>().unwrap().rates().len(), MAX_STEPS);
    let high = "200000000 requests per second: a rate is a number from 0 to 100000000";
    fails("1..200M:x2", high);
}

proptest! {
    #[test]
    fn rates_go_up_and_print_as_the_same(
        from in 0.001..1e6,
        ratio in 1.0..100.0,
        (factor, steps) in (1.01..50.0, 0.1..1000.0),
    ) {
        let (from, to) = (Rate::new(from).unwrap(), Rate::new(from * ratio).unwrap());
        let sweeps = [
            Sweep::geometric(from, to, factor).unwrap(),
            Sweep::arithmetic(from, to, to.per_second() / steps).unwrap(),
        ];
        for sweep in sweeps {
            prop_assert!(sweep.rates().is_sorted_by(|a, b| a < b));
            prop_assert_eq!(sweep.rates().first(), Some(&from));
            prop_assert_eq!(sweep.rates().last(), Some(&to));
            prop_assert_eq!(&sweep.to_string().parse::<Sweep>().unwrap(), &sweep);
            let list = Sweep::list(sweep.rates().to_vec()).unwrap();
            prop_assert_eq!(list.to_string().parse(), Ok(list));
        }
    }
}
