//! The schema in this folder is what the types say.

use std::{env, fs, path::Path};

use schemars::{Schema, generate::SchemaSettings};
use serde_json::{Value, json};
use xtask::capacity::raw::{RawRun, SCHEMA_VERSION};

/// What is written, rather than what is read: every field is there.
fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema: Schema = generator.into_root_schema_for::<RawRun>();
    schema.insert("$id".to_owned(), json!(format!("urn:x-xtask:run:{SCHEMA_VERSION}")));
    schema.insert("title".to_owned(), json!("run.json of cargo xtask capacity"));
    schema.to_value()
}

/// With `UPDATE_SCHEMAS` set the file is written instead.
#[test]
fn the_file_is_what_the_types_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("run.schema.json");
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let wanted = format!("{schema:#}\n");
    if env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "run.schema.json is not what the types say: look at what changed, see whether \
         SCHEMA_VERSION has to, and run UPDATE_SCHEMAS=1 cargo test -p xtask --test schema"
    );
}
