//! The table of calls in `docs/jail.md` is the one that is in force.

use std::{env, fs};

use crate::{Test, attempt::skip};

pub(crate) const TESTS: &[Test] = &[("the_page_has_the_calls_in_force", the_page_has_the_calls_in_force)];

const BEGIN: &str = "<!-- system calls: made by `cargo test -p ambit-jail --test walls` with AMBIT_BLESS=1 -->\n";
const END: &str = "<!-- end of system calls -->\n";

fn the_page_has_the_calls_in_force() {
    if !cfg!(target_arch = "x86_64") {
        return skip("the_page_has_the_calls_in_force", "the page has the calls of x86-64");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/jail.md");
    let page = fs::read_to_string(path).expect("docs/jail.md");
    let (before, rest) = page.split_once(BEGIN).expect("the marker before the table");
    let (_, after) = rest.split_once(END).expect("the marker after the table");
    let expect = format!("{before}{BEGIN}\n{}\n{END}{after}", ambit_jail::syscall_table());
    if page == expect {
        return;
    }
    let bless = "look at the change, then `AMBIT_BLESS=1 cargo test -p ambit-jail --test walls`";
    assert!(env::var_os("AMBIT_BLESS").is_some(), "docs/jail.md has other system calls than are in force; {bless}");
    fs::write(path, expect).expect("write docs/jail.md");
}
