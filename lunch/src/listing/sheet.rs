//! Pieces of a listing, put on a page one after the other.

use std::{fmt::Write, ops::Range, time::Duration};

use jiff::civil::DateTime;

use super::{
    Links, Page, ago,
    ink::{Ink, Style},
    wrap::{pad, width, wrap},
};
use crate::{
    entry::{Entry, Serving},
    fold::fold,
    place::Place,
    today::{Dish, State},
};

/// The narrowest page that is laid out as such.
const NARROWEST: usize = 24;
/// Longer lines are hard to read.
const WIDEST: usize = 100;
/// A blank at which a paragraph is not broken; clean text has none.
const NO_BREAK: &str = "\u{a0}";
/// Before dishes.
pub(super) const INDENT: usize = 2;
/// The link to the way there.
const WALK: &str = "walk there";

/// Text being laid out.
pub(super) struct Sheet {
    pub(super) text: String,
    width: usize,
    ink: Ink,
    links: Links,
    now: DateTime,
}

impl Sheet {
    pub(super) fn new(page: &Page) -> Sheet {
        Sheet {
            text: String::new(),
            width: page.width.clamp(NARROWEST, WIDEST),
            ink: Ink::new(page.colour),
            links: page.links,
            now: page.now,
        }
    }

    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    pub(super) fn line(&mut self, style: Style, text: &str) {
        self.paragraph(style, text, 0);
    }

    /// Text wrapped, each line indented; not at blanks that are none to break at.
    pub(super) fn paragraph(&mut self, style: Style, text: &str, indent: usize) {
        for range in wrap(text, self.width.saturating_sub(indent)) {
            pad(&mut self.text, indent);
            let line = text.get(range).unwrap_or_default().replace(NO_BREAK, " ");
            self.ink.write(&mut self.text, style, &line);
            self.text.push('\n');
        }
    }

    pub(super) fn region(&mut self, name: &str) {
        self.blank();
        let rule = self.width.saturating_sub(width(name) + 1);
        self.ink.write(&mut self.text, Style::Region, name);
        if 0 < rule {
            self.text.push(' ');
            self.ink.write(&mut self.text, Style::Faint, &"─".repeat(rule));
        }
        self.text.push('\n');
    }

    /// A restaurant in a list: what is known of it in a line.
    pub(super) fn place(&mut self, entry: &Entry) {
        self.blank();
        self.title(entry, None);
    }

    /// The way there, where it is not behind a word of the title.
    pub(super) fn way(&mut self, place: &Place) {
        if self.links == Links::Written
            && let Some(url) = place.walk_url()
        {
            pad(&mut self.text, INDENT);
            self.ink.write(&mut self.text, Style::Faint, &format!("Walk: {url}"));
            self.text.push('\n');
        }
    }

    /// Name, identifier, and what else is to be known at once; on the right the
    /// way there.
    pub(super) fn title(&mut self, entry: &Entry, region: Option<&str>) {
        let place = &entry.place;
        let mut used = width(&place.name);
        let site = place.homepage.as_deref().or(place.menu_url.as_deref());
        self.linked(Style::Name, &place.name, site);

        let stale = entry.stale().map(|age| (Style::Stale, self.stale(age)));
        let id = (fold(&place.name) != place.id).then(|| place.id.clone());
        let parts = [
            id.map(|id| (Style::Faint, id)),
            region.map(|region| (Style::Plain, region.to_owned())),
            stale,
        ];
        for (style, part) in parts.into_iter().flatten() {
            let needs = 2 + width(&part);
            if self.width < used + needs {
                self.text.push('\n');
                pad(&mut self.text, INDENT);
                used = INDENT + width(&part);
            } else {
                pad(&mut self.text, 2);
                used += needs;
            }
            self.ink.write(&mut self.text, style, &part);
        }

        if self.links == Links::Hyper
            && region.is_none()
            && let Some(url) = place.walk_url()
        {
            let room = self.width.saturating_sub(used + width(WALK));
            if 2 <= room {
                pad(&mut self.text, room);
            } else {
                self.text.push('\n');
                pad(&mut self.text, INDENT);
            }
            self.linked(Style::Link, WALK, Some(&url));
        }
        self.text.push('\n');
    }

    fn stale(&self, age: Duration) -> String {
        let ago = ago(age);
        match self.now.checked_sub(age) {
            Ok(then) => format!("as of {} ({ago} old)", then.strftime("%H:%M")),
            Err(_) => format!("{ago} old"),
        }
    }

    /// Dishes; their kinds stand in a column of their own if all have one.
    pub(super) fn dishes<'a>(&mut self, dishes: impl Iterator<Item = &'a Dish> + Clone) {
        const WIDEST_KIND: usize = 16;
        let kinds: Option<Vec<_>> = dishes.clone().map(|dish| dish.kind().map(width)).collect();
        let column = kinds.and_then(|kinds| kinds.into_iter().max());
        let column = column.filter(|column| *column <= WIDEST_KIND).unwrap_or_default();
        for dish in dishes {
            self.dish(dish, &[], column);
        }
    }

    /// A dish, wrapped, what is matched marked, its price on the right.
    pub(super) fn dish(&mut self, dish: &Dish, marks: &[Range<usize>], column: usize) {
        let kind = dish.kind().map_or(0, str::len);
        let price = dish.price.map(|price| format!("{price} kr"));
        let room_of_price = price.as_deref().map_or(0, |price| 2 + width(price));
        let hang = if column == 0 { INDENT } else { column + 1 };
        let rest = dish.text.get(kind..).unwrap_or_default();
        let rest = if column == 0 { 0 } else { kind + rest.len() - rest.trim_start().len() };
        let text = dish.text.get(rest..).unwrap_or_default();
        let room = self.width.saturating_sub(INDENT + hang + room_of_price);

        for (at, line) in wrap(text, room).into_iter().enumerate() {
            pad(&mut self.text, INDENT);
            let mut used = INDENT;
            if column == 0 {
                let hanging = if at == 0 { 0 } else { hang };
                pad(&mut self.text, hanging);
                used += hanging;
            } else {
                let kind = if at == 0 { dish.text.get(..kind).unwrap_or_default() } else { "" };
                self.ink.marked(&mut self.text, Style::Kind, kind, 0, marks);
                pad(&mut self.text, hang - width(kind));
                used += hang;
            }
            let start = rest + line.start;
            let line = text.get(line).unwrap_or_default();
            used += width(line);
            let kind = if column == 0 { kind.saturating_sub(start).min(line.len()) } else { 0 };
            let (kind, dish) = line.split_at_checked(kind).unwrap_or(("", line));
            self.ink.marked(&mut self.text, Style::Kind, kind, start, marks);
            self.ink.marked(&mut self.text, Style::Plain, dish, start + kind.len(), marks);
            if let Some(price) = price.as_deref().filter(|_| at == 0) {
                pad(&mut self.text, self.width.saturating_sub(used + width(price)));
                self.ink.write(&mut self.text, Style::Plain, price);
            }
            self.text.push('\n');
        }
    }

    /// What a menu says beside its dishes, but for what is said elsewhere.
    pub(super) fn notices(&mut self, entry: &Entry, elsewhere: &[String]) {
        let Some(today) = entry.today() else { return };
        // Dishes say that it is open: that it is closed on weekends is a notice.
        let closed = today.closed.iter().filter(|_| today.state() == State::Open);
        for notice in closed.chain(&today.notices) {
            if !elsewhere.contains(&notice.text) {
                self.paragraph(Style::Faint, &format!("Note: {}", notice.text), INDENT);
            }
        }
    }

    /// Places without dishes, those of a kind in one line.
    pub(super) fn folded(&mut self, entries: &[&Entry]) {
        let mut closed = Vec::new();
        let mut unpublished = Vec::new();
        let mut missing: Vec<(&str, Vec<String>)> = Vec::new();
        for entry in entries {
            let name = entry.place.name.replace(' ', NO_BREAK);
            match &entry.serving {
                Serving::Known(today, _) => match today.state() {
                    State::Open => {}
                    State::Closed => {
                        let said = today.closed.first().map(|notice| notice.text.as_str());
                        closed.push(format!("{name} ({})", said.unwrap_or_default()));
                    }
                    State::Unpublished => {
                        let said: Vec<_> = today.notices.iter().map(|n| n.text.as_str()).collect();
                        let said = if said.is_empty() {
                            name
                        } else {
                            format!("{name} ({})", said.join(" "))
                        };
                        unpublished.push(said);
                    }
                },
                Serving::Missing(reason) => {
                    match missing.iter_mut().find(|(known, _)| known == reason) {
                        Some((_, names)) => names.push(name),
                        None => missing.push((reason, vec![name])),
                    }
                }
            }
        }
        let mut lines = Vec::new();
        if !closed.is_empty() {
            lines.push(format!("Closed: {}", closed.join(", ")));
        }
        if !unpublished.is_empty() {
            lines.push(format!("No menu: {}", unpublished.join(", ")));
        }
        for (reason, names) in missing {
            lines.push(format!("Not available: {} ({reason})", names.join(", ")));
        }
        if !lines.is_empty() {
            self.blank();
        }
        for line in lines {
            self.paragraph(Style::Faint, &line, 0);
        }
    }

    /// Where to go, and where to read more.
    pub(super) fn addresses(&mut self, place: &Place) {
        let menu = place.menu_url.as_ref().filter(|url| Some(*url) != place.homepage.as_ref());
        let links =
            [("Walk", place.walk_url()), ("Menu", menu.cloned()), ("Site", place.homepage.clone())];
        if links.iter().any(|(_, url)| url.is_some()) {
            self.blank();
        }
        for (what, url) in links {
            if let Some(url) = url {
                pad(&mut self.text, INDENT);
                self.ink.write(&mut self.text, Style::Faint, what);
                pad(&mut self.text, 2);
                self.linked(Style::Link, &url, Some(&url));
                self.text.push('\n');
            }
        }
    }

    fn linked(&mut self, style: Style, text: &str, url: Option<&str>) {
        match url.filter(|_| self.links == Links::Hyper) {
            Some(url) => {
                let mut inked = String::new();
                self.ink.write(&mut inked, style, text);
                // Writing to a string does not fail.
                let _ = write!(self.text, "\x1b]8;;{url}\x1b\\{inked}\x1b]8;;\x1b\\");
            }
            None => self.ink.write(&mut self.text, style, text),
        }
    }
}
