//! Everything a module can import: functions for core modules, interfaces for components.
//!
//! A host links exactly this; a test of the host's holds it to that.

use crate::{rules::HostFunction, types::ValType};

/// The import module of WASI preview 1.
pub(crate) const WASI: &str = "wasi_snapshot_preview1";

/// The import module of Ambit's own small interface for core modules.
pub(crate) const ENV: &str = "env";

/// Known to every preview 1 module and provided by none: a guest has no process to signal.
pub(crate) const NEVER: &[(&str, &str)] = &[(WASI, "proc_raise")];

/// Name, parameters and results; `i` is `i32`, `I` is `i64`.
type Row = (&'static str, &'static str, &'static str);

const WASI_FUNCTIONS: &[Row] = &[
    ("args_get", "ii", "i"),
    ("args_sizes_get", "ii", "i"),
    ("environ_get", "ii", "i"),
    ("environ_sizes_get", "ii", "i"),
    ("clock_res_get", "ii", "i"),
    ("clock_time_get", "iIi", "i"),
    ("fd_advise", "iIIi", "i"),
    ("fd_allocate", "iII", "i"),
    ("fd_close", "i", "i"),
    ("fd_datasync", "i", "i"),
    ("fd_fdstat_get", "ii", "i"),
    ("fd_fdstat_set_flags", "ii", "i"),
    ("fd_fdstat_set_rights", "iII", "i"),
    ("fd_filestat_get", "ii", "i"),
    ("fd_filestat_set_size", "iI", "i"),
    ("fd_filestat_set_times", "iIIi", "i"),
    ("fd_pread", "iiiIi", "i"),
    ("fd_prestat_get", "ii", "i"),
    ("fd_prestat_dir_name", "iii", "i"),
    ("fd_pwrite", "iiiIi", "i"),
    ("fd_read", "iiii", "i"),
    ("fd_readdir", "iiiIi", "i"),
    ("fd_renumber", "ii", "i"),
    ("fd_seek", "iIii", "i"),
    ("fd_sync", "i", "i"),
    ("fd_tell", "ii", "i"),
    ("fd_write", "iiii", "i"),
    ("path_create_directory", "iii", "i"),
    ("path_filestat_get", "iiiii", "i"),
    ("path_filestat_set_times", "iiiiIIi", "i"),
    ("path_link", "iiiiiii", "i"),
    ("path_open", "iiiiiIIii", "i"),
    ("path_readlink", "iiiiii", "i"),
    ("path_remove_directory", "iii", "i"),
    ("path_rename", "iiiiii", "i"),
    ("path_symlink", "iiiii", "i"),
    ("path_unlink_file", "iii", "i"),
    ("poll_oneoff", "iiii", "i"),
    ("proc_exit", "i", ""),
    ("random_get", "ii", "i"),
    ("sched_yield", "", "i"),
    ("sock_accept", "iii", "i"),
    ("sock_recv", "iiiiii", "i"),
    ("sock_send", "iiiii", "i"),
    ("sock_shutdown", "ii", "i"),
];

const ENV_FUNCTIONS: &[Row] = &[("log", "ii", ""), ("time", "", "I"), ("random", "", "i")];

const MODULES: &[(&str, &[Row])] = &[(WASI, WASI_FUNCTIONS), (ENV, ENV_FUNCTIONS)];

/// Packages of WASI 0.2 with the interfaces that a component may import.
const INTERFACES: &[(&str, &[&str])] = &[
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
    ),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:filesystem", &["preopens", "types"]),
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:random", &["random", "insecure", "insecure-seed"]),
    ("wasi:sockets", &["instance-network", "ip-name-lookup", "network", "tcp", "tcp-create-socket", "udp", "udp-create-socket"]),
];

/// Packages that exist, so that a module that imports one is told that it is not provided rather than not known.
pub(crate) const NOT_PROVIDED: &[&str] = &[
    "wasi:blobstore",
    "wasi:config",
    "wasi:http",
    "wasi:keyvalue",
    "wasi:logging",
    "wasi:messaging",
    "wasi:nn",
    "wasi:observe",
    "wasi:sql",
    "wasi:tls",
    "wasi:webgpu",
];

/// Every function a core module can import, in a fixed order, with its exact type.
pub fn known_functions() -> Vec<HostFunction> {
    let rows = MODULES.iter().flat_map(|(module, rows)| rows.iter().map(move |row| (*module, row)));
    rows.map(|(module, &(name, params, results))| HostFunction {
        module: module.into(),
        name: name.into(),
        params: types(params),
        results: types(results),
        withheld: None,
    })
    .collect()
}

/// Every package of interfaces a component can import from, with the names of its interfaces; each in any version 0.2.x.
pub fn known_interfaces() -> &'static [(&'static str, &'static [&'static str])] {
    INTERFACES
}

/// The type of one known function.
pub(crate) fn function(module: &str, name: &str) -> Option<(Vec<ValType>, Vec<ValType>)> {
    let &(_, params, results) = functions(module)?.iter().find(|row| row.0 == name)?;
    Some((types(params), types(results)))
}

/// The names of the functions of one known import module.
pub(crate) fn function_names(module: &str) -> Option<impl Iterator<Item = &'static str>> {
    Some(functions(module)?.iter().map(|row| row.0))
}

/// The names of the known import modules.
pub(crate) fn module_names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name)
}

fn functions(module: &str) -> Option<&'static [Row]> {
    MODULES.iter().find(|(name, _)| *name == module).map(|(_, rows)| *rows)
}

fn types(letters: &str) -> Vec<ValType> {
    letters.bytes().map(|letter| if letter == b'I' { ValType::I64 } else { ValType::I32 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(WASI_FUNCTIONS.len(), 45, "all 46 of preview 1 but proc_raise");
        assert_eq!(known_functions().len(), 48);
        let mut names: Vec<_> = known_functions().into_iter().map(|f| (f.module, f.name)).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 48, "no name twice");
    }

    #[test]
    fn letters_are_types() {
        assert_eq!(function(WASI, "fd_seek"), Some((types("iIii"), vec![ValType::I32])));
        assert_eq!(function(ENV, "time"), Some((vec![], vec![ValType::I64])));
        assert_eq!(function(WASI, "proc_raise"), None);
    }
}
