//! The tree is tidy: `cargo xtask tidy`, as a test.

use xtask::{Finding, Repo, tidy};

#[test]
fn the_tree_is_tidy() {
    let repo = Repo::here().expect("the repository can be listed");
    let faults: Vec<Finding> = tidy(&repo).expect("it can be read").into_iter().filter(|finding| !finding.warning).collect();
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "\n{}", shown.join("\n"));
}
