//! The configuration of an image of a module: what the module is, so that nobody need have it to know.

use ambit_admit::{ModuleKind, Verified};
use ambit_core::Digest;
use serde::{Deserialize, Serialize};

use super::{error::OciError, media};

/// The most bytes of a configuration.
pub(crate) const MOST_CONFIG: u64 = 1 << 20;
/// As many interfaces are named of a component.
const MOST_INTERFACES: usize = 1000;

/// The configuration that is written, by the layout of artifacts that WebAssembly's toolchains agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WasmConfig {
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    architecture: &'static str,
    os: &'static str,
    layer_digests: Vec<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<Component>,
}

/// What a component needs and offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Component {
    /// Interfaces that it exports.
    pub exports: Vec<String>,
    /// Interfaces that it imports.
    pub imports: Vec<String>,
    /// The world that it is of; not known here.
    pub target: Option<String>,
}

/// What is read of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    architecture: String,
    #[serde(default)]
    layer_digests: Vec<Digest>,
}

impl WasmConfig {
    /// Of a module that was made at `created`, in seconds since 1970.
    pub(crate) fn of(module: &Verified, author: Option<String>, created: i64) -> Self {
        let (os, component) = match module.kind() {
            ModuleKind::Core => ("wasip1", None),
            ModuleKind::Component => ("wasip2", Some(Component::of(module))),
        };
        let layer_digests = vec![module.digest()];
        Self { created: rfc3339(created), author, architecture: "wasm", os, layer_digests, component }
    }
}

impl Component {
    fn of(module: &Verified) -> Self {
        let interfaces = |names: &mut dyn Iterator<Item = &str>| {
            let mut names: Vec<String> = names.map(str::to_owned).collect();
            names.sort();
            names.dedup();
            names.truncate(MOST_INTERFACES);
            names
        };
        Self {
            exports: interfaces(&mut module.exports().iter().map(|export| export.interface.as_deref().unwrap_or(&export.name))),
            imports: interfaces(
                &mut module.imports().iter().map(|import| if import.module.is_empty() { &*import.name } else { &*import.module }),
            ),
            target: None,
        }
    }
}

/// Refuses a configuration that is of something else than the image's only layer.
pub(crate) fn check(what: &str, media_type: &str, bytes: &[u8], layer: Digest) -> Result<(), OciError> {
    if media_type != media::CONFIG {
        // Of another kind, and nothing of it is used.
        return Ok(());
    }
    let refused = |why: String| OciError::refused(format!("the configuration of {what}"), why);
    let read: Read = serde_json::from_slice(bytes)
        .map_err(|error| refused(format!("it cannot be read: {}", ambit_core::escape(error.to_string(), 200))))?;
    if read.architecture != "wasm" {
        return Err(refused(format!("it is for `{}`, and not for wasm", ambit_core::escape(&read.architecture, 40))));
    }
    if !read.layer_digests.is_empty() && read.layer_digests != [layer] {
        return Err(refused("it is of other layers than the manifest has".into()));
    }
    Ok(())
}

/// A time in seconds since 1970 as `2026-01-31T12:00:00Z`, by the civil calendar.
///
/// The algorithm is Howard Hinnant's `civil_from_days`.
fn rfc3339(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_the_civil_calendar() {
        let check = |seconds, expect: &str| assert_eq!(rfc3339(seconds), expect);
        check(0, "1970-01-01T00:00:00Z");
        check(951_782_400, "2000-02-29T00:00:00Z");
        check(1_785_499_199, "2026-07-31T11:59:59Z");
        check(4_107_542_400, "2100-03-01T00:00:00Z");
        check(-1, "1969-12-31T23:59:59Z");
    }
}
