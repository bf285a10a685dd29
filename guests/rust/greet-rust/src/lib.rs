//! A plug-in in Rust, of the world in `../../wit/greet`.

wit_bindgen::generate!({ path: "../../wit/greet", generate_all });

use ambit::greet::types::Language;
use exports::wasi::cli::run;

/// How often somebody is greeted at most.
const MOST: u8 = 5;

struct Greeter;

impl Guest for Greeter {
    fn greet(who: Person, times: u8) -> Result<Greeting, GreetError> {
        if who.name.is_empty() {
            return Err(GreetError::Nameless);
        }
        if times > MOST {
            return Err(GreetError::TooOften(MOST));
        }
        let hello = match who.language.unwrap_or(Language::English) {
            Language::English => "Hello",
            Language::German => "Guten Tag",
            Language::Greek => "Γεια σου",
        };
        let mut called = who.titles;
        called.push(who.name);
        let once = format!("{hello}, {}!", called.join(" "));
        let text = vec![once; times.into()].join(" ");
        let characters = text.chars().count().try_into().expect("memory has no more bytes than that");
        Ok(Greeting { text, characters })
    }
}

impl run::Guest for Greeter {
    fn run() -> Result<(), ()> {
        println!("hello from Rust");
        Ok(())
    }
}

export!(Greeter);
