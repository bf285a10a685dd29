//! Programs: what they are given, what they leave behind.

use std::{io::IoSlice, time::Duration};

use ambit::{Capture, Error, GuestOutput, LimitKey, Outcome, PolicyBuilder, RejectReason, RunState, Units};

use crate::{builder, guest, load, load_in, rejected, runtime, until, wait};

/// A program that writes a line, then does not end.
const CHATTY: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\10\00\00\00\05\00\00\00") (data (i32.const 16) "here\n")
    (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
        (drop (memory.grow (i32.const 3)))
        (loop (br 0))))"#;

#[test]
fn a_program_has_what_it_is_given_and_nothing_else() {
    let module = runtime().load_blocking(guest("env")).expect("admitted");
    let output = module.run_blocking(["one", "two words"]).expect("it ran").success().expect("it succeeds");
    let text = output.stdout_text().into_owned();
    assert!(text.contains("one") && text.contains("two words"), "{text}");
    assert!(!text.contains("PATH"), "{text}");
    let output = module.launch().env("COLOUR", "red").env("COLOUR", "green").run_blocking().expect("it ran");
    let text = output.stdout_text().into_owned();
    assert!(text.contains("COLOUR=green") && !text.contains("red"), "{text}");
    let named = module.with_name("tool").run_blocking([""; 0]).expect("it ran");
    assert!(named.stdout_text().contains("tool"), "{}", named.stdout_text());
}

#[test]
fn input_goes_in_and_output_comes_out() {
    let runtime = runtime();
    let cat = runtime.load_blocking(guest("cat")).expect("admitted");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    wait(async {
        let output = cat.launch().stdin(bytes.clone()).run().await.expect("it ran");
        assert_eq!((output.exit_code(), output.stdout() == bytes, output.stderr()), (Some(0), true, &b""[..]));
        assert_eq!(output.usage().output_bytes, Some(100_000));
        let none = cat.launch().run().await.expect("it ran");
        assert_eq!(none.stdout(), b"", "there is no input unless it is given");
    });
    let filter = runtime.load_blocking(guest("filter")).expect("admitted");
    let output = filter.launch().arg("b").stdin("abc\nxyz\nb\n").run_blocking().expect("it ran");
    assert_eq!(output.stdout_text(), "abc\nb\n");
    let output = filter.launch().arg("q").stdin("abc\n").run_blocking().expect("it ran");
    assert_eq!(output.exit_code(), Some(1));
    let error = output.success().expect_err("a code that is not 0");
    assert_eq!(error.to_string(), "the program exited with code 1");
    let output = filter.run_blocking([""; 0]).expect("it ran");
    assert_eq!((output.exit_code(), output.stderr_text().as_ref()), (Some(2), "usage: filter TEXT\n"));
}

#[test]
fn output_goes_elsewhere_if_that_is_said() {
    let module = runtime().load_blocking(guest("hello")).expect("admitted");
    let kept = Capture::default();
    let output = module.launch().stdout(kept.clone()).run_blocking().expect("it ran");
    assert_eq!((kept.take(), output.stdout()), (b"hello, world\n".to_vec(), &b""[..]));

    /// Takes three bytes at a time.
    struct Slow(Capture);
    impl GuestOutput for Slow {
        fn try_write(&mut self, bufs: &[IoSlice<'_>]) -> std::io::Result<usize> {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| &buf[..buf.len().min(3)]);
            self.0.try_write(&[IoSlice::new(first)])
        }
    }
    module.launch().stdout(Slow(kept.clone())).run_blocking().expect("it ran");
    assert_eq!(kept.take(), b"hello, world\n");
}

#[test]
fn what_the_policy_does_not_allow_is_refused() {
    let module = load(r#"(module (func (export "_start")))"#);
    let minimal = PolicyBuilder::new("minimal").build().expect("a policy");
    let module = module.with_policy_blocking(&minimal).expect("it needs nothing");
    module.run_blocking([""; 0]).expect("it ran").success().expect("it succeeds");
    let check = |result, grant: &str| {
        let message = rejected(result, RejectReason::Policy);
        assert_eq!(message, format!("the policy does not allow the grant `{grant}`"));
    };
    check(module.run_blocking(["a"]), "args");
    check(module.launch().env("A", "b").run_blocking(), "env");
    check(module.launch().stdin("input").run_blocking(), "stdin");
    let message = rejected(module.launch().env("A=B", "c").run_blocking(), RejectReason::Policy);
    assert!(message.contains("`A=B` is no name of a variable"), "{message}");
}

#[test]
fn what_is_no_program_is_refused() {
    let module = load(r#"(module (func (export "f")))"#);
    let message = rejected(module.run_blocking([""; 0]), RejectReason::NotFound);
    assert!(message.contains("exports neither `_start` nor `main`"), "{message}");
}

#[test]
fn a_programs_failure_is_data() {
    let runtime = builder().limit("output", "100").timeout(50.millis()).build().expect("a runtime");
    let cat = runtime.load_blocking(guest("cat")).expect("admitted");
    let output = cat.launch().stdin(vec![b'x'; 1000]).run_blocking().expect("it ran");
    assert!(matches!(output.outcome(), Outcome::LimitExceeded { limit: LimitKey::Output, .. }), "{:?}", output.outcome());
    assert_eq!(output.stdout(), vec![b'x'; 100], "what the limit allows is there");
    let chatty = load_in(&runtime, CHATTY);
    let output = chatty.run_blocking([""; 0]).expect("it ran");
    assert!(matches!(output.outcome(), Outcome::LimitExceeded { limit: LimitKey::WallTime, .. }));
    assert_eq!(output.stdout_text(), "here\n");
    assert_eq!(output.exit_code(), None);
    let report = output.report();
    assert_eq!(report.outcome, *output.outcome());
    assert_eq!(report.policy.expect("known").limits.get(LimitKey::Output).finite(), Some(100));
    assert!(matches!(output.success(), Err(Error::Ended { .. })));
}

#[test]
fn a_program_under_way_is_looked_at_paused_and_cancelled() {
    let runtime = builder().timeout(60.secs()).build().expect("a runtime");
    let running = load_in(&runtime, CHATTY).launch().start().expect("accepted");
    until("it has grown", || running.memory() == 4 << 16);
    assert!(matches!(running.state(), Some(RunState::Running | RunState::Ready)));
    assert_eq!(running.usage().peak_memory_bytes, Some(4 << 16));
    assert_eq!(running.take_stdout(), b"here\n");
    running.pause();
    until("it is paused", || running.state() == Some(RunState::Paused));
    let slices = runtime.stats().slices;
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(runtime.stats().slices, slices, "it does not run");
    running.resume();
    until("it runs", || runtime.stats().slices > slices);
    let control = running.control();
    std::thread::spawn(move || control.cancel("operator"));
    let output = wait(running);
    assert_eq!(output.outcome(), &Outcome::Cancelled { by: "operator".into() });
    assert_eq!(output.stdout(), b"", "it was taken");
    assert!(output.usage().cpu_ns.is_some());
}

#[test]
fn a_programs_handle_keeps_it_running() {
    let running = {
        let runtime = builder().build().expect("a runtime");
        let sleep = runtime.load_blocking(guest("sleep")).expect("admitted");
        let policy = runtime.policy().adjust().args(["0.05"]).build().expect("a policy");
        sleep.with_policy_blocking(&policy).expect("loaded").launch().start().expect("accepted")
    };
    assert_eq!(running.wait().exit_code(), Some(0));
}

#[test]
fn a_run_that_nobody_awaits_any_more_is_cancelled() {
    let runtime = builder().timeout(60.secs()).build().expect("a runtime");
    let module = load_in(&runtime, CHATTY);
    wait(async {
        assert!(tokio::time::timeout(20.millis(), module.run([""; 0])).await.is_err());
    });
    until("it was cancelled", || runtime.stats().ended["cancelled"] == 1);
}

#[test]
fn a_component_runs_as_a_program() {
    let module = runtime().load_blocking(guest("hello-p2")).expect("admitted");
    let output = module.run_blocking([""; 0]).expect("it ran").success().expect("it succeeds");
    assert_eq!(output.stdout_text(), "hello from a component\n");
}

#[test]
fn files_are_those_that_were_granted() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("a.txt"), "two words\n").expect("written");
    let runtime = builder().grant("dirs", &format!("{}:/in", dir.path().display())).build().expect("a runtime");
    let wc = runtime.load_blocking(guest("wc")).expect("admitted");
    let output = wc.run_blocking(["/in/a.txt"]).expect("it ran").success().expect("it succeeds");
    assert!(output.stdout_text().contains("10"), "{}", output.stdout_text());
    let outside = wc.run_blocking(["/etc/passwd"]).expect("it ran");
    assert_ne!(outside.exit_code(), Some(0));
}

#[test]
fn logs_are_kept_too() {
    let module = load(
        r#"(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1) (data (i32.const 0) "a\nb")
            (func (export "_start") (call $log (i32.const 0) (i32.const 3)) (call $log (i32.const 0) (i32.const 1))))"#,
    );
    assert_eq!(module.run_blocking([""; 0]).expect("it ran").log(), ["a\\nb", "a"]);
}

#[test]
fn an_argument_with_a_nul_is_refused() {
    let runtime = crate::builder().build().expect("made");
    let module = runtime.load_blocking(wat::parse_str(r#"(module (func (export "_start")))"#).expect("valid")).expect("loaded");
    let error = module.launch().arg("a\0b").run_blocking().expect_err("the guest would see `a`");
    assert!(error.to_string().contains("holds a NUL"), "{error}");
}
