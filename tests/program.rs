//! The program under test: the one that was built with the tests, or the one that `AMBIT_UNDER_TEST` names, such as the one that is
//! shipped.

use std::path::PathBuf;

pub(crate) fn program() -> PathBuf {
    std::env::var_os("AMBIT_UNDER_TEST").map_or_else(|| env!("CARGO_BIN_EXE_ambit").into(), PathBuf::from)
}
