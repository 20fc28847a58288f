//! What is stored: looked at, purged, explained.

use serde_json::json;

use super::{FORM, JSON, fresh, json, refused, said, told};
use crate::support::{Relay, get, send, until};

/// A relay that has these paths.
fn having(paths: &[&str]) -> Relay {
    let origin = fresh("surrogate-key: menus all\r\nvary: accept-language\r\n");
    let relay = Relay::before(&origin.url());
    for path in paths {
        assert_eq!(relay.get(path).text(), "menu");
    }
    relay
}

fn uris(relay: &Relay, query: &str) -> Vec<String> {
    let list = said(relay, &format!("/v1/cache{query}"));
    let items = list["items"].as_array().unwrap().iter();
    items.map(|one| one["uri"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_is_searched_sorted_and_paged() {
    let relay = having(&["/a", "/b?x", "/c", "/c"]);
    let list = said(&relay, "/v1/cache");
    assert_eq!((&list["total"], &list["page"], &list["pages"]), (&json!(3), &json!(1), &json!(1)));
    let first = &list["items"][0];
    assert_eq!((&first["uri"], &first["status"]), (&json!("/a"), &json!(200)));
    assert_eq!((&first["bytes"], &first["stale"]), (&json!(4), &json!(false)));
    assert_eq!((&first["variants"], &first["tags"]), (&json!(1), &json!(["all", "menus"])));
    assert_eq!(uris(&relay, "?text=B"), ["/b?x"]);
    assert_eq!(uris(&relay, "?tag=menus&per_page=2&page=2"), ["/c"]);
    assert_eq!(uris(&relay, "?sort=hits&per_page=1"), ["/c"]);
    assert_eq!(uris(&relay, "?page=18446744073709551615"), Vec::<String>::new());
}

#[test]
fn what_is_no_query_of_a_list_is_refused() {
    let relay = having(&["/a"]);
    for query in [
        "?page=18446744073709551616",
        "?page=-1",
        "?page=x",
        "?per_page=0",
        "?per_page=501",
        "?sort=colour",
        &format!("?tag={}", "x".repeat(257)),
        &format!("?text={}", "x".repeat(9000)),
    ] {
        refused(&get(relay.admin, &format!("/v1/cache{query}"), ""), 400);
    }
}

#[test]
fn an_entry_has_its_fields_and_the_clause_it_is_stored_on() {
    let relay = having(&["/a"]);
    let id = said(&relay, "/v1/cache")["items"][0]["id"].as_str().unwrap().to_owned();
    let entry = said(&relay, &format!("/v1/cache/entries/{id}"));
    assert_eq!((&entry["uri"], &entry["id"]), (&json!("/a"), &json!(id)));
    let variant = &entry["variants"][0];
    assert_eq!(variant["selected_by"], json!([{ "name": "accept-language", "value": null }]));
    assert!(variant["headers"].as_array().unwrap().iter().any(|line| line["name"] == "vary"));
    assert_eq!(
        variant["stored_because"],
        json!({ "because": "max-age", "section": "RFC 9111 5.2.2.1" })
    );
    let freshness = &variant["freshness"];
    assert_eq!(
        (&freshness["freshness_lifetime"], &freshness["fresh"]),
        (&json!(600), &json!(true))
    );

    // It is gone when what it names is.
    told(&relay, "POST", "/v1/cache/purge", &json!({ "entry": id }).to_string());
    for id in [&*id, "x", "%2e%2e", "L25vdGhpbmc", &"A".repeat(20_000)] {
        refused(&get(relay.admin, &format!("/v1/cache/entries/{id}"), ""), 404);
    }
}

#[test]
fn each_kind_of_purge_as_json_and_as_a_form() {
    for (json_form, form, left) in [
        (json!({ "url": "/a/1" }), "url=/a/1", 2),
        (json!({ "url": "http://relay:8080/a/1" }), "url=http://relay/relay_anything/a/1", 2),
        (json!({ "prefix": "/a/" }), "prefix=/a/", 1),
        (json!({ "tag": "menus" }), "tag=menus", 0),
        (json!({ "tag": "none" }), "tag=none", 3),
    ] {
        let paths = ["/a/1", "/a/2", "/b"];
        let count = json!(paths.len() - left);
        let relay = having(&paths);
        let mut dry = json_form.clone();
        dry["dry_run"] = true.into();
        let dry = told(&relay, "POST", "/v1/cache/purge", &dry.to_string());
        assert_eq!(dry["count"], count, "{json_form}");
        assert_eq!(uris(&relay, "").len(), paths.len());
        let real = told(&relay, "POST", "/v1/cache/purge", &json_form.to_string());
        assert_eq!(real, dry, "{json_form}");
        assert_eq!(uris(&relay, "").len(), left, "{json_form}");

        let relay = having(&paths);
        let real = json(&send(relay.admin, "POST", "/v1/cache/purge", FORM, form));
        assert_eq!(real, dry, "{form}");
    }
}

#[test]
fn a_soft_purge_leaves_what_is_stored_to_be_validated() {
    let relay = having(&["/a"]);
    let soft = json!({ "url": "/a", "soft": true }).to_string();
    assert_eq!(told(&relay, "POST", "/v1/cache/purge", &soft)["count"], 1);
    let entry = &said(&relay, "/v1/cache")["items"][0];
    assert_eq!((&entry["uri"], &entry["stale"]), (&json!("/a"), &json!(true)));
    // Nobody has asked for it twice, so it is not refreshed before somebody does.
    let status = relay.get("/a").field("cache-status").unwrap().to_owned();
    assert!(
        status.starts_with("lunch-relay; hit; ttl=") && status.contains("stale-while"),
        "{status}"
    );
}

#[test]
fn what_has_answered_somebody_is_refreshed_behind_a_soft_purge() {
    let origin = fresh("");
    let relay = Relay::before(&origin.url());
    // An answer that is on its way may be shared before it is stored.
    until(|| relay.get("/a").field("cache-status").unwrap().contains("; hit;"));
    relay.get("/b");
    until(|| said(&relay, "/v1/cache")["total"] == 2);
    told(&relay, "POST", "/v1/cache/purge", "{\"prefix\":\"/\",\"soft\":true}");
    until(|| origin.heads().len() == 3);
    until(|| said(&relay, "/v1/cache")["items"][0]["stale"] == false);
    assert_eq!(said(&relay, "/v1/cache")["items"][1]["stale"], true);
    assert!(origin.heads()[2].starts_with("GET /a "));
}

#[test]
fn what_is_no_purge_is_refused_and_nothing_is_purged() {
    let relay = having(&["/a"]);
    for body in [
        "",
        "{",
        "[]",
        "{}",
        "{\"url\":1}",
        "{\"url\":\"a\"}",
        "{\"url\":\"/../a\"}",
        "{\"prefix\":\"\"}",
        "{\"tag\":\"\"}",
        "{\"entry\":\"!\"}",
        "{\"url\":\"/a\",\"tag\":\"b\"}",
        "{\"url\":\"/a\",\"soft\":\"perhaps\"}",
    ] {
        let answer = send(relay.admin, "POST", "/v1/cache/purge", JSON, body);
        refused(&answer, 400);
    }
    let plain = "content-type: text/plain\r\n";
    refused(&send(relay.admin, "POST", "/v1/cache/purge", plain, "{\"url\":\"/a\"}"), 415);
    let read = get(relay.admin, "/v1/cache/purge", "");
    refused(&read, 405);
    assert_eq!(read.field("allow"), Some("POST"));
    assert_eq!(uris(&relay, ""), ["/a"]);
}

#[test]
fn an_explanation_says_what_would_happen_and_why() {
    let relay = having(&["/a"]);
    let explained = said(&relay, "/v1/explain?url=/a");
    assert_eq!((&explained["key"], &explained["decision"]), (&json!("/a"), &json!("reuse")));
    assert_eq!(explained["section"], "RFC 9111 4.2");
    assert_eq!(explained["stored"]["freshness_lifetime"], 600);
    let miss = said(&relay, "/v1/explain?url=/a&header=Accept-Language:%20sv&header=X:%20y");
    assert_eq!((&miss["fwd"], &miss["section"]), (&json!("vary-miss"), &json!("RFC 9111 4.1")));
    let write = said(&relay, "/v1/explain?url=http://relay/a?b%3Dc&method=PUT");
    assert_eq!((&write["key"], &write["decision"]), (&json!("/a?b=c"), &json!("forward-alone")));
    for query in ["", "?url=a", "?url=/a&method=G%20T", "?url=/a&header=x", "?url=/docs"] {
        refused(&get(relay.admin, &format!("/v1/explain{query}"), ""), 400);
    }
    // Nothing was done.
    assert_eq!(uris(&relay, ""), ["/a"]);
}
