//! `ambit store ls`, `ambit store info`

use ambit_store::{Info, Reference, Select, TagName};

use super::{Common, ago, size};
use crate::{output, table};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ambit store ls\n  ambit store ls --label tools\n  ambit store ls --json | jq -r '.[].digest'")]
pub(super) struct LsArgs {
    /// Those with this label only
    #[arg(long, value_name = "LABEL")]
    label: Option<TagName>,
    /// Whole digests
    #[arg(long)]
    long: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ambit store info tools/minify\n  ambit store info --json tools/minify@1.2.0 | jq .metadata")]
pub(super) struct InfoArgs {
    /// NAME, NAME@VERSION, NAME:TAG, or sha256:…
    module: Reference,
}

pub(super) fn ls(common: &Common, args: &LsArgs) -> anyhow::Result<u8> {
    let mut list = common.open()?.list(Some(&common.namespace))?;
    list.retain(|info| args.label.as_ref().is_none_or(|label| info.record.metadata.labels.contains(label)));
    if common.json {
        output::json(&list)?;
        return Ok(0);
    }
    let row = |info: &Info| {
        let record = &info.record;
        let (name, version) = match &record.called {
            Some(called) => (called.name.to_string(), called.version.to_string()),
            None => ("-".into(), "-".into()),
        };
        let digest = record.digest.to_string();
        vec![
            name,
            version,
            if args.long { digest } else { digest[..19].to_owned() },
            size(record.size),
            size(record.compressed_size),
            info.uses.to_string(),
            info.last_used_at.map_or_else(|| "never".into(), ago),
            marks(info),
        ]
    };
    let rows: Vec<Vec<String>> = list.iter().map(row).collect();
    table::print(&["NAME", "VERSION", "DIGEST", "SIZE", "STORED", "USES", "LAST USED", "MARKS"], &rows)?;
    Ok(0)
}

/// Tags, labels, and whether it is pinned.
fn marks(info: &Info) -> String {
    let tags = info.tags.iter().map(|tag| format!(":{tag}"));
    let pinned = info.pinned.then(|| "pinned".to_owned());
    let labels = info.record.metadata.labels.iter().map(ToString::to_string);
    tags.chain(pinned).chain(labels).collect::<Vec<_>>().join(" ")
}

pub(super) fn info(common: &Common, args: &InfoArgs) -> anyhow::Result<u8> {
    let store = common.open()?;
    let info = store.info(&common.namespace, &args.module)?;
    if common.json {
        output::json(&info)?;
        return Ok(0);
    }
    let Info { record, tags, last_used_at, uses, pinned } = info;
    let metadata = record.metadata;
    let mut rows = vec![
        ("name", record.called.as_ref().map(ToString::to_string)),
        ("digest", Some(record.digest.to_string())),
        ("size", Some(format!("{}, {} as stored", size(record.size), size(record.compressed_size)))),
        ("added", Some(ago(record.added_at))),
        ("used", Some(last_used_at.map_or_else(|| "never".into(), |at| format!("{uses} times, last {}", ago(at))))),
        ("tags", (!tags.is_empty()).then(|| tags.join(", "))),
        ("pinned", pinned.then(|| "yes".into())),
        ("description", metadata.description.map(|text| ambit_core::escape(text, 4096))),
        ("author", metadata.author.map(|text| ambit_core::escape(text, 256))),
        ("licence", metadata.license.map(|text| ambit_core::escape(text, 256))),
        (
            "labels",
            (!metadata.labels.is_empty()).then(|| metadata.labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        ),
        ("priority", (metadata.priority != 0).then(|| metadata.priority.to_string())),
    ];
    for dependency in &metadata.dependencies {
        let wanted = Reference::Named(dependency.name.clone(), Select::Versions(dependency.versions.clone()));
        let found = store.resolve(&common.namespace, &wanted).map(|found| found.record.title());
        rows.push(("needs", Some(format!("{dependency}: {}", found.unwrap_or_else(|_| "NOT THERE".into())))));
    }
    let rows: Vec<Vec<String>> = rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?])).collect();
    table::print(&["", ""], &rows)?;
    Ok(0)
}
