//! Crashes and failures at every step that writes. Its own `main`, since those that crash are processes of this program.

mod failed;
mod fixture;
mod flipped;
mod killed;

use libtest_mimic::{Arguments, Trial};

fn main() {
    ambit_store::testing::interpose(fixture::before_step);
    if let Some(life) = killed::Life::of_this_process() {
        return life.live();
    }
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let trials = vec![
        trial("st_007_killed_at_each_step_with_others_at_work", killed::at_each_step),
        trial("st_007_killed_at_any_time", killed::at_any_time),
        trial("st_008_each_step_fails_once", failed::each_step_once),
        trial("each_step_of_keeping_an_artifact_fails_once", failed::keeping_an_artifact),
        trial("any_flipped_byte_is_found_before_anything_runs", flipped::any_byte),
    ];
    let mut arguments = Arguments::from_args();
    // Steps are counted for the process.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials).exit();
}
