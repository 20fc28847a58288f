//! A report of one block of each kind, to the letter.

use crate::capacity::{
    figures::{About, Axis, Bar, BarLook, Bars, Column, Table, Tone, Unit, style_sheet},
    page::{
        Answer, Block, Calculator, Callout, Capacity, Fact, Need, Prose, Report, Section, html,
        markdown,
    },
};

fn report() -> Report {
    let about = About {
        id: "f1".to_owned(),
        finding: "Two cores do the work of 1.9.".to_owned(),
        description: "A bar for each number of cores.".to_owned(),
    };
    let bar = Bar { name: "2".to_owned(), value: 0.95, interval: None, tone: Tone::Blue };
    let figure = Bars {
        things: "cores".to_owned(),
        y: Axis::linear("efficiency", Unit::Ratio),
        bars: vec![bar],
        look: BarLook::Bar,
        heights: vec![],
    }
    .figure(&about);
    let table = Table {
        columns: vec![Column::words("step | verdict"), Column::numbers("rate (req/s)")],
        rows: vec![
            vec!["1".to_owned(), "1000".to_owned()],
            vec!["2, sent <late>".to_owned(), "20000".to_owned()],
        ],
    };
    let capacity = Capacity {
        objective: "p99 ≤ 20 ms".to_owned(),
        utilisation: 70,
        low: 7_600,
        median: 7_900,
        high: 8_200,
    };
    let need = Need { rate: 20_000, growth: 20, spare: 1 };
    let blocks = vec![
        Block::Heading("1. Within".to_owned()),
        Block::Paragraph("See *this*, **that**, `a|b`, [F1](#f1) and [below](#more).".into()),
        Block::List(vec!["one".into(), "- two".into()]),
        Block::Numbered { prefix: "A".to_owned(), items: vec!["loopback".into()] },
        Block::Table { caption: "Every step".into(), table },
        Block::Figure { figure, caption: "n = 5; *t* intervals".into() },
    ];
    let more = vec![
        Block::Callout { kind: Callout::Caution, text: "one machine".into() },
        Block::Code { language: "sh".to_owned(), text: "cargo xtask\n```".to_owned() },
        Block::Glossary(vec![("knee".to_owned(), "where it bends".into())]),
        Block::Calculator(Calculator { capacities: vec![capacity], need }),
    ];
    let section = |id: &str, heading: &str, blocks| Section {
        id: id.to_owned(),
        heading: heading.to_owned(),
        blocks,
    };
    Report {
        title: "Capacity & limits".to_owned(),
        answer: Answer {
            claim: "One instance serves **7,900 req/s**.".into(),
            facts: vec![Fact {
                name: "capacity".to_owned(),
                value: "7,900 req/s".to_owned(),
                detail: "95 % CI 7,600 to 8,200".to_owned(),
            }],
            notes: vec![Prose::plain("On *this* machine.")],
        },
        sections: vec![section("one", "What it *is*", blocks), section("more", "More: 2", more)],
    }
}

#[test]
fn a_page() {
    let page = html(&report());
    // The style sheet is long, and has its own file to be compared in.
    let (before, rest) = page.split_once("<style>").unwrap();
    let (style, after) = rest.split_once("</style>").unwrap();
    assert!(style.ends_with(&style_sheet()));
    let (body, script) = after.split_once("<script>").unwrap();
    assert!(script.ends_with("</script>\n</body>\n</html>\n"));
    let (head, policy) = before.split_once("'sha256-").unwrap();
    assert!(policy.contains("; script-src 'sha256-"));
    insta::assert_snapshot!("page", format!("{head}…{body}"));
}

#[test]
fn markdown_for_github() {
    insta::assert_snapshot!("markdown", markdown(&report()));
}

#[test]
fn nothing_is_loaded() {
    let page = html(&report());
    for loads in
        ["src=", "url(", "@import", "<link", "<iframe", "<img", "fetch(", " style=\"", " on"]
    {
        let found = page
            .match_indices(loads)
            .find(|(at, _)| loads != " on" || page[*at..].starts_with(" onclick"));
        assert_eq!(found, None, "{loads}");
    }
}
