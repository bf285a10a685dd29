//! The page that states what was counted.

use std::{env, fs, path::Path};

use crate::{executor, tally::Measured};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conformance.md");

/// Compares the page with what was measured, or writes it if `AMBIT_BLESS` is set.
pub(crate) fn settle(measured: &Measured) -> Result<(), String> {
    if executor::yields() == 0 {
        return Err("no guest ever gave the thread back: this is not the configuration in use".into());
    }
    let path = Path::new(PAGE);
    let before = fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    let after = measured.tables().iter().try_fold(before.clone(), |page, (name, table)| {
        with_table(&page, name, table).ok_or_else(|| format!("`{}` has no place for the table `{name}`", path.display()))
    })?;
    if before == after {
        return Ok(());
    }
    if env::var_os("AMBIT_BLESS").is_some() {
        return fs::write(path, after).map_err(|error| format!("cannot write `{}`: {error}", path.display()));
    }
    Err("`docs/conformance.md` states other numbers than these; if they are right, run this with AMBIT_BLESS=1".into())
}

/// The page with `table` between the comments that name it.
fn with_table(page: &str, name: &str, table: &str) -> Option<String> {
    let start = format!("<!-- table {name} -->\n");
    let end = "<!-- end -->";
    let (head, rest) = page.split_once(&start)?;
    let (_, tail) = rest.split_once(end)?;
    Some(format!("{head}{start}{table}{end}{tail}"))
}
