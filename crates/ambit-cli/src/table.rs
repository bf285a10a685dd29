//! Tables for people.

use crate::output;

/// Prints rows in columns as wide as their widest cell; the last column is not padded.
pub(crate) fn print(header: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let widths: Vec<usize> = (0..header.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).chain([header[column].len()]).max().unwrap_or(0))
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        text.trim_end().to_owned()
    };
    output::heading(&line(&mut header.iter().copied()))?;
    for row in rows {
        output::data(&line(&mut row.iter().map(String::as_str)))?;
    }
    Ok(())
}
