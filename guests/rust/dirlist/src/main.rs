//! Lists the directory named by its argument, sorted, one `KIND SIZE NAME` a line: `f` file, `d` directory, `l` link, `?` other.

use std::fs::FileType;
use std::io;
use std::process::ExitCode;

fn kind(of: FileType) -> char {
    match () {
        () if of.is_file() => 'f',
        () if of.is_dir() => 'd',
        () if of.is_symlink() => 'l',
        () => '?',
    }
}

fn list(path: &str) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        lines.push((entry.file_name(), format!("{} {} {:?}", kind(meta.file_type()), meta.len(), entry.file_name())));
    }
    lines.sort();
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: dirlist DIRECTORY");
        return ExitCode::from(2);
    };
    match list(&path) {
        Ok(lines) => {
            lines.iter().for_each(|line| println!("{line}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("dirlist: cannot list {path}: {error}");
            ExitCode::FAILURE
        }
    }
}
