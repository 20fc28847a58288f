//! The names that the relay answers itself.

use crate::target::ANYTHING;

/// Which names are the relay's own. They hide paths of the upstream, which
/// `/relay_anything/…` then leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Those of any relay.
    Relay,
    /// Those of a relay of the lunch API, too: its menus, typed and as text.
    Lunch,
}

impl Names {
    /// Whether a path, without its query, is answered by an endpoint of our own.
    pub fn are_own(self, path: &str) -> bool {
        matches!(path, "/docs" | "/openapi.json" | "/healthz" | "/readyz")
            || (self == Names::Lunch && is_of_lunch(path))
    }

    /// Whether a path, perhaps with a query, is not the upstream's.
    pub fn hide(self, path: &str) -> bool {
        let end = path.find(['?', '#']).unwrap_or(path.len());
        let path = &path[..end];
        self.are_own(path) || path == ANYTHING || is_anything(path)
    }
}

/// Whether a path is the upstream's under its longer name.
pub fn is_anything(path: &str) -> bool {
    path.strip_prefix(ANYTHING).is_some_and(|rest| rest.starts_with('/'))
}

fn is_of_lunch(path: &str) -> bool {
    let is_or_below = |name: &str| {
        path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is_or_below("/lunch") || is_or_below("/v1/restaurants") || path == "/v1/dishes"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_any_relay() {
        for path in ["/docs", "/docs?x", "/readyz", "/relay_anything", "/relay_anything/x"] {
            assert!(Names::Relay.hide(path) && Names::Lunch.hide(path), "{path}");
        }
        for path in ["/", "/docs/", "/doc", "/relay_anythingx", "/restaurant/docs", "/a?/docs"] {
            assert!(!Names::Relay.hide(path) && !Names::Lunch.hide(path), "{path}");
        }
    }

    #[test]
    fn the_names_of_a_relay_of_the_lunch_api() {
        for path in ["/lunch", "/lunch/jons", "/v1/restaurants?region=x", "/v1/restaurants/jons"] {
            assert!(Names::Lunch.hide(path) && !Names::Relay.hide(path), "{path}");
        }
        for path in ["/lunches", "/v1", "/v1/dish", "/v1/dishes/x", "/v1/restaurantsx"] {
            assert!(!Names::Lunch.hide(path), "{path}");
        }
    }
}
