//! Remedies for wrong command lines that only somebody who knows the verbs can name.

use std::{ffi::OsString, path::Path};

use clap::{
    Error, Parser,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::cli::{Cli, Command};

/// Adds to an error what was probably meant by `words`, the command line from the program's name on.
pub(crate) fn add(error: &mut Error, words: &[OsString]) {
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => flag_of_the_program(error, words),
        ErrorKind::InvalidSubcommand => module_for_a_verb(error),
        _ => None,
    };
    if let Some(tip) = tip {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
}

/// A flag that stands after the module and is none of ours.
fn flag_of_the_program(error: &Error, words: &[OsString]) -> Option<String> {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return None };
    let is_it = |word: &OsString| {
        let word = word.to_string_lossy();
        // Short flags may stand together.
        word == *flag || word.starts_with(&format!("{flag}=")) || (!flag.starts_with("--") && word.starts_with(flag.as_str()))
    };
    let at = words.iter().position(is_it)?;
    // The words before it are a whole command line only if the module is among them.
    let Ok(Cli { command: Command::Run(args) }) = Cli::try_parse_from(&words[..at]) else { return None };
    let (module, word) = (args.module().display(), words[at].to_string_lossy());
    Some(format!("put program arguments after --: ambit run {module} -- {word}"))
}

/// A module where a verb should stand.
fn module_for_a_verb(error: &Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let path = Path::new(word);
    let is_module = path.extension().is_some_and(|ending| ending == "wasm" || ending == "wat") || path.is_file();
    is_module.then(|| format!("did you mean ambit run {word}"))
}
