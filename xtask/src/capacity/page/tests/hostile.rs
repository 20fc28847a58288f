//! Whatever the text, it is text: read back, the documents have the elements
//! that we gave them, and the words.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::capacity::{
    figures::{Column, Table, clean},
    page::{
        Answer, Block, Calculator, Callout, Capacity, Fact, Inline, Need, Prose, Report, Section,
        html, markdown,
    },
};

fn text() -> impl Strategy<Value = String> {
    let hostile = [
        "<script>alert(1)</script>",
        "</style><img src=x onerror=alert(1)>",
        "\" onclick=\"alert(1)",
        "a | b || c",
        "**x** _y_ `z` ~~w~~ $1$ ![i](j) [k](l) <m> &amp; \\n",
        "# heading",
        "1. one",
        "- item",
        "+ item",
        "===",
        "> quote",
        "```",
        "| a | b |",
        "[x]: y",
        "a\nb\r\n\nc",
        "\u{0}\u{1b}[31m",
        "https://example.org/<x>",
        "trailing\\",
    ];
    prop_oneof![
        2 => "[a-z ]{1,12}",
        2 => "[-#*_`|<>&\\[\\]()!~$+.=0-9a ]{0,16}",
        1 => any::<String>(),
        3 => prop::sample::select(hostile.to_vec()).prop_map(str::to_owned),
    ]
}

fn prose() -> impl Strategy<Value = Prose> {
    let piece = prop_oneof![
        text().prop_map(Inline::Text),
        text().prop_map(Inline::Emphasis),
        text().prop_map(Inline::Strong),
        text().prop_map(Inline::Code),
        (text(), text()).prop_map(|(text, to)| Inline::Link { text, to }),
    ];
    prop_oneof![
        prop::collection::vec(piece, 0..4).prop_map(Prose),
        text().prop_map(|text| Prose::marked(&text)),
    ]
}

fn block() -> impl Strategy<Value = Block> {
    let table = prop::collection::vec((text(), text()), 0..3).prop_map(|rows| Table {
        columns: vec![Column::words("a"), Column::numbers("b")],
        rows: rows.into_iter().map(|(one, other)| vec![one, other]).collect(),
    });
    let calculator =
        (text(), any::<[u32; 4]>()).prop_map(|(objective, [low, median, high, rate])| {
            let capacity = Capacity { objective, utilisation: 70, low, median, high };
            let need = Need { rate, growth: 0, spare: 0 };
            Block::Calculator(Calculator { capacities: vec![capacity], need })
        });
    prop_oneof![
        text().prop_map(Block::Heading),
        prose().prop_map(Block::Paragraph),
        prop::collection::vec(prose(), 1..3).prop_map(Block::List),
        (text(), prop::collection::vec(prose(), 1..3))
            .prop_map(|(prefix, items)| Block::Numbered { prefix, items }),
        (prose(), table).prop_map(|(caption, table)| Block::Table { caption, table }),
        prose().prop_map(|text| Block::Callout { kind: Callout::Note, text }),
        (text(), text()).prop_map(|(language, text)| Block::Code { language, text }),
        (text(), prose()).prop_map(|term| Block::Glossary(vec![term])),
        calculator,
    ]
}

fn report() -> impl Strategy<Value = Report> {
    let section = (text(), text(), prop::collection::vec(block(), 0..3))
        .prop_map(|(id, heading, blocks)| Section { id, heading, blocks });
    let fact =
        (text(), text(), text()).prop_map(|(name, value, detail)| Fact { name, value, detail });
    let answer = (prose(), prop::collection::vec(fact, 0..2), prop::collection::vec(prose(), 0..2))
        .prop_map(|(claim, facts, notes)| Answer { claim, facts, notes });
    (text(), answer, prop::collection::vec(section, 0..3))
        .prop_map(|(title, answer, sections)| Report { title, answer, sections })
}

/// Elements and attributes that a page has.
const ELEMENTS: &str = "html head meta title style body a header h1 h2 h3 nav ol ul li main \
    section p dl dt dd div strong em span aside code pre table caption thead tbody tr th td form \
    label input select option output script !doctype";
const ATTRIBUTES: &str = "lang charset http-equiv content name class href id aria-label \
    aria-labelledby role tabindex scope hidden type inputmode min max step value aria-live html \
    data-utilisation data-low data-median data-high";

/// Elements that Markdown has where its marks would not be seen.
const OURS: [&str; 6] = ["<em>", "</em>", "<strong>", "</strong>", "<code>", "</code>"];

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_MATH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
}

/// The words of a document without any space, as lines may be joined.
fn squeezed(words: &str) -> String {
    words.chars().filter(|character| !character.is_whitespace()).collect()
}

fn words(markdown: &str) -> String {
    let words = Parser::new_ext(markdown, options()).filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.to_string()),
        _ => None,
    });
    squeezed(&words.collect::<String>())
}

/// The Markdown of a report that has one block.
fn document_of(block: Block) -> String {
    let section = Section { id: String::new(), heading: "H".to_owned(), blocks: vec![block] };
    let answer = Answer { claim: Prose::default(), facts: vec![], notes: vec![] };
    markdown(&Report { title: "T".to_owned(), answer, sections: vec![section] })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_page_has_our_elements_only(report in report()) {
        let page = html(&report);
        let body = page.split_once("</head>").unwrap().1.rsplit_once("<script>").unwrap().0;
        for tag in body.split('<').skip(1) {
            let (tag, content) = tag.split_once('>').expect("every tag ends");
            prop_assert!(!content.contains('>'));
            let mut parts = tag.trim_start_matches('/').split('"');
            let outside: String = parts.by_ref().step_by(2).collect();
            let mut names = outside.split_whitespace();
            let element = names.next().unwrap_or_default();
            prop_assert!(ELEMENTS.split_whitespace().any(|known| known == element), "{tag}");
            for name in names {
                let name = name.trim_end_matches('=');
                prop_assert!(ATTRIBUTES.split_whitespace().any(|known| known == name), "{tag}");
            }
        }
        prop_assert_eq!(html(&report), page);
    }

    #[test]
    fn markdown_has_no_markup_of_theirs(report in report()) {
        let document = markdown(&report);
        let mut headings = 0;
        for event in Parser::new_ext(&document, options()) {
            match event {
                Event::InlineHtml(html) if OURS.contains(&&*html) => {}
                Event::Start(Tag::Heading { .. }) => headings += 1,
                Event::Html(_) | Event::InlineHtml(_)
                | Event::InlineMath(_) | Event::DisplayMath(_)
                | Event::Rule | Event::FootnoteReference(_) | Event::TaskListMarker(_)
                | Event::Start(Tag::Image { .. } | Tag::Strikethrough) => {
                    panic!("{event:?} in {document}")
                }
                _ => {}
            }
        }
        let is_heading = |block: &&Block| matches!(block, Block::Heading(_));
        let of = |section: &Section| 1 + section.blocks.iter().filter(is_heading).count();
        let expected = 1 + report.sections.iter().map(of).sum::<usize>();
        prop_assert_eq!(headings, expected, "{}", document);
    }

    #[test]
    fn markdown_says_what_it_was_given(prose in prose()) {
        let document = document_of(Block::Paragraph(prose.clone()));
        let expected = format!("TContents:HH{}", squeezed(&prose.text()));
        prop_assert_eq!(words(&document), expected, "{}", document);
    }

    #[test]
    fn cells_say_what_they_were_given(cell in text()) {
        let table = Table { columns: vec![Column::words("a")], rows: vec![vec![cell.clone()]] };
        let document = document_of(Block::Table { caption: Prose::default(), table });
        let expected = format!("TContents:HHa{}", squeezed(&clean(&cell)));
        prop_assert_eq!(words(&document), expected, "{}", document);
    }
}
