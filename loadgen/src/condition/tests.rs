//! Conditions as they are typed, and what readings say of them.

mod readings;

use proptest::prelude::*;

use super::*;

#[track_caller]
fn parses(text: &str, printed: &str) {
    let condition: Condition = text.parse().unwrap();
    assert_eq!(condition.to_string(), printed);
    assert_eq!(printed.parse(), Ok(condition), "{printed} is another");
}

#[test]
fn forms() {
    parses("p99<20ms", "p99<20ms");
    parses(" p99.9 >= 1.5s ", "p99.9>=1.5s");
    parses("response.p50<=800us", "p50<=800µs");
    parses("response-2xx.p99.99>1m", "response-2xx.p99.99>60s");
    parses("service-hit.max<1s", "service-hit.max<1s");
    parses("lateness.mean<100us", "lateness.mean<100µs");
    parses("ttfb.p90<1ms", "ttfb.p90<1ms");
    parses("errors>1%", "errors>1%");
    parses("errors > 0.001", "errors>0.1%");
    parses("dropped>0", "dropped>0%");
    parses("rate<1.5k/s", "rate<1500/s");
    parses("rate>=2M", "rate>=2000000/s");
    parses("in_flight>100", "in_flight>100");
    parses("errors>5% for 3s", "errors>5% for 3s");
    parses("errors>5%for3s", "errors>5% for 3s");
    parses("p99>50ms@rate<=2k", "p99>50ms @rate<=2000");
    parses("p99>5s for 500ms @rate > 100/s", "p99>5s for 500ms @rate>100");
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    let error = text.parse::<Condition>().unwrap_err().to_string();
    assert_eq!(error, expected, "{text}");
}

#[test]
fn what_is_wrong_is_named() {
    let compares_nothing =
        "compares nothing: write it as p99<20ms or errors>1%, with <, <=, > or >=";
    for text in ["", "p99", "p99=20ms"] {
        fails(text, &format!("`{text}` {compares_nothing}"));
    }
    let measures = "there are errors, dropped, rate, in_flight, and of times pNN (above p0 and \
                    below p100), max and mean, which may follow a point and one of response, \
                    service, lag, ttfb, lateness, response-2xx, service-2xx, response-other, \
                    service-other, response-hit, service-hit, response-miss, service-miss, \
                    response-stale, service-stale, response-revalidated, service-revalidated";
    for measure in ["", "p0", "p100", "p", "p-1", "P99", "resp.p99", "lag-hit.max", "service."] {
        fails(&format!("{measure}<1ms"), &format!("`{measure}` is no measure: {measures}"));
    }
    let duration = "is not a duration such as 1.5s: its units are ns, us, ms, s, m and h";
    fails("p99<20", &format!("`20` {duration}"));
    fails("p99<", &format!("`` {duration}"));
    fails("p99=<1ms", &format!("`p99=` is no measure: {measures}"));
    fails("p99<1ms for ever", &format!("`ever` {duration}"));
    fails("p99<1ms for 0s", "`for 0s`: a condition has to hold for more than 0");
    let share = "is not a share such as 1% or 0.01, at most 100%";
    fails("errors>101%", &format!("`101%` {share}"));
    fails("errors>1.5", &format!("`1.5` {share}"));
    fails("dropped>1ms", &format!("`1ms` {share}"));
    let number = "is not a number from 0 on, such as 1500, 0.5, 1.5k or 2M";
    fails("rate<-1", &format!("`-1` {number}"));
    fails("in_flight<nan", &format!("`nan` {number}"));
    fails("p99<1ms@rate<2k for 3s", &format!("`2k for 3s` {number}"));
    let high = "200000000 requests per second: a rate is a number from 0 to 100000000";
    fails("rate<200M", high);
    let among = "is not a comparison of the rate such as @rate<=2000";
    fails("p99<1ms@", &format!("`@` {among}"));
    fails("p99<1ms @rate=5", &format!("`@rate=5` {among}"));
    fails("p99<1ms @errors>1%", &format!("`@errors>1%` {among}"));
}

#[test]
fn objectives() {
    let slo: Slo = "p99 < 20ms, errors<0.1%".parse().unwrap();
    assert_eq!(slo.to_string(), "p99<20ms,errors<0.1%");
    assert_eq!(slo.conditions().len(), 2);
    for text in ["", "p99<20ms,", ",p99<20ms"] {
        assert!(matches!(text.parse::<Slo>(), Err(SloError::Condition(_))), "{text}");
    }
    let error = "p99<20ms,errors<1% for 3s".parse::<Slo>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`errors<1% for 3s`: an objective is for all of a step at any rate, without `for` and \
         `@rate`"
    );
}

#[test]
fn they_are_strings_in_files() {
    let condition: Condition = "errors>5% for 3s".parse().unwrap();
    let json = serde_json::to_value(&condition).unwrap();
    assert_eq!(json, "errors>5% for 3s");
    assert_eq!(serde_json::from_value::<Condition>(json).unwrap(), condition);
    let error = serde_json::from_str::<Slo>("\"p99\"").unwrap_err();
    assert!(error.to_string().starts_with("`p99` compares nothing"), "{error}");
    for schema in [schemars::schema_for!(Condition), schemars::schema_for!(Slo)] {
        assert_eq!(schema.get("type").unwrap(), "string");
    }
}

fn comparisons() -> impl Strategy<Value = Comparison> {
    prop::sample::select(Comparison::ALL.to_vec())
}

fn measures() -> impl Strategy<Value = (Measure, super::Value)> {
    use super::Value::{Number, Rate as PerSecond, Share, Time};
    let rate = |per_second| PerSecond(Rate::new(per_second).unwrap());
    let percent = |max| (0.0..=max).prop_map(Percent::of_share);
    let stats = prop_oneof![
        Just(Stat::Max),
        Just(Stat::Mean),
        percent(0.999).prop_filter("p0", |it| 0.0 < it.share()).prop_map(Stat::Percentile),
    ];
    let tags = prop::sample::select(crate::record::Tag::each().collect::<Vec<_>>());
    prop_oneof![
        (tags, stats, any::<u64>()).prop_map(|(tag, stat, nanos)| (
            Measure::Time(tag, stat),
            Time(Duration::from_nanos(nanos))
        )),
        percent(1.0).prop_map(|share| (Measure::Errors, Share(share))),
        percent(1.0).prop_map(|share| (Measure::Dropped, Share(share))),
        (0.0..1e8).prop_map(move |per_second| (Measure::Rate, rate(per_second))),
        (0.0..1e15).prop_map(|number| (Measure::InFlight, Number(number))),
    ]
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(
        (measure, bound) in measures(),
        comparison in comparisons(),
        lasting in prop::option::of((1..u64::MAX).prop_map(Duration::from_nanos)),
        among in prop::option::of((comparisons(), 0.0..1e8)),
    ) {
        let among = among.map(|(comparison, bound)| {
            Among { comparison, bound: Rate::new(bound).unwrap() }
        });
        let condition = Condition { measure, comparison, bound, lasting, among };
        prop_assert_eq!(condition.to_string().parse(), Ok(condition));
    }

    #[test]
    fn any_text_is_a_condition_or_an_error(text in "[p9<>=. @rateforsmk%0-9-]{0,24}|.{0,24}") {
        if let Ok(condition) = text.parse::<Condition>() {
            prop_assert_eq!(condition.to_string().parse(), Ok(condition));
        }
    }
}
