//! The page computes what this program does.

use std::process::Command;

use crate::capacity::page::{Capacity, Need, html::SCRIPT};

/// Corners and what is between: where the division is even, and where not.
fn cases() -> Vec<(Need, u32, u32)> {
    let mut cases = Vec::new();
    for rate in [0, 1, 4_899, 4_900, 4_901, 20_000, 333_333, 1_000_000_000] {
        for growth in [0, 7, 20, 1000] {
            for capacity in [0, 1, 3, 7_000, 7_919, 4_000_000_000] {
                for utilisation in [1, 33, 70, 100] {
                    let need = Need { rate, growth, spare: growth % 3 };
                    cases.push((need, capacity, utilisation));
                }
            }
        }
    }
    cases
}

#[test]
fn the_page_and_the_program_agree() {
    let cases = cases();
    let rows: Vec<String> = cases
        .iter()
        .map(|(need, capacity, utilisation)| {
            let Need { rate, growth, spare } = need;
            format!("[{rate},{growth},{capacity},{utilisation},{spare}]")
        })
        .collect();
    let program = format!(
        "{SCRIPT}\nconsole.log([{}].map((row) => String(instances(...row))).join(\"\\n\"));",
        rows.join(",")
    );
    let output = Command::new("node")
        .args(["--eval", &program])
        .output()
        .expect("this test runs the page's script under node: install Debian's nodejs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), cases.len());
    for ((need, capacity, utilisation), answer) in cases.into_iter().zip(answers) {
        let one = Capacity {
            objective: String::new(),
            utilisation,
            low: capacity,
            median: capacity,
            high: capacity,
        };
        let ours = one.instances(need, utilisation);
        let ours = ours.map_or_else(|| "null".to_owned(), |found| found.expected.to_string());
        assert_eq!(answer, ours, "{need:?}, {capacity} req/s at {utilisation} %");
    }
}
