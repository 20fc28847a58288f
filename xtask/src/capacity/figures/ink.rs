//! What things are drawn in: named inks, which a style sheet gives colours.
//!
//! Plotters knows colours only. Each ink is drawn in a colour that stands for
//! it, and [`svg`](super::svg) writes the ink's class in its place, so that one
//! drawing suits a light page, a dark one and print.

use plotters::style::RGBColor;
use serde::Serialize;

/// A series' colour, dash and marker, the same in every figure of a report.
///
/// The hues are apart for the common kinds of colour blindness (after Okabe
/// and Ito, darkened until text in them can be read), and each has a dash and
/// a marker of its own for print in grey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Solid, circles.
    Blue,
    /// Long dashes, squares.
    Orange,
    /// Dots, triangles.
    Green,
    /// Dashes and dots, diamonds.
    Purple,
    /// Dashes, triangles on their points.
    Ochre,
    /// Short dashes, crosses.
    Grey,
}

impl Tone {
    /// All of them, in the order in which series without a meaning of their
    /// own should take them.
    pub const ALL: [Self; 6] =
        [Self::Blue, Self::Orange, Self::Green, Self::Purple, Self::Ochre, Self::Grey];

    /// Its colour on white and on nearly black, and its dashes.
    fn look(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Blue => ("#0b62b0", "#63b0f5", "none"),
            Self::Orange => ("#c2480a", "#f2935c", "10 3"),
            Self::Green => ("#0a7a5c", "#43c59e", "2 2.5"),
            Self::Purple => ("#8e3f9e", "#d39ae0", "9 3 2 3"),
            Self::Ochre => ("#856404", "#d8b453", "6 3"),
            Self::Grey => ("#5c6670", "#a3adb8", "4 2.5"),
        }
    }
}

/// What a mark is; with a tone, whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Text.
    Text,
    /// Text that names axes and explains.
    Muted,
    /// Text in a series' colour.
    Label(Tone),
    /// Lines behind the data.
    Grid,
    /// The line where an axis is.
    Axis,
    /// A line of measurements.
    Line(Tone),
    /// The same in the tone's dashes, which tell lines apart that have no markers.
    Dashed(Tone),
    /// A line that a model predicts.
    Model(Tone),
    /// An error bar.
    Whisker(Tone),
    /// A measurement.
    Marker(Tone),
    /// A measurement that does not count.
    Excluded,
    /// The error bar of one.
    ExcludedWhisker,
    /// The band in which a line may lie.
    Band(Tone),
    /// A bar.
    Bar(Tone),
    /// The interval of a bar, on and beside it.
    Interval,
    /// A line that data are held against.
    Reference,
    /// A range that data are held against.
    Range,
    /// Where there are no data.
    Beyond,
    /// A level of a heat map, 0 to 7.
    Heat(u8),
}

/// Levels of a heat map: on white and on nearly black, from few to many.
const HEAT: [(&str, &str); 8] = [
    ("#dcebf8", "#14283c"),
    ("#bcd9f0", "#183955"),
    ("#93c0e4", "#1b4d74"),
    ("#65a3d3", "#226494"),
    ("#3d84bd", "#337fb4"),
    ("#2365a1", "#559dcf"),
    ("#124880", "#86bde3"),
    ("#082d59", "#c3e1f6"),
];

/// How many levels a heat map has.
pub(super) const LEVELS: u8 = 8;

impl Ink {
    /// The class in the style sheet, of two characters at most.
    fn class(self) -> String {
        let of = |letter: char, tone: Tone| format!("{letter}{}", tone as u8 + 1);
        match self {
            Self::Text => "t".to_owned(),
            Self::Muted => "n".to_owned(),
            Self::Label(tone) => of('c', tone),
            Self::Grid => "g".to_owned(),
            Self::Axis => "ax".to_owned(),
            Self::Line(tone) => of('l', tone),
            Self::Dashed(tone) => of('d', tone),
            Self::Model(tone) => of('m', tone),
            Self::Whisker(tone) => of('w', tone),
            Self::Marker(tone) => of('p', tone),
            Self::Excluded => "ex".to_owned(),
            Self::ExcludedWhisker => "ew".to_owned(),
            Self::Band(tone) => of('b', tone),
            Self::Bar(tone) => of('r', tone),
            Self::Interval => "iv".to_owned(),
            Self::Reference => "rl".to_owned(),
            Self::Range => "ra".to_owned(),
            Self::Beyond => "by".to_owned(),
            Self::Heat(level) => format!("q{level}"),
        }
    }

    /// The colour that stands for this ink: its class in three bytes.
    pub(super) fn colour(self) -> RGBColor {
        let class = self.class();
        let byte = |index: usize| class.as_bytes().get(index).copied().unwrap_or_default();
        RGBColor(byte(0), byte(1), 0)
    }
}

/// The class for which a colour stands, as plotters writes it: `#RRGGBB`.
pub(super) fn class_of(colour: &str) -> Option<String> {
    let code = u32::from_str_radix(colour.strip_prefix('#')?, 16).ok()?;
    let letters = code.to_be_bytes().into_iter().filter(|byte| *byte != 0);
    Some(letters.map(char::from).collect())
}

/// The colours of figures as rules for elements inside `.fig`, light unless
/// the reader prefers dark.
pub(in crate::capacity) fn style_sheet() -> String {
    let (light, dark) = (colours(Theme::Light), colours(Theme::Dark));
    let toned = Tone::ALL.map(toned).concat();
    format!(
        "{SHAPES}{toned}{light}@media (prefers-color-scheme:dark){{\n{dark}}}\n\
         @media print{{\n{light}}}\n"
    )
}

/// The inks of one tone.
fn toned(tone: Tone) -> String {
    let (_, _, dashes) = tone.look();
    let line = "fill:none;stroke-linejoin:round";
    [
        ('c', "fill:@".to_owned()),
        ('l', format!("{line};stroke:@;stroke-width:1.8")),
        ('d', format!("{line};stroke:@;stroke-width:1.8;stroke-dasharray:{dashes}")),
        ('m', format!("{line};stroke:@;stroke-width:1.4;stroke-dasharray:5 4")),
        ('w', format!("{line};stroke:@;stroke-width:1.2")),
        ('p', "fill:@;stroke:var(--bg);stroke-width:1".to_owned()),
        ('b', "fill:@;fill-opacity:.16".to_owned()),
        ('r', "fill:@;fill:color-mix(in srgb,@ 80%,var(--bg))".to_owned()),
    ]
    .map(|(letter, rule)| {
        let number = tone as u8 + 1;
        format!(".fig .{letter}{number}{{{}}}\n", rule.replace('@', &format!("var(--s{number})")))
    })
    .concat()
}

#[derive(Debug, Clone, Copy)]
enum Theme {
    Light,
    Dark,
}

/// Variables, set once per theme and used by [`SHAPES`].
fn colours(theme: Theme) -> String {
    let pick = |light: &'static str, dark: &'static str| match theme {
        Theme::Light => light,
        Theme::Dark => dark,
    };
    let base = pick(
        "--bg:#fff;--ink:#1f2328;--soft:#59636e;--faint:#e4e8ec;--axis:#8b949e;--shade:#59636e",
        "--bg:#0d1117;--ink:#e6edf3;--soft:#9aa5b1;--faint:#242b33;--axis:#6b7580;--shade:#9aa5b1",
    );
    let tones = Tone::ALL.map(|tone| {
        let (light, dark, _) = tone.look();
        format!(";--s{}:{}", tone as u8 + 1, pick(light, dark))
    });
    let heat = HEAT.iter().zip(0_u8..);
    let heat = heat.map(|((light, dark), level)| format!(";--q{level}:{}", pick(light, dark)));
    format!(".fig{{{base}{}{}}}\n", tones.concat(), heat.collect::<Vec<_>>().concat())
}

/// What each ink looks like, in a theme's variables.
const SHAPES: &str = include_str!("ink.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_stands_for_its_ink() {
        for (ink, class) in [
            (Ink::Text, "t"),
            (Ink::Beyond, "by"),
            (Ink::Line(Tone::Blue), "l1"),
            (Ink::Bar(Tone::Grey), "r6"),
            (Ink::Heat(7), "q7"),
        ] {
            let RGBColor(red, green, blue) = ink.colour();
            let colour = format!("#{red:02X}{green:02X}{blue:02X}");
            assert_eq!(class_of(&colour).as_deref(), Some(class));
        }
    }

    #[test]
    fn text_in_every_tone_can_be_read() {
        for tone in Tone::ALL {
            let (light, dark, _) = tone.look();
            assert!(4.5 <= contrast(light, "#ffffff"), "{tone:?} on white");
            assert!(4.5 <= contrast(dark, "#0d1117"), "{tone:?} on dark");
        }
    }

    /// The contrast of two colours (WCAG 2.2, "contrast ratio").
    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { libm::pow((value + 0.055) / 1.055, 2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }
}
