//! Why a request goes forward.

/// Why a request went forward (RFC 9211 §2.2): the decision, the parameter,
/// the log field and the metric label in one; an extension of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fwd {
    /// The cache was told not to handle the request.
    Bypass,
    /// The method's semantics ask for it.
    Method,
    /// No stored response has this key.
    UriMiss,
    /// A stored response has this key, but was selected by other fields.
    VaryMiss,
    /// The request's own directives ask for it.
    Request,
    /// The stored response is stale.
    Stale,
    /// What is stored is a part of what is asked for.
    Partial,
}

impl Fwd {
    /// All of them, in their order.
    pub const ALL: [Fwd; 7] = [
        Fwd::Bypass,
        Fwd::Method,
        Fwd::UriMiss,
        Fwd::VaryMiss,
        Fwd::Request,
        Fwd::Stale,
        Fwd::Partial,
    ];

    /// The token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Fwd::Bypass => "bypass",
            Fwd::Method => "method",
            Fwd::UriMiss => "uri-miss",
            Fwd::VaryMiss => "vary-miss",
            Fwd::Request => "request",
            Fwd::Stale => "stale",
            Fwd::Partial => "partial",
        }
    }
}
