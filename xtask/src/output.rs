//! Where everything that is printed goes through: stdout is data, stderr is talk.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the one place that prints")]

/// A line of data.
pub fn data(line: &str) {
    println!("{line}");
}

/// A line of talk.
pub fn talk(line: &str) {
    eprintln!("{line}");
}

/// Rows under a heading, in columns as wide as their widest cell.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) {
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count());
        cells.chain([heading[i].chars().count()]).max().unwrap_or(0)
    };
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells.iter().enumerate().map(|(i, cell)| format!("{cell:0$}", width(i))).collect();
        data(padded.join("  ").trim_end());
    };
    line(&heading.iter().map(ToString::to_string).collect::<Vec<_>>());
    rows.iter().for_each(|row| line(row));
}
