//! The names of all limits, from the tables in ambit-core.

use anyhow::{Context, bail};

use crate::repo::Repo;

/// The files with the tables, and the names of the structs they declare.
const TABLES: &[(&str, &str)] =
    &[("crates/ambit-core/src/limits.rs", "struct RunLimits,"), ("crates/ambit-core/src/shape.rs", "struct ShapeLimits,")];

/// The names of all limits: those on the run, then the static ones.
pub(super) fn all(repo: &Repo) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for (file, table) in TABLES {
        let text = repo.text(file)?.with_context(|| format!("`{file}` is text"))?;
        let found = parse(&text, table);
        if found.is_empty() {
            bail!("`{file}` has no table of limits `{table}`");
        }
        names.extend(found);
    }
    Ok(names)
}

/// The names in the table: the first string of every row, `field Variant "name" Type = …`.
fn parse(text: &str, table: &str) -> Vec<String> {
    let rows = text.split_once(table).map_or("", |(_, rows)| rows);
    let rows = rows.lines().take_while(|line| !line.starts_with('}'));
    rows.filter_map(|line| {
        let mut words = line.split_whitespace();
        let (field, variant, name) = (words.next()?, words.next()?, words.next()?);
        let identifiers = [field, variant].iter().all(|word| word.chars().all(|c| c.is_alphanumeric() || c == '_'));
        let name = name.strip_prefix('"')?.strip_suffix('"')?;
        identifiers.then(|| name.to_owned())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_the_table() {
        let text = "limits! {\n    /// Words \"of\" doc.\n    struct RunLimits, RunLimitsSpec, LimitKey;\n\n\
                    \x20   memory Memory \"memory\" ByteSize = 1, 2 => 3,\n        \"what it \\\n is\";\n\
                    \x20   wall_time WallTime \"wall-time\" Span = 1, \"x\";\n}\n    a B \"other\" C;\n";
        assert_eq!(parse(text, "struct RunLimits,"), ["memory", "wall-time"]);
        assert!(parse(text, "struct ShapeLimits,").is_empty());
    }

    #[test]
    fn the_real_tables_are_read() {
        let names = all(&Repo::here().expect("listed")).expect("read");
        for name in ["memory", "compile-memory", "types", "type-size"] {
            assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
        }
    }
}
