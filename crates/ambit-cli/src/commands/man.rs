//! `ambit man`

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::USAGE;
use crate::{cli::Cli, output};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit man run | man -l -\n  ambit man --to ~/.local/share/man/man1\n\nThe pages are named `ambit.1`, `ambit-run.1` and so on; files of these names are replaced."
)]
pub(crate) struct Args {
    /// The verb whose page is printed; none for the page of all
    #[arg(conflicts_with = "to")]
    verb: Option<String>,
    /// Write every page into this directory
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let pages = pages();
    let Some(dir) = &args.to else {
        let name = args.verb.as_ref().map_or_else(|| "ambit".into(), |verb| format!("ambit-{verb}"));
        let Some(page) = pages.iter().find(|page| page.name == name) else {
            let verbs: Vec<&str> = pages.iter().filter_map(|page| page.name.strip_prefix("ambit-")).collect();
            output::error(&format!(
                "there is no verb `{}`; there are {}",
                args.verb.as_deref().unwrap_or_default(),
                verbs.join(", ")
            ));
            return Ok(USAGE);
        };
        output::raw(&page.text()?)?;
        return Ok(0);
    };
    fs::create_dir_all(dir).with_context(|| format!("cannot make the directory `{}`", dir.display()))?;
    for page in &pages {
        let path = dir.join(format!("{}.1", page.name));
        fs::write(&path, page.text()?).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(0)
}

/// One page.
struct Page {
    name: String,
    command: Command,
}

impl Page {
    fn text(&self) -> anyhow::Result<Vec<u8>> {
        let mut text = Vec::new();
        Man::new(self.command.clone()).render(&mut text)?;
        Ok(text)
    }
}

/// The page of all verbs, and one of each.
fn pages() -> Vec<Page> {
    let mut all = Cli::command();
    all.build();
    let mut pages = Vec::new();
    add_pages(&mut pages, "ambit", all);
    pages
}

/// The page of a command, and those of the verbs that it has.
fn add_pages(pages: &mut Vec<Page>, name: &str, command: Command) {
    let verbs: Vec<Command> = command.get_subcommands().filter(|verb| verb.get_name() != "help").cloned().collect();
    pages.push(Page { name: name.into(), command });
    for verb in verbs {
        add_pages(pages, &format!("{name}-{}", verb.get_name()), verb.version(env!("CARGO_PKG_VERSION")));
    }
}
