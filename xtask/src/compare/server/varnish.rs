//! Varnish's configuration.

/// No operator's port, storage in memory, one pool of threads.
pub(super) const ARGUMENTS: [&str; 6] = ["-T", "none", "-s", "malloc,256m", "-p", "thread_pools=1"];

/// Its own rules, and where the origin is.
pub(super) fn configuration(origin: &str) -> String {
    let (host, port) = origin.rsplit_once(':').unwrap_or((origin, "80"));
    format!(
        "vcl 4.1;
backend default {{
    .host = \"{host}\";
    .port = \"{port}\";
    .max_connections = 10000;
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_origin_is() {
        let vcl = configuration("127.0.0.1:9000");
        assert!(vcl.contains(".host = \"127.0.0.1\";\n    .port = \"9000\";"), "{vcl}");
    }
}
