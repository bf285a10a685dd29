//! Workers that are kept ready.

use std::{path::Path, sync::Arc, thread, time::Duration};

use ambit_core::{Isolation, Profile};
use ambit_manager::{LaunchConfig, Launcher, Spawner, WarmWorkers};

#[test]
fn workers_that_do_not_come_up_are_not_tried_without_end() {
    // A program that ends at once, whatever it is called.
    let Ok(spawner) = Spawner::of(Path::new("/bin/false")) else { return };
    let policy = Profile::Default.policy().resolve(Isolation::Process).expect("enforceable");
    let launcher = Arc::new(Launcher::with(spawner, LaunchConfig::default()));
    let warm = WarmWorkers::start(launcher, Arc::new(policy), 4).expect("a thread");
    let until = |failures: u32| {
        for _ in 0..1000 {
            if warm.failures() >= failures {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("{} failures, not {failures}", warm.failures());
    };
    until(3);
    let why = warm.trouble().expect("the last one did not come up").to_string();
    assert!(why.contains("worker"), "{why}");
    assert_eq!(warm.ready(), 0);
    // Tried as fast as they fail it would be hundreds by now. By the third the pause is four times as long as after the first.
    let before = warm.failures();
    thread::sleep(Duration::from_millis(300));
    assert!(warm.failures() <= before + 2, "{} after {before}", warm.failures());
}
