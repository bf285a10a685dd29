//! Processes that are killed while others use the same store: what was acknowledged is there, whole.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use ambit_store::{Metadata, StoreError};

use crate::fixture::{Misfortune, called, load, load_image, long, module, open, ours, plan, put_image, reference};

/// Which of the processes this is, where the store is, and at which step it is killed.
const LIFE: &str = "AMBIT_STORE_TEST_LIFE";
const PROCESSES: u64 = 4;
/// The steps that one life has at least.
const STEPS: u64 = 64;

/// The life of one of the processes.
pub(crate) struct Life {
    number: u64,
    killed_at: u64,
    store: PathBuf,
}

impl Life {
    pub(crate) fn of_this_process() -> Option<Self> {
        let life = std::env::var(LIFE).ok()?;
        let mut words = life.splitn(3, ' ');
        let mut number = || words.next()?.parse().ok();
        let (number, killed_at) = (number()?, number()?);
        Some(Self { number, killed_at, store: words.next()?.into() })
    }

    /// Works, says of everything when it begins and when it is done, and is killed.
    pub(crate) fn live(&self) {
        let say = |line: &str| {
            let mut out = std::io::stdout().lock();
            out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).expect("heard");
        };
        if self.killed_at > 0 {
            plan(self.killed_at, Misfortune::Kills);
        }
        let wrong = |what: &str, error: &StoreError| say(&format!("wrong {what}: {}", error.full()));
        let store = match open(&self.store) {
            Ok(store) => store,
            Err(error) => return wrong("open", &error),
        };
        for round in 0..400 {
            let name = format!("own{}/m{round}", self.number);
            let text = format!("{name} ");
            say(&format!("adding {name}"));
            let metadata = Metadata { description: Some(text.clone()), ..Metadata::default() };
            let tags = vec!["live".parse().expect("a tag")];
            match store.add(&module(&text), ambit_store::Add { metadata, tags, ..called(&name, "1.0.0") }) {
                Ok(_) => say(&format!("added {name}")),
                Err(error) => wrong(&name, &error),
            }
            // The same as everybody adds.
            let shared = format!("shared@{round}.0.0");
            say(&format!("adding {shared}"));
            match store.add(&module(&format!("shared {round} ")), called("shared", &format!("{round}.0.0"))) {
                Ok(_) => say(&format!("added {shared}")),
                Err(error) => wrong(&shared, &error),
            }
            match round % 4 {
                1 => {
                    say(&format!("removing {name}"));
                    match store.remove(&ours(), &reference(&format!("{name}@1.0.0")), false) {
                        Ok(_) => say(&format!("removed {name}")),
                        Err(error) => wrong(&name, &error),
                    }
                }
                2 => {
                    let pinned = store.pin(&ours(), &reference(&name));
                    let loaded = load(&store, &format!("{name}:live"));
                    pinned.and(loaded).map_or_else(|error| wrong(&name, &error), drop);
                }
                0 => {
                    let image = format!("localhost/{name}");
                    say(&format!("adding {image}"));
                    match put_image(&store, &image, &text) {
                        Ok(()) => say(&format!("added {image}")),
                        Err(error) => wrong(&image, &error),
                    }
                    if round % 8 == 4 {
                        say(&format!("removing {image}"));
                        match store.remove_image(&ours(), &crate::fixture::image(&image)) {
                            Ok(_) => say(&format!("removed {image}")),
                            Err(error) => wrong(&image, &error),
                        }
                    }
                }
                3 => store.gc().map_or_else(|error| wrong("gc", &error), drop),
                _ => {}
            }
        }
    }
}

fn spawn(store: &Path, number: u64, killed_at: u64) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(LIFE, format!("{number} {killed_at} {}", store.display()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("a process")
}

/// What is known of a name after all that was said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Either,
    There,
    Gone,
}

/// Lets processes live and die, and looks at what they leave behind. Gives back how many modules were acknowledged.
fn round(killed_at: impl Fn(u64) -> u64, kill_after: Option<Duration>) -> usize {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("store");
    let mut children: Vec<Child> = (0..PROCESSES).map(|number| spawn(&path, number, killed_at(number))).collect();
    let outputs: Vec<_> = children
        .iter_mut()
        .map(|child| {
            let mut out = child.stdout.take().expect("piped");
            thread::spawn(move || {
                let mut said = String::new();
                out.read_to_string(&mut said).expect("text");
                said
            })
        })
        .collect();
    if let Some(after) = kill_after {
        thread::sleep(after);
        children.iter_mut().for_each(|child| child.kill().expect("killed"));
    }
    children.iter_mut().for_each(|child| assert!(child.wait().is_ok()));
    let said: Vec<String> = outputs.into_iter().map(|output| output.join().expect("no panic")).collect();
    let mut known: BTreeMap<&str, Known> = BTreeMap::new();
    for line in said.iter().flat_map(|said| said.lines()) {
        let (what, name) = line.split_once(' ').expect("two words");
        let now = match what {
            // What somebody has acknowledged stays so, whoever adds it once more.
            "adding" => known.get(name).copied().unwrap_or(Known::Either),
            "added" => Known::There,
            "removing" => Known::Either,
            "removed" => Known::Gone,
            _ => panic!("{line}"),
        };
        known.insert(name, now);
    }
    let store = open(&path).expect("a store");
    for (name, known) in &known {
        let text = name
            .strip_prefix("shared@")
            .map_or(format!("{name} "), |version| format!("shared {} ", version.trim_end_matches(".0.0")));
        let found = match name.strip_prefix("localhost/") {
            Some(image) => load_image(&store, name, &format!("{image} ")),
            None => load(&store, name),
        };
        let text = text.trim_start_matches("localhost/");
        match (found, known) {
            (Ok(bytes), Known::There | Known::Either) => assert_eq!(bytes, **module(text).bytes(), "{name}"),
            (Err(StoreError::NotFound { .. }), Known::Gone | Known::Either) => {}
            (other, _) => panic!("{name} is {known:?}: {:?}", other.map(|bytes| bytes.len()).map_err(|error| error.full())),
        }
    }
    // What is there beyond that was not acknowledged, and is whole too.
    for info in store.list(None).expect("a list") {
        load(&store, &info.record.title()).unwrap_or_else(|error| panic!("{}: {}", info.record.title(), error.full()));
    }
    let wrong = store.fsck(false).expect("checked").findings.into_iter();
    let wrong: Vec<_> =
        wrong.filter(|found| !["no record knows", "the index differs"].iter().any(|fine| found.what.starts_with(fine))).collect();
    assert_eq!(wrong, []);
    assert!(!store.fsck(true).expect("repaired").is_broken());
    store.gc().expect("collected");
    assert_eq!(store.fsck(false).expect("checked").findings, []);
    known.values().filter(|known| **known == Known::There).count()
}

pub(crate) fn at_each_step() {
    let rounds = if long() { 100 } else { 1 };
    let mut acknowledged = 0;
    for round_number in 0..rounds {
        for step in 1..=STEPS {
            // All of them, each a little later than the one before.
            acknowledged += round(|number| step + number * (3 + round_number % 7), None);
        }
    }
    assert!(acknowledged > 200, "{acknowledged}");
}

pub(crate) fn at_any_time() {
    let rounds = if long() { 500 } else { 8 };
    let mut acknowledged = 0;
    for number in 0..rounds {
        acknowledged += round(|_| 0, Some(Duration::from_millis(40 + number * 37 % 400)));
    }
    assert!(acknowledged > 20, "{acknowledged}");
}
