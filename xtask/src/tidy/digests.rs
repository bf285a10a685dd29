//! The built guests that are checked in, against the list of their digests.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::Finding;
use crate::repo::Repo;

const LIST: &str = "guests/DIGESTS";
const DIR: &str = "guests/bin/";

/// Checks every file under guests/bin.
pub(super) fn check_repo(repo: &Repo) -> anyhow::Result<Vec<Finding>> {
    let mut found = BTreeMap::new();
    for file in repo.files().filter(|file| file.starts_with(DIR)) {
        found.insert(file.to_owned(), digest(&repo.bytes(file)?));
    }
    let list = if repo.has(LIST) { repo.text(LIST)?.unwrap_or_default() } else { String::new() };
    Ok(check(&list, &found))
}

/// Compares the list, as `sha256sum` writes it in guests/, with the digests of the files that are there.
fn check(list: &str, found: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut listed = BTreeMap::new();
    for (number, line) in super::numbered(list) {
        let Some((digest, file)) = line.split_once("  ") else {
            findings.push(Finding::new(LIST, number, "is not a digest and a file"));
            continue;
        };
        let file = format!("guests/{file}");
        match found.get(&file) {
            None => findings.push(Finding::new(LIST, number, format!("`{file}` does not exist"))),
            Some(real) if real != digest => findings.push(Finding::new(LIST, number, format!("`{file}` has the digest {real}"))),
            Some(_) => {}
        }
        if listed.insert(file.clone(), number).is_some() {
            findings.push(Finding::new(LIST, number, format!("`{file}` is listed twice")));
        }
    }
    let unlisted = found.keys().filter(|file| !listed.contains_key(*file));
    findings.extend(unlisted.map(|file| Finding::new(file, 1, format!("is not listed in {LIST}"))));
    findings
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::check::check as expect, *};

    #[test]
    fn digests_match() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let found = BTreeMap::from([("guests/bin/a.wasm".to_owned(), digest(b"abc"))]);
        let line = format!("{abc}  bin/a.wasm\n");
        expect(&check(&line, &found), &[]);
        expect(&check("", &found), &[(1, "is not listed")]);
        expect(&check(&format!("{line}{abc}  bin/b.wasm\n"), &found), &[(2, "`guests/bin/b.wasm` does not exist")]);
        expect(&check(&line.replace("ba7816", "000000"), &found), &[(1, "has the digest ba7816")]);
        expect(&check(&line.repeat(2), &found), &[(2, "twice")]);
        expect(&check(&format!("{line}?\n"), &found), &[(2, "is not a digest")]);
    }
}
