//! The clauses of the standards that decide: one word for each, the same in a
//! decision, in `Cache-Status`' `detail`, and in what explain says.

use std::fmt;

macro_rules! clauses {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $section:literal;)+) => {
        /// A clause that decided what became of a request or of a response.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Clause {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Clause {
            /// What it says, in a word or two.
            pub const fn word(self) -> &'static str {
                match self { $(Clause::$name => $word,)+ }
            }

            /// Where it says so, such as `RFC 9111 4.2`.
            pub const fn section(self) -> &'static str {
                match self { $(Clause::$name => $section,)+ }
            }

            /// Both: what `detail` in `Cache-Status` says (RFC 9211 §2.8).
            pub const fn as_str(self) -> &'static str {
                match self { $(Clause::$name => concat!($word, ", ", $section),)+ }
            }
        }
    };
}

clauses! {
    /// Content in a GET has no meaning, but an upstream may give it one.
    Content = "content", "RFC 9110 9.3.1";
    /// The method's responses are not stored.
    Method = "method", "RFC 9111 3";
    /// The status is not final, or cannot be stored by itself.
    Status = "status", "RFC 9111 3";
    /// Nothing that allows storing: no freshness, no `public`, and a status
    /// without a heuristic.
    NotAllowed = "no explicit freshness", "RFC 9111 3";
    /// It may be stored, but could never be reused: stale, without a validator.
    OfNoUse = "stale without a validator", "RFC 9111 3";
    /// A part that cannot be put to use.
    Part = "partial content", "RFC 9111 3.3";
    /// A stored part does not hold all that is asked for.
    Incomplete = "incomplete", "RFC 9111 3.3";
    /// `Authorization`, and nothing says that the response is for all.
    Authorization = "authorization", "RFC 9111 3.5";
    /// It was asked for in one client's name, and does not say that it is for all.
    ForOne = "asked for one client", "RFC 9111 3";
    /// Nothing is stored under the key.
    Absent = "nothing stored", "RFC 9111 4";
    /// What is stored was selected by other request fields.
    Vary = "vary", "RFC 9111 4.1";
    /// `Vary: *`.
    VaryAny = "vary *", "RFC 9111 4.1";
    /// The current age is below the freshness lifetime.
    Fresh = "fresh", "RFC 9111 4.2";
    /// The current age has reached the freshness lifetime.
    Stale = "stale", "RFC 9111 4.2";
    /// `max-age` in the request.
    RequestMaxAge = "max-age in request", "RFC 9111 5.2.1.1";
    /// `max-stale` in the request.
    RequestMaxStale = "max-stale in request", "RFC 9111 5.2.1.2";
    /// `min-fresh` in the request.
    RequestMinFresh = "min-fresh in request", "RFC 9111 5.2.1.3";
    /// `no-cache` in the request.
    RequestNoCache = "no-cache in request", "RFC 9111 5.2.1.4";
    /// `no-store` in the request.
    RequestNoStore = "no-store in request", "RFC 9111 5.2.1.5";
    /// `only-if-cached` in the request.
    OnlyIfCached = "only-if-cached", "RFC 9111 5.2.1.7";
    /// `must-revalidate`.
    MustRevalidate = "must-revalidate", "RFC 9111 5.2.2.2";
    /// `must-understand`, and the status is not one that is understood.
    MustUnderstand = "must-understand", "RFC 9111 5.2.2.3";
    /// `no-cache`.
    NoCache = "no-cache", "RFC 9111 5.2.2.4";
    /// `no-store`.
    NoStore = "no-store", "RFC 9111 5.2.2.5";
    /// `private`.
    Private = "private", "RFC 9111 5.2.2.7";
    /// `proxy-revalidate`.
    ProxyRevalidate = "proxy-revalidate", "RFC 9111 5.2.2.8";
    /// `s-maxage` allows storing, and implies `proxy-revalidate`.
    SMaxage = "s-maxage", "RFC 9111 5.2.2.10";
    /// `max-age` allows storing.
    MaxAge = "max-age", "RFC 9111 5.2.2.1";
    /// `public` allows storing.
    Public = "public", "RFC 9111 5.2.2.9";
    /// `Expires` allows storing.
    Expires = "expires", "RFC 9111 5.3";
    /// The status allows a heuristic freshness.
    Heuristic = "heuristic freshness", "RFC 9111 4.2.2";
    /// The rule of its path, or a flag, gives it a freshness.
    Configured = "configured freshness", "rule";
    /// `Pragma: no-cache` in the request.
    Pragma = "pragma in request", "RFC 9111 5.4";
    /// What has to do with a cookie, and was not said to be for all.
    Cookie = "cookie", "RFC 9111 7.3";
    /// `stale-while-revalidate`.
    StaleWhileRevalidate = "stale-while-revalidate", "RFC 5861 3";
    /// `stale-if-error`.
    StaleIfError = "stale-if-error", "RFC 5861 4";
    /// A rule says that its path is not cached.
    Bypass = "bypass", "rule";
    /// A rule's `expires-at` has passed.
    ExpiresAt = "expires-at", "rule";
    /// A rule's guard calls the upstream's answer worse than what is stored.
    Guard = "better than the answer", "rule";
    /// The response is larger than `--max-object-size`, or found no room.
    TooLarge = "too large", "max-object-size";
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
