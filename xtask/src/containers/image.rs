//! Pure: what an image has to be like.

use serde_json::Value;

/// The most that an image may take, in bytes.
const LARGEST: u64 = 60 << 20;

/// What is wrong with an image, as `docker image inspect` describes it, that
/// was built of a commit.
pub(super) fn faults(image: &Value, revision: &str) -> Vec<String> {
    let config = &image["Config"];
    let labels = &config["Labels"];
    let size = image["Size"].as_u64().unwrap_or(u64::MAX);
    let version = env!("CARGO_PKG_VERSION");
    let expected = [
        (size <= LARGEST, format!("it has {} MiB", size >> 20)),
        (config["User"] == "65532:65532", format!("it runs as {}", config["User"])),
        (config["StopSignal"] == "SIGTERM", format!("it is ended by {}", config["StopSignal"])),
        (
            config["Healthcheck"]["Test"][2] == "healthcheck",
            format!("its health is {}", config["Healthcheck"]),
        ),
        (
            labels["org.opencontainers.image.revision"] == revision,
            format!("its labels are {labels}, and the commit is {revision}"),
        ),
        (
            labels["org.opencontainers.image.version"] == version,
            format!("its labels are {labels}, and the version is {version}: see the Dockerfile"),
        ),
    ];
    expected.into_iter().filter(|(holds, _)| !holds).map(|(_, fault)| fault).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "Size": LARGEST,
            "Config": {
                "User": "65532:65532",
                "StopSignal": "SIGTERM",
                "Healthcheck": { "Test": ["CMD", "/usr/local/bin/relay", "healthcheck"] },
                "Labels": {
                    "org.opencontainers.image.revision": "0692c9d",
                    "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
                },
            },
        })
    }

    #[test]
    fn a_good_image_has_no_faults() {
        assert_eq!(faults(&good(), "0692c9d"), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_named() {
        for (pointer, value, part) in [
            ("/Size", json!(LARGEST + (1 << 20)), "61 MiB"),
            ("/Config/User", json!("root"), "runs as \"root\""),
            ("/Config/StopSignal", json!("SIGKILL"), "SIGKILL"),
            ("/Config/Healthcheck", json!(null), "health"),
            ("/Config/Labels", json!({}), "0692c9d"),
        ] {
            let mut image = good();
            *image.pointer_mut(pointer).unwrap() = value;
            let faults = faults(&image, "0692c9d");
            assert!(faults.iter().any(|fault| fault.contains(part)), "{pointer}: {faults:?}");
        }
        assert_eq!(faults(&json!({}), "0692c9d").len(), 6);
    }

    #[test]
    fn the_dockerfile_has_the_packages_version() {
        let dockerfile = include_str!("../../../Dockerfile");
        let version = concat!("ARG VERSION=", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(dockerfile.matches("ARG VERSION=").count(), dockerfile.matches(version).count());
    }
}
