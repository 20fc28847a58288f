//! The console as people use it: in a browser, with a relay under load.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use super::driven::Browser;
use crate::support::Relay;

/// The version of the checker that `npm` brings.
const AXE: &str = "axe-core@4.10.3";

fn relay_of_lunch() -> Relay {
    Relay::start(&["--upstream=demo", "--upstream-rate=50/s", "--upstream-burst=50"])
}

fn url(relay: &Relay, path: &str) -> String {
    format!("http://{}{path}", relay.admin)
}

#[tokio::test]
async fn figures_move_under_load() {
    let relay = relay_of_lunch();
    let browser = Browser::start().await;
    browser.client.goto(&url(&relay, "/")).await.unwrap();
    browser.until("document.querySelector('.live.on')").await;
    assert_eq!(browser.text("[data-what]").await, "Open");
    relay.get("/restaurant/");
    // Requests go on until the browser shows them.
    let seen = "parseFloat(document.querySelector('[data-live=total]').textContent) > 0 \
        && parseFloat(document.querySelector('[data-live=p99]').textContent) > 0 \
        && parseFloat(document.querySelector('[data-live=entries]').textContent) > 0";
    while browser.run(&format!("return {seen}"), Vec::new()).await != json!(true) {
        relay.get("/restaurant/");
    }
    browser.until("document.querySelector('[data-chart=requests] .area.fresh')").await;
    // The menus that are stored are seen at a glance.
    browser.client.refresh().await.unwrap();
    assert_eq!(browser.text(".places a").await, "all restaurants");
    browser.close().await;
}

#[tokio::test]
async fn an_entry_is_found_inspected_purged_and_gone() {
    let relay = relay_of_lunch();
    relay.get("/restaurant/");
    relay.get("/restaurant/bikupan/");
    let browser = Browser::start().await;
    browser.client.goto(&url(&relay, "/cache")).await.unwrap();
    browser.fill("#text", "BIKUPAN").await;
    browser.click("form[role=search] button").await;
    browser.until("document.querySelectorAll('.entries tbody tr').length === 1").await;
    browser.click_link("/restaurant/bikupan/").await;
    assert_eq!(browser.text("h1").await, "/restaurant/bikupan/");
    let card = browser.text("main .card").await;
    assert!(card.contains("Why is this here?") && card.contains("Fresh,"), "{card}");
    assert!(card.contains("content-type"), "{card}");

    browser.click_link("Purge…").await;
    let question = browser.text(".confirm").await;
    assert!(question.contains("1 stored response"), "{question}");
    browser.click("[data-confirm]").await;
    assert_eq!(browser.text("[role=status]").await, "1 stored response was purged.");
    let list = browser.text(".entries").await;
    assert!(!list.contains("bikupan"), "{list}");
    browser.close().await;
}

#[tokio::test]
async fn a_request_is_explained_and_the_upstream_held() {
    let relay = relay_of_lunch();
    relay.get("/restaurant/");
    let browser = Browser::start().await;
    browser.client.goto(&url(&relay, "/explain")).await.unwrap();
    browser.fill("#url", "/restaurant/").await;
    browser.click("main form button").await;
    assert_eq!(browser.text("#verdict").await, "What is stored answers");
    assert_eq!(browser.text(".clause").await, "Because: fresh, RFC 9111 4.2");

    browser.client.goto(&url(&relay, "/upstream")).await.unwrap();
    browser.fill("#reason", "the kitchen burns").await;
    browser.click("form[action='/upstream/hold'] button").await;
    browser.click("[data-confirm]").await;
    browser.until("location.pathname === '/upstream'").await;
    assert_eq!(browser.text("[data-what]").await, "Held by hand");
    assert_eq!(browser.text("[data-why]").await, "the kitchen burns");
    browser.click_link("Release…").await;
    browser.click("[data-confirm]").await;
    browser.until("document.querySelector('[data-what]')?.textContent === 'Open'").await;
    browser.close().await;
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let relay = Relay::start(&["--upstream=demo", "--admin-token=0123456789abcdef"]);
    let browser = Browser::start().await;
    browser.client.goto(&url(&relay, "/cache")).await.unwrap();
    browser.fill("#token", "fedcba9876543210").await;
    browser.click("button").await;
    browser.until("document.querySelector('#token') && document.readyState === 'complete'").await;
    browser.fill("#token", "0123456789abcdef").await;
    browser.click("button").await;
    assert_eq!(browser.text("main h1").await, "Overview");
    browser.click("header form button").await;
    browser.until("document.querySelector('#token')").await;
    browser.client.goto(&url(&relay, "/cache")).await.unwrap();
    browser.until("document.querySelector('#token')").await;
    browser.close().await;
}

#[tokio::test]
async fn pages_ask_nobody_else_fit_a_phone_and_can_be_used_by_all() {
    let relay = relay_of_lunch();
    relay.get("/restaurant/");
    relay.get("/restaurant/bikupan/");
    let axe = std::fs::read_to_string(axe()).unwrap();
    let browser = Browser::start().await;
    let pages = [
        "/",
        "/cache",
        "/cache/entries/L3Jlc3RhdXJhbnQv",
        "/cache/purge?what=prefix&value=/restaurant&how=hard",
        "/explain?url=/restaurant/",
        "/upstream",
        "/upstream/hold?for=ever",
    ];
    for path in pages {
        browser.client.set_window_size(1280, 900).await.unwrap();
        browser.client.goto(&url(&relay, path)).await.unwrap();
        browser.until("document.readyState === 'complete'").await;
        let asked = "return performance.getEntriesByType('resource').map((one) => one.name)";
        let asked = browser.run(asked, Vec::new()).await;
        let asked: Vec<String> = serde_json::from_value(asked).unwrap();
        let own = url(&relay, "/");
        assert!(!asked.is_empty() && asked.iter().all(|one| one.starts_with(&own)), "{asked:?}");
        assert_eq!(faults(&browser, &axe).await, Vec::<String>::new(), "{path}");

        browser.client.set_window_size(500, 900).await.unwrap();
        let sideways =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.run(sideways, Vec::new()).await, json!(0), "{path}");
    }
    browser.close().await;
}

/// What of a page some people cannot use, as far as a program can tell.
async fn faults(browser: &Browser, axe: &str) -> Vec<String> {
    browser.run(axe, Vec::new()).await;
    let script = "const done = arguments[arguments.length - 1]; \
        axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations))";
    let found: Value = browser.client.execute_async(script, Vec::new()).await.unwrap();
    let found = found.as_array().unwrap().iter();
    let is_serious = |fault: &&Value| {
        ["serious", "critical"].contains(&fault["impact"].as_str().unwrap_or_default())
    };
    found.filter(is_serious).map(|fault| format!("{} {}", fault["id"], fault["nodes"])).collect()
}

/// The checker's script, brought once.
fn axe() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    if !script.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let output = Command::new("npm")
            .args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", AXE])
            .current_dir(&folder)
            .output()
            .expect("npm is there: `cargo xtask ci` installs it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    script
}
