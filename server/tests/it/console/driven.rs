//! A browser that is driven, and what it is driven by.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use fantoccini::{Client, ClientBuilder, Locator, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::support::PATIENCE;

/// A driver with a browser; both end when it is dropped.
pub(super) struct Browser {
    driver: Child,
    pub(super) client: Client,
}

impl Browser {
    pub(super) async fn start() -> Browser {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is there: `cargo xtask ci` installs it");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let url = format!("http://127.0.0.1:{}", port.expect("its output tells the port"));
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            "--window-size=1280,900",
        ];
        let capabilities: Capabilities = serde_json::from_value(json!({
            "goog:chromeOptions": {"args": arguments},
        }))
        .unwrap();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&url)
            .await
            .unwrap();
        Browser { driver, client }
    }

    /// The text of the first element that a selector finds, once there is one.
    pub(super) async fn text(&self, selector: &str) -> String {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(selector));
        found.await.unwrap_or_else(|error| panic!("{selector}: {error}")).text().await.unwrap()
    }

    pub(super) async fn click(&self, selector: &str) {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(selector));
        let found = found.await.unwrap_or_else(|error| panic!("{selector}: {error}"));
        found.click().await.unwrap();
    }

    pub(super) async fn click_link(&self, text: &str) {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::LinkText(text));
        found.await.unwrap_or_else(|error| panic!("{text}: {error}")).click().await.unwrap();
    }

    pub(super) async fn fill(&self, selector: &str, text: &str) {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(selector));
        found.await.unwrap().send_keys(text).await.unwrap();
    }

    /// Waits until a script says yes.
    pub(super) async fn until(&self, condition: &str) {
        let script = format!("return Boolean({condition})");
        while self.client.execute(&script, Vec::new()).await.unwrap() != json!(true) {
            tokio::task::yield_now().await;
        }
    }

    pub(super) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// Ends the browser; the driver ends with this.
    pub(super) async fn close(self) {
        self.client.clone().close().await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
