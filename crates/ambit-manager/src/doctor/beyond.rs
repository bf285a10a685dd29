//! What is there in part, and what is no layer but depends on the machine.

use std::path::Path;

use ambit_core::Layer;
use ambit_jail::{LandlockStatus, Machine, cgroup::CgroupVersion};

use super::{Here, LayerHere, Setting};

/// Control groups: used where a limit needs them, and not required.
pub(super) fn cgroup(machine: &Machine, purpose: &'static str) -> LayerHere {
    let offers = &machine.cgroups;
    let parts =
        [("cpu", offers.cpu), ("memory", offers.memory), ("pids", offers.pids), ("kill", offers.kill), ("freeze", offers.freeze)];
    let named = |wanted: bool| parts.iter().filter(|(_, has)| *has == wanted).map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let (has, lacks) = (named(true), named(false));
    let why = offers.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let detail = match (has.is_empty(), lacks.is_empty()) {
        (_, true) => has.clone(),
        (true, false) => format!("none of {lacks}{why}"),
        (false, false) => format!("{has}; not {lacks}{why}"),
    };
    let remedy = match (lacks.is_empty(), machine.root, offers.version) {
        (true, ..) => None,
        (false, true, CgroupVersion::None) => Some("mount -t cgroup2 cgroup2 /sys/fs/cgroup".to_owned()),
        (false, true, CgroupVersion::V1 | CgroupVersion::Hybrid) => Some(
            "boot with systemd.unified_cgroup_hierarchy=1 for v2; without it, a run's share of a core is kept from outside".into(),
        ),
        (false, true, CgroupVersion::V2) => {
            Some("a group that ambit may write to: systemd-run --scope -p Delegate=yes ambit …".into())
        }
        (false, false, CgroupVersion::None) => Some("have cgroup2 mounted at /sys/fs/cgroup".into()),
        (false, false, CgroupVersion::V1 | CgroupVersion::Hybrid) => Some(
            "boot with systemd.unified_cgroup_hierarchy=1 for v2, then systemd-run --user --scope -p Delegate=yes ambit …".into(),
        ),
        (false, false, CgroupVersion::V2) => {
            Some("a group of one's own: systemd-run --user --scope -p Delegate=yes ambit …".into())
        }
    };
    let here = match (has.is_empty(), lacks.is_empty()) {
        (_, true) => Here::Yes,
        (false, false) => Here::InPart,
        (true, false) => Here::No,
    };
    LayerHere { layer: Layer::Cgroup, here, required: false, detail: Some(detail), purpose, remedy }
}

/// What this version of Landlock is.
pub(super) fn landlock(machine: &Machine) -> Option<String> {
    machine.landlock.as_ref().map(|status| format!("version {}", status.abi))
}

/// What a newer one would deny as well.
pub(super) fn newer_landlock(machine: &Machine) -> Option<String> {
    let LandlockStatus { abi, truncate, tcp, devices, scopes, unix_paths, udp } = machine.landlock?;
    let rights = [
        (truncate, "truncating", 3),
        (tcp, "TCP", 4),
        (devices, "commands to devices", 5),
        (scopes, "signals and abstract sockets", 6),
        (unix_paths, "sockets with a path", 9),
        (udp, "UDP", 10),
    ];
    let later: Vec<String> =
        rights.iter().filter(|(has, ..)| !has).map(|(_, what, since)| format!("{what} (version {since})")).collect();
    // Nothing is open for it: what Landlock does not deny, the namespaces and the list of system calls do.
    (abi < LandlockStatus::KNOWN && !later.is_empty()).then(|| format!("a newer kernel denies once more: {}", later.join(", ")))
}

/// What is no layer.
pub(super) fn settings(machine: &Machine, dir: &Path) -> Vec<Setting> {
    vec![granted(machine, dir), pagemap_scan(machine), mappings(machine)]
}

fn granted(machine: &Machine, dir: &Path) -> Setting {
    let shown = ambit_core::escape(dir.as_os_str().as_encoded_bytes(), 256);
    let (here, detail) = match &machine.grant {
        Ok(()) => (true, format!("tried with {shown}")),
        Err(why) => (false, ambit_core::escape(why, 512)),
    };
    let remedy = (!here).then(|| {
        if machine.root {
            "Linux 5.12 and a file system with idmapped mounts (ext4, xfs; btrfs since 5.15, tmpfs since 6.3); or run as the user who owns the files"
                .to_owned()
        } else {
            "a directory that this user may open".to_owned()
        }
    });
    Setting {
        name: "granted directories",
        here: yes(here),
        detail: Some(detail),
        purpose: "--dir: files keep their owners for whoever runs as somebody else inside",
        remedy,
    }
}

fn pagemap_scan(machine: &Machine) -> Setting {
    Setting {
        name: "pagemap scan",
        here: yes(machine.pagemap_scan),
        detail: (!machine.pagemap_scan).then(|| "instances of a pool are cleared as a whole".to_owned()),
        purpose: "a pool of instances clears only the pages that a guest wrote to",
        remedy: (!machine.pagemap_scan).then(|| "Linux 6.7, and a mounted /proc".to_owned()),
    }
}

/// Mappings that a guest in a pool takes, and that everything else does: as the runtime reckons them.
const EACH: u64 = 5;
const BESIDES: u64 = 4096;
/// Guests that a pool has room for unasked, many times over; who wants more knows it.
const ENOUGH: u64 = 10_000;

fn mappings(machine: &Machine) -> Setting {
    let guests = machine.max_map_count.map(|most| most.saturating_sub(BESIDES) / EACH);
    let here = guests.is_none_or(|guests| guests >= ENOUGH);
    Setting {
        name: "vm.max_map_count",
        here: yes(here),
        detail: machine.max_map_count.zip(guests).map(|(most, guests)| format!("{most}: {guests} guests at once in a pool")),
        purpose: "how many guests one process holds",
        remedy: (!here).then(|| format!("for {ENOUGH} guests: sysctl vm.max_map_count={}", ENOUGH * EACH + BESIDES)),
    }
}

fn yes(here: bool) -> Here {
    if here { Here::Yes } else { Here::No }
}
