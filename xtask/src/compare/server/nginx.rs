//! nginx's configuration.

use super::{Site, Workload};

/// One process, and nothing of the system's: all files are in its folder.
///
/// It is a single process and not a master with a worker, so that nothing is left
/// of it when it is killed; what it does with a request is the same.
pub(super) fn configuration(site: Site<'_>) -> String {
    let Site { origin, port, folder, .. } = site;
    let folder = folder.display();
    let cache = cache(site.workload);
    format!(
        "daemon off;
master_process off;
worker_processes 1;
pid \"{folder}/nginx.pid\";
error_log stderr warn;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    client_body_temp_path \"{folder}/body\";
    proxy_temp_path \"{folder}/proxy\";
    fastcgi_temp_path \"{folder}/fastcgi\";
    uwsgi_temp_path \"{folder}/uwsgi\";
    scgi_temp_path \"{folder}/scgi\";
    proxy_cache_path \"{folder}/cache\" keys_zone=c:10m max_size=256m inactive=60m;
    upstream origin {{
        server {origin};
        keepalive 512;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
{cache}        }}
    }}
}}
"
    )
}

/// With the lock, who asks for what cannot be kept would wait in line for it.
fn cache(workload: Workload) -> &'static str {
    match workload {
        Workload::Hit => {
            "            proxy_cache c;
            proxy_cache_lock on;
            proxy_cache_lock_timeout 60s;
            proxy_cache_lock_age 60s;
"
        }
        Workload::Miss => "",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn of(workload: Workload) -> String {
        let folder = Path::new("/tmp/a b");
        configuration(Site { origin: "127.0.0.1:9000", port: 9001, workload, folder })
    }

    #[test]
    fn what_it_is_told() {
        let hit = of(Workload::Hit);
        for said in [
            "\"/tmp/a b/cache\"",
            "listen 127.0.0.1:9001 ",
            "server 127.0.0.1:9000;",
            "keepalive 512;",
            "access_log off;",
            "worker_processes 1;",
            "proxy_cache c;",
            "proxy_cache_lock on;",
        ] {
            assert_eq!(hit.matches(said).count(), 1, "{said} in {hit}");
        }
        assert_eq!(hit.matches('{').count(), hit.matches('}').count());
    }

    #[test]
    fn what_cannot_be_kept_is_passed_on_at_once() {
        let miss = of(Workload::Miss);
        assert!(!miss.contains("proxy_cache ") && !miss.contains("proxy_cache_lock"), "{miss}");
        assert!(miss.contains("proxy_pass http://origin;"), "{miss}");
    }
}
