//! How much of each resource a guest may use.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    bound::{Bound, LimitValue},
    ids::UnknownName,
    shape::{ShapeKey, ShapeLimits, ShapeLimitsSpec},
    size::ByteSize,
    span::Span,
    units::{Count, Cpus, ParseUnitError},
};

/// A value that a limit cannot take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// There is no limit of that name.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// The text is not a value of the limit's unit.
    #[error("limit `{key}`: {source}")]
    Parse {
        /// Which limit.
        key: &'static str,
        /// What is wrong with the text.
        source: ParseUnitError,
    },
    /// The value lies outside the limit's range.
    #[error("limit `{key}` is {value}; it must lie between {min} and {max}")]
    Range {
        /// Which limit.
        key: &'static str,
        /// The value given.
        value: String,
        /// The least value.
        min: String,
        /// The greatest value.
        max: String,
    },
}

/// One row of the table of limits: what it is, in what unit, its default and its range.
#[derive(Debug, Clone, Serialize)]
pub struct LimitSpec {
    /// Its name in flags, configuration and reports.
    pub name: &'static str,
    /// What it bounds.
    pub what: &'static str,
    /// What it is measured in.
    pub unit: &'static str,
    /// The value in the profile `default`.
    pub default: String,
    /// The least value.
    pub min: String,
    /// The greatest value short of `unlimited`.
    pub max: String,
}

pub(crate) fn check<T: LimitValue>(key: &'static str, value: Bound<T>, min: T, max: T) -> Result<Bound<T>, LimitError> {
    match value {
        Bound::At(at) if at.base() == 0 && min.base() > 0 => Err(LimitError::Parse { key, source: ParseUnitError::Zero }),
        Bound::At(at) if at < min || at > max => {
            Err(LimitError::Range { key, value: at.to_string(), min: min.to_string(), max: max.to_string() })
        }
        ok => Ok(ok),
    }
}

/// Declares a struct of limits, its twin with every field optional, and the enum of their names, from one table.
macro_rules! limits {
    (
        $(#[$struct_doc:meta])* struct $Limits:ident, $Spec:ident, $Key:ident;
        $( $field:ident $Variant:ident $name:literal $ty:ident = $default:expr, $min:expr => $max:expr, $what:literal; )*
    ) => {
        $(#[$struct_doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub struct $Limits {
            $( #[doc = $what] pub $field: $crate::bound::Bound<$ty>, )*
        }

        /// The same limits as a person gives them: only those that differ from a profile.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct $Spec {
            $( #[doc = $what] pub $field: Option<$crate::bound::Bound<$ty>>, )*
        }

        /// The name of a limit.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $Key {
            $( #[doc = $what] $Variant, )*
        }

        impl $Key {
            /// Every limit, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$( Self::$Variant, )*];

            /// The name in flags, configuration and reports.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$Variant => $name, )* }
            }

            /// What it is, its unit, default and range.
            pub fn spec(self) -> $crate::limits::LimitSpec {
                match self { $( Self::$Variant => {
                    let (default, min, max): ($crate::bound::Bound<$ty>, $ty, $ty) = ($default, $min, $max);
                    $crate::limits::LimitSpec {
                        name: $name,
                        what: $what,
                        unit: <$ty as $crate::bound::LimitValue>::UNIT,
                        default: default.to_string(),
                        min: min.to_string(),
                        max: max.to_string(),
                    }
                } )* }
            }

            /// A value of this limit, given in base units, as people write it.
            pub fn show(self, base: u64) -> String {
                match self { $( Self::$Variant => <$ty as $crate::bound::LimitValue>::from_base(base).to_string(), )* }
            }
        }

        impl Default for $Limits {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $Limits {
            /// No bound on anything: for ceilings, never for guests.
            pub fn unlimited() -> Self {
                Self { $( $field: $crate::bound::Bound::Unlimited, )* }
            }

            /// The limit's value in base units.
            pub fn get(&self, key: $Key) -> $crate::bound::Bound<$crate::units::Count> {
                use $crate::bound::Bound;
                match key { $( $Key::$Variant => self.$field.finite().map_or(Bound::Unlimited, |n| Bound::At($crate::units::Count(n))), )* }
            }

            /// The limit's value as people write it.
            pub fn show(&self, key: $Key) -> String {
                match key { $( $Key::$Variant => self.$field.to_string(), )* }
            }

            /// These limits with those of `spec` in place of the ones it names.
            pub fn with(&self, spec: &$Spec) -> Self {
                Self { $( $field: spec.$field.unwrap_or(self.$field), )* }
            }

            /// The first limit that is looser here than in `ceiling`.
            pub fn exceeds(&self, ceiling: &Self) -> Option<$Key> {
                $( if self.$field > ceiling.$field { return Some($Key::$Variant); } )*
                None
            }

            /// Checks every value against its range.
            ///
            /// # Errors
            /// [`LimitError::Range`], naming the first limit out of range.
            pub fn validate(&self) -> Result<(), LimitError> {
                $( $crate::limits::check::<$ty>($name, self.$field, $min, $max)?; )*
                Ok(())
            }
        }

        impl $Spec {
            /// Sets one limit from text, as in `--limit key=value`.
            ///
            /// # Errors
            /// The text is not a value of that limit's unit or lies outside its range.
            pub fn set_key(&mut self, key: $Key, text: &str) -> Result<(), LimitError> {
                match key { $( $Key::$Variant => {
                    let value = text.parse().map_err(|source| LimitError::Parse { key: $name, source })?;
                    self.$field = Some($crate::limits::check::<$ty>($name, value, $min, $max)?);
                } )* }
                Ok(())
            }

            /// The limits that are named here.
            pub fn named(&self) -> impl Iterator<Item = $Key> + '_ {
                [$( self.$field.is_some().then_some($Key::$Variant), )*].into_iter().flatten()
            }

            /// What `other` names, before what is named here.
            #[must_use]
            pub fn overlaid(&self, other: &Self) -> Self {
                Self { $( $field: other.$field.or(self.$field), )* }
            }
        }

        impl fmt::Display for $Key {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $Key {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                Self::ALL.iter().copied().find(|key| key.name() == text).ok_or_else(|| {
                    UnknownName::new("limit", text, Self::ALL.iter().map(|key| key.name()))
                })
            }
        }
    };
}
pub(crate) use limits;

limits! {
    /// The limits of one guest. Which of them is enforced by whom, and where one cannot be, is [`LimitKey::enforcement`].
    ///
    /// Not bounded by any of these: the host's own bookkeeping for a guest (store, fiber stack of `stack`,
    /// pool slot), and native code, which is bounded by `module-size` and the static limits of [`ShapeLimits`].
    struct RunLimits, RunLimitsSpec, LimitKey;

    memory Memory "memory" ByteSize = Bound::At(ByteSize::mib(64)), ByteSize::kib(64) => ByteSize::gib(16 << 10),
        "sum of linear memories, tables (8 B an element) and GC heap";
    table_elements TableElements "table-elements" Count = Bound::At(Count(100_000)), Count(1) => Count(100_000_000),
        "elements of all tables together";
    tables Tables "tables" Count = Bound::At(Count(10)), Count(1) => Count(1000), "number of tables";
    memories Memories "memories" Count = Bound::At(Count(8)), Count(1) => Count(1000), "number of linear memories";
    instances Instances "instances" Count = Bound::At(Count(64)), Count(1) => Count(10_000),
        "core instances of one guest; a component may consist of many";
    handles Handles "handles" Count = Bound::At(Count(10_000)), Count(1) => Count(10_000_000),
        "component-model handles a guest may hold";
    resource_table ResourceTable "resource-table" Count = Bound::At(Count(10_000)), Count(1) => Count(10_000_000),
        "host resources (streams, pollables, descriptors) a component may hold";
    host_buffers HostBuffers "host-buffers" ByteSize = Bound::At(ByteSize::mib(16)), ByteSize::kib(64) => ByteSize::gib(4),
        "bytes the host lifts for one call of a component, keeps for it between calls, or takes as the reply of an exchange";
    stack Stack "stack" ByteSize = Bound::At(ByteSize::kib(512)), ByteSize::kib(1) => ByteSize::mib(8),
        "wasm stack; rounded up to a class of 256 KiB, 512 KiB, 1, 2 or 8 MiB";
    fuel Fuel "fuel" Count = Bound::Unlimited, Count(1) => Count(i64::MAX as u64),
        "deterministic instruction budget; bulk operations cost by length";
    cpu_time CpuTime "cpu-time" Span = Bound::Unlimited, Span::millis(1) => Span::secs(30 * 86_400),
        "CPU time, from the thread's CPU clock";
    wall_time WallTime "wall-time" Span = Bound::At(Span::secs(30)), Span::millis(1) => Span::secs(30 * 86_400),
        "time from start to end: waiting for the compiler, start functions and host calls included";
    cpus Cpus "cpus" Cpus = Bound::At(Cpus::from_milli(1000)), Cpus::from_milli(10) => Cpus::from_milli(1000),
        "share of a core, over periods of 100 ms; a guest has one thread, so 1 is all there is";
    output Output "output" ByteSize = Bound::At(ByteSize::mib(1)), ByteSize::bytes(1) => ByteSize::gib(1 << 10),
        "bytes written to stdout and stderr together";
    log_bytes LogBytes "log-bytes" ByteSize = Bound::At(ByteSize::mib(1)), ByteSize::bytes(1) => ByteSize::gib(1),
        "bytes written through the log interface";
    log_rate LogRate "log-rate" Count = Bound::At(Count(1000)), Count(1) => Count(1_000_000),
        "messages a second through the log interface; more are dropped and recorded";
    disk Disk "disk" ByteSize = Bound::At(ByteSize::mib(64)), ByteSize::bytes(1) => ByteSize::gib(16 << 10),
        "bytes by which a guest's writes may make files grow, summed over the run";
    file_size FileSize "file-size" ByteSize = Bound::At(ByteSize::mib(16)), ByteSize::bytes(1) => ByteSize::gib(16 << 10),
        "size of any one file a guest writes";
    files Files "files" Count = Bound::At(Count(1000)), Count(1) => Count(100_000_000),
        "files, directories and links created";
    open_files OpenFiles "open-files" Count = Bound::At(Count(256)), Count(1) => Count(1_000_000),
        "files and directories open at once";
    connections Connections "connections" Count = Bound::At(Count(0)), Count(0) => Count(1_000_000),
        "network connections open at once";
    net_bytes NetBytes "net-bytes" ByteSize = Bound::At(ByteSize::bytes(0)), ByteSize::bytes(0) => ByteSize::gib(1 << 20),
        "bytes sent and received over the network";
    module_size ModuleSize "module-size" ByteSize = Bound::At(ByteSize::mib(100)), ByteSize::bytes(8) => ByteSize::gib(2),
        "size of the module, custom sections included";
    compile_time CompileTime "compile-time" Span = Bound::At(Span::secs(10)), Span::millis(1) => Span::secs(86_400),
        "CPU time of the compiler";
    compile_memory CompileMemory "compile-memory" ByteSize = Bound::At(ByteSize::gib(1)), ByteSize::mib(16) => ByteSize::gib(1 << 10),
        "memory of the compiler";
}

/// Every limit on a guest: those on its run, and those on the shape of its module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Limits on the run.
    pub run: RunLimits,
    /// Static limits, checked before an engine sees the module.
    pub shape: ShapeLimits,
}

/// The limits a person names, by the names of both tables side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsSpec {
    /// Limits on the run.
    pub run: RunLimitsSpec,
    /// Static limits.
    pub shape: ShapeLimitsSpec,
}

impl Limits {
    /// No bound on anything: for ceilings, never for guests.
    pub fn unlimited() -> Self {
        Self { run: RunLimits::unlimited(), shape: ShapeLimits::unlimited() }
    }

    /// A run limit's value in base units.
    pub fn get(&self, key: LimitKey) -> Bound<Count> {
        self.run.get(key)
    }

    /// These limits with those of `spec` in place of the ones it names.
    #[must_use]
    pub fn with(&self, spec: &LimitsSpec) -> Self {
        Self { run: self.run.with(&spec.run), shape: self.shape.with(&spec.shape) }
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// [`LimitError::Range`], naming the first limit out of range.
    pub fn validate(&self) -> Result<(), LimitError> {
        self.run.validate()?;
        self.shape.validate()
    }

    /// The name and values of the first limit that is looser here than in `ceiling`.
    pub fn exceeds(&self, ceiling: &Self) -> Option<(&'static str, String, String)> {
        let run = self.run.exceeds(&ceiling.run).map(|key| (key.name(), self.run.show(key), ceiling.run.show(key)));
        let shape = || self.shape.exceeds(&ceiling.shape).map(|key| (key.name(), self.shape.show(key), ceiling.shape.show(key)));
        run.or_else(shape)
    }
}

impl LimitsSpec {
    /// Sets one limit by name, as in `--limit key=value`. Names may be written with `_` for `-`.
    ///
    /// # Errors
    /// No limit has that name, or it cannot take that value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), LimitError> {
        let name = name.replace('_', "-");
        if let Ok(key) = name.parse::<LimitKey>() {
            return self.run.set_key(key, value);
        }
        match name.parse::<ShapeKey>() {
            Ok(key) => self.shape.set_key(key, value),
            Err(_) => {
                let names = LimitKey::ALL.iter().map(|key| key.name()).chain(ShapeKey::ALL.iter().map(|key| key.name()));
                Err(UnknownName::new("limit", &name, names).into())
            }
        }
    }

    /// What `other` names, before what is named here.
    #[must_use]
    pub fn overlaid(&self, other: &Self) -> Self {
        Self { run: self.run.overlaid(&other.run), shape: self.shape.overlaid(&other.shape) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_lies_in_its_range() {
        assert_eq!(Limits::default().validate(), Ok(()));
        assert_eq!(Limits::unlimited().validate(), Ok(()));
    }

    #[test]
    fn zero_is_an_error_and_unlimited_is_said() {
        for key in LimitKey::ALL {
            let mut spec = LimitsSpec::default();
            // What nothing is allowed of, by default, may be said to be nothing.
            let nothing = Limits::default().get(*key).finite() == Some(0);
            assert_eq!(spec.set(key.name(), "0").is_ok(), nothing, "{key}");
            assert_eq!(spec.set(key.name(), "unlimited"), Ok(()), "{key}");
        }
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        let error = LimitsSpec::default().set("memry", "1MiB").expect_err("no such limit");
        assert_eq!(error.to_string(), "there is no limit `memry`; did you mean `memory`?");
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_the_range() {
        let error = LimitsSpec::default().set("stack", "64MiB").expect_err("too large");
        assert_eq!(error.to_string(), "limit `stack` is 64MiB; it must lie between 1KiB and 8MiB");
    }

    #[test]
    fn unlimited_exceeds_every_value() {
        let unlimited = Limits::unlimited();
        let Some((name, value, ceiling)) = unlimited.exceeds(&Limits::default()) else { panic!("unlimited is looser") };
        assert_eq!((name, value.as_str(), ceiling.as_str()), ("memory", "unlimited", "64MiB"));
    }
}
