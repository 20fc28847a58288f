//! The form that says how many instances are needed.

use loadgen::number::thousands;

use super::{
    blocks::{rows, scrolling},
    words,
};
use crate::capacity::{
    figures::{Column, Table},
    page::{Calculator, Capacity, Instances},
};

/// The form, shown once its script runs, and the table that it looks up,
/// which serves those who have no script.
pub(super) fn calculator(data: &Calculator) -> String {
    let headroom = data.capacities.first().map_or(0, |first| 100 - first.utilisation.min(100));
    let options: Vec<String> = data.capacities.iter().map(option).collect();
    let field = |label: &str, name: &str, value: u32, most: u32| {
        format!(
            "<label>{label} <input name=\"{name}\" type=\"number\" inputmode=\"numeric\" \
             min=\"0\" max=\"{most}\" step=\"1\" value=\"{value}\"></label>\n"
        )
    };
    let form = [
        field("Requests per second, at the peak", "rate", data.need.rate, 1_000_000_000),
        format!(
            "<label>Objective <select name=\"objective\">\n{}</select></label>\n",
            options.concat()
        ),
        field("Headroom (%)", "headroom", headroom, 99),
        field("Growth (%)", "growth", data.need.growth, 1000),
        field("Spare instances", "spare", data.need.spare, 1000),
    ];
    format!(
        "<form class=\"calculator\" hidden>\n{}\
         <p>You need <output aria-live=\"polite\"></output>.</p>\n</form>\n{}",
        form.concat(),
        scrolling(&rows("", &table(data), usize::MAX), "Capacity by objective")
    )
}

fn option(capacity: &Capacity) -> String {
    let Capacity { objective, utilisation, low, median, high } = capacity;
    format!(
        "<option data-utilisation=\"{utilisation}\" data-low=\"{low}\" data-median=\"{median}\" \
         data-high=\"{high}\">{}</option>\n",
        words(objective)
    )
}

/// What the form computes with, and what that gives at first.
pub(in crate::capacity::page) fn table(data: &Calculator) -> Table {
    let row = |capacity: &Capacity| {
        let [low, median, high] =
            [capacity.low, capacity.median, capacity.high].map(|rate| thousands(rate.into()));
        let instances = capacity.instances(data.need, capacity.utilisation);
        let instances = instances.map_or_else(
            || "none can".to_owned(),
            |found| match found {
                Instances { most, expected, least } if most == least => expected.to_string(),
                Instances { most, expected, least } => format!("{expected} ({least} to {most})"),
            },
        );
        vec![
            capacity.objective.clone(),
            format!("{median} ({low} to {high})"),
            format!("{} %", capacity.utilisation),
            instances,
        ]
    };
    Table {
        columns: vec![
            Column::words("objective"),
            Column::numbers("one instance, req/s (95 % CI)"),
            Column::numbers("used to"),
            Column::numbers(format!(
                "instances for {} req/s + {} %, {} spare",
                thousands(data.need.rate.into()),
                data.need.growth,
                data.need.spare
            )),
        ],
        rows: data.capacities.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_in_threes() {
        let grouped = [0, 999, 7_900, 123_456, 1_000_000_000].map(thousands);
        assert_eq!(grouped, ["0", "999", "7,900", "123,456", "1,000,000,000"]);
    }
}
