//! Which form of a path the API answers.

use std::sync::atomic::{AtomicU8, Ordering};

/// A path, with a slash at its end or without.
#[derive(Debug)]
pub(super) struct Forms {
    /// The path without the slash, `{}` standing for an identifier.
    path: &'static str,
    /// The form that has worked last.
    works: AtomicU8,
}

const BARE: u8 = 0;
const SLASH: u8 = 1;

impl Forms {
    /// With nothing known of what works: most eras have had the slash in the
    /// list, and none behind an identifier.
    pub(super) fn new(path: &'static str) -> Forms {
        let works = if path.ends_with("{}") { BARE } else { SLASH };
        Forms { path, works: AtomicU8::new(works) }
    }

    /// Both forms, first the one that is known to work.
    pub(super) fn in_order(&self, id: &str) -> [String; 2] {
        let bare = self.path.replace("{}", &encoded(id));
        let slash = format!("{bare}/");
        if self.works.load(Ordering::Relaxed) == BARE { [bare, slash] } else { [slash, bare] }
    }

    /// Remembers the form that this target has.
    pub(super) fn note(&self, target: &str) {
        let path = target.split('?').next().unwrap_or_default();
        self.works.store(if path.ends_with('/') { SLASH } else { BARE }, Ordering::Relaxed);
    }
}

/// A segment of a path (RFC 3986 §3.3), all that is not unreserved encoded.
fn encoded(segment: &str) -> String {
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    segment.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_worked_is_tried_first() {
        let lists = Forms::new("/restaurant");
        assert_eq!(lists.in_order(""), ["/restaurant/", "/restaurant"]);
        lists.note("/restaurant?x/");
        assert_eq!(lists.in_order(""), ["/restaurant", "/restaurant/"]);
        let menus = Forms::new("/restaurant/{}");
        assert_eq!(menus.in_order("jons"), ["/restaurant/jons", "/restaurant/jons/"]);
        menus.note("/restaurant/jons/");
        assert_eq!(menus.in_order("svarta"), ["/restaurant/svarta/", "/restaurant/svarta"]);
    }

    #[test]
    fn an_identifier_is_one_segment() {
        let [path, _] = Forms::new("/restaurant/{}").in_order("../a b/ö?");
        assert_eq!(path, "/restaurant/%2E%2E%2Fa%20b%2F%C3%B6%3F");
    }
}
