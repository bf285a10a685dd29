//! Looking after a store: `gc`, `fsck`, `du`.

use ambit_core::ByteSize;
use ambit_store::{ArtifactCache, CacheUsage, Collected, DiskUsage, Finding, Fsck, Store, StoreError};
use serde::Serialize;

use super::{Common, NO, options, size};
use crate::{output, table};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ambit store gc\n  ambit store gc --limit 1GiB\n  ambit store gc --native-code

Never evicted: what is pinned, labelled `keep`, running, or was stored within ten minutes.")]
pub(super) struct GcArgs {
    /// Evict what was used least lately, so that all modules together have at most so many bytes
    #[arg(long, value_name = "SIZE", env = "AMBIT_STORE_LIMIT")]
    limit: Option<ByteSize>,
    /// Forget all native code as well: it is compiled again when it is needed
    #[arg(long)]
    native_code: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ambit store fsck\n  ambit store fsck --repair\n\nExit status 1 if something stays wrong.")]
pub(super) struct FsckArgs {
    /// Do about it what can be done: move aside what is damaged, make the index anew from the records
    #[arg(long)]
    repair: bool,
}

/// What was removed.
#[derive(Serialize)]
struct Removed {
    modules: Collected,
    native_code: Option<CacheUsage>,
}

/// What takes how much room.
#[derive(Serialize)]
struct Room {
    modules: DiskUsage,
    native_code: CacheUsage,
}

pub(super) fn gc(common: &Common, args: &GcArgs) -> anyhow::Result<u8> {
    let modules = common.open_within(args.limit)?.gc()?;
    let native_code = args.native_code.then(|| artifacts(common).and_then(|artifacts| artifacts.clear())).transpose()?;
    let removed = Removed { modules, native_code };
    if common.json {
        output::json(&removed)?;
        return Ok(0);
    }
    let Removed { modules: Collected { evicted, unknown, unfinished, aside, bytes }, native_code } = removed;
    for title in &evicted {
        output::data(&format!("evicted {title}"))?;
    }
    let native =
        native_code.map(|CacheUsage { artifacts, bytes }| format!("; native code of {artifacts} modules, {}", size(bytes)));
    output::data(&format!(
        "removed {}: {} modules, {unknown} that nobody knew, {unfinished} unfinished and {aside} damaged files{}",
        size(bytes),
        evicted.len(),
        native.unwrap_or_default()
    ))?;
    Ok(0)
}

pub(super) fn fsck(common: &Common, args: &FsckArgs) -> anyhow::Result<u8> {
    let (store, renewed) = match common.open() {
        Err(StoreError::IndexDamaged { path, why }) if args.repair => {
            let store = Store::open_with_new_index(common.args().place()?, options(None))?;
            (store, Some(format!("the index `{}` is damaged: {why}", path.display())))
        }
        opened => (opened?, None),
    };
    let mut found = store.fsck(args.repair)?;
    let renewed = renewed.map(|what| Finding { what, repaired: Some("a new one was made".into()) });
    found.findings.splice(0..0, renewed);
    let status = if found.is_broken() { NO } else { 0 };
    if common.json {
        output::json(&found)?;
        return Ok(status);
    }
    let Fsck { modules, records, findings } = &found;
    for Finding { what, repaired } in findings {
        output::data(&format!("{what}{}", repaired.as_ref().map(|done| format!(": {done}")).unwrap_or_default()))?;
    }
    let broken = findings.iter().filter(|finding| finding.repaired.is_none()).count();
    let remedy = if broken > 0 && !args.repair { "; --repair does what can be done" } else { "" };
    output::data(&format!("{modules} modules and {records} records were read; {broken} faults{remedy}"))?;
    Ok(status)
}

pub(super) fn du(common: &Common) -> anyhow::Result<u8> {
    let room = Room { modules: common.open()?.du()?, native_code: artifacts(common)?.usage()? };
    if common.json {
        output::json(&room)?;
        return Ok(0);
    }
    let Room { modules: DiskUsage { modules, bytes, uncompressed, kept, waste }, native_code } = room;
    let rows = [
        (format!("{modules} modules"), bytes, format!("{} before compression", size(uncompressed))),
        ("of these kept".into(), kept, "pinned, or labelled `keep`".into()),
        ("waste".into(), waste, "`ambit store gc` removes it".into()),
        (
            format!("native code of {} modules", native_code.artifacts),
            native_code.bytes,
            "`ambit store gc --native-code` removes it".into(),
        ),
    ];
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(what, bytes, note)| vec![what, size(bytes), note]).collect();
    table::print(&["WHAT", "ON DISK", ""], &rows)?;
    Ok(0)
}

fn artifacts(common: &Common) -> Result<ArtifactCache, StoreError> {
    ArtifactCache::open(&common.args().place()?, u64::MAX)
}
