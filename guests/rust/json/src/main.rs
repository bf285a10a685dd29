//! Reads a JSON object on standard input and prints it with its keys sorted and a field `keys` added: how many there were.
//!
//! Exit status 1 when the input is not a JSON object.

use std::process::ExitCode;

use serde_json::{Map, Value};

fn main() -> ExitCode {
    // A `Map` is a BTreeMap here, so that it prints in the order of its keys, at every depth.
    match serde_json::from_reader::<_, Map<String, Value>>(std::io::stdin().lock()) {
        Ok(mut object) => {
            object.insert("keys".into(), object.len().into());
            println!("{}", Value::Object(object));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("json: not a JSON object: {error}");
            ExitCode::FAILURE
        }
    }
}
