//! What a module could use its imports for.

use std::collections::BTreeMap;

use ambit_core::escape;

use crate::{
    interface::Interface,
    known,
    verified::{Import, Verified},
};

/// A use of the outside world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    Arguments,
    Environment,
    Input,
    OpenFiles,
    ChangeFiles,
    Connect,
    Listen,
    Clocks,
    Random,
}

/// Every use, with the imports that allow it.
pub(crate) fn of(module: &Verified) -> BTreeMap<Use, Vec<String>> {
    let mut found: BTreeMap<Use, Vec<String>> = BTreeMap::new();
    for import in module.imports() {
        if let Some(one) = classify(import) {
            found.entry(one).or_default().push(escape(&import.name, 64));
        }
    }
    found
}

/// `a, b, c and 4 more`.
pub(crate) fn sample(names: &[String]) -> String {
    let shown = &names[..names.len().min(3)];
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn classify(import: &Import) -> Option<Use> {
    match (import.module.as_str(), import.name.as_str()) {
        (known::WASI, name) => preview1(name),
        (known::ENV, "time") => Some(Use::Clocks),
        (known::ENV, "random") => Some(Use::Random),
        (module, name) => preview2(Interface::parse(module)?, name),
    }
}

fn preview1(name: &str) -> Option<Use> {
    Some(match name {
        "args_get" | "args_sizes_get" => Use::Arguments,
        "environ_get" | "environ_sizes_get" => Use::Environment,
        "clock_res_get" | "clock_time_get" => Use::Clocks,
        "random_get" => Use::Random,
        "fd_read" => Use::Input,
        "sock_accept" => Use::Listen,
        "fd_allocate" | "fd_filestat_set_size" | "fd_filestat_set_times" | "fd_pwrite" => Use::ChangeFiles,
        "path_filestat_get" | "path_open" | "path_readlink" | "fd_readdir" | "fd_pread" => Use::OpenFiles,
        _ if name.starts_with("path_") => Use::ChangeFiles,
        _ => return None,
    })
}

fn preview2(interface: Interface<'_>, name: &str) -> Option<Use> {
    const CHANGES: [&str; 9] = ["write", "append", "set-", "create-", "link-at", "remove-", "rename-", "symlink-", "unlink-"];
    let method = name.rsplit_once('.').map_or(name, |(_, method)| method);
    Some(match (interface.package, interface.name) {
        ("wasi:cli", "environment") if name == "get-arguments" => Use::Arguments,
        ("wasi:cli", "environment") if name == "get-environment" => Use::Environment,
        ("wasi:cli", "stdin") => Use::Input,
        ("wasi:clocks", _) => Use::Clocks,
        ("wasi:random", _) => Use::Random,
        ("wasi:filesystem", "types") if CHANGES.iter().any(|change| method.starts_with(change)) => Use::ChangeFiles,
        ("wasi:filesystem", "types") if name.contains(".open-at") => Use::OpenFiles,
        ("wasi:sockets", "tcp") if method == "start-listen" || method == "accept" => Use::Listen,
        ("wasi:sockets", "tcp" | "udp" | "ip-name-lookup" | "tcp-create-socket" | "udp-create-socket") => Use::Connect,
        _ => return None,
    })
}
