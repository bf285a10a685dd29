//! The report as people and programs read it.
//!
//! The wire form of core types is externally tagged and complete; this view has `kind` beside its fields and leaves out
//! what is unknown. It is one-way: nothing parses it back.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    component::Dialect,
    outcome::Outcome,
    report::{Report, ResultValue},
    trap::Frame,
    usage::Usage,
};

/// A serialisable view of a report; see [`Report::view`].
struct View<'a>(&'a Report);
struct OutcomeView<'a>(&'a Outcome);
struct UsageView<'a>(&'a Usage);
struct ResultView(ResultValue);
struct FrameView<'a>(&'a Frame);

impl Report {
    /// The report in the JSON shape that is promised to readers and kept as golden files.
    pub fn view(&self) -> impl Serialize + '_ {
        View(self)
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Report {
            run,
            outcome,
            results,
            value,
            usage,
            violations,
            policy,
            module,
            name,
            engine,
            engine_version,
            isolation,
            layers,
            artifact,
        } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("run", &run.to_string())?;
        map.serialize_entry("outcome", &OutcomeView(outcome))?;
        match value {
            Some(value) => map.serialize_entry("results", &[value.data(Dialect::Json)])?,
            None if results.is_empty() => {}
            None => map.serialize_entry("results", &results.iter().map(|value| ResultView(*value)).collect::<Vec<_>>())?,
        }
        map.serialize_entry("usage", &UsageView(usage))?;
        map.serialize_entry("violations", violations)?;
        entry(&mut map, "module", module.as_ref())?;
        entry(&mut map, "name", name.as_ref())?;
        entry(&mut map, "engine", engine.as_ref())?;
        entry(&mut map, "engine_version", engine_version.as_ref())?;
        entry(&mut map, "artifact", artifact.as_ref())?;
        map.serialize_entry("isolation", isolation)?;
        map.serialize_entry("layers", layers)?;
        entry(&mut map, "policy", policy.as_ref())?;
        map.end()
    }
}

fn entry<M: SerializeMap>(map: &mut M, key: &str, value: Option<&impl Serialize>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, value))
}

impl Serialize for OutcomeView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.0.kind())?;
        match self.0 {
            Outcome::Exited { code } => map.serialize_entry("code", code)?,
            Outcome::Trapped { trap, message, frames } => {
                map.serialize_entry("trap", trap)?;
                map.serialize_entry("message", message)?;
                map.serialize_entry("frames", &frames.iter().map(FrameView).collect::<Vec<_>>())?;
            }
            Outcome::LimitExceeded { limit, allowed, used } => {
                map.serialize_entry("limit", limit)?;
                map.serialize_entry("allowed", allowed)?;
                entry(&mut map, "used", used.as_ref())?;
            }
            Outcome::Rejected(rejection) => {
                map.serialize_entry("reason", &rejection.reason)?;
                map.serialize_entry("message", &rejection.message)?;
            }
            Outcome::Cancelled { by } => map.serialize_entry("by", by)?,
            Outcome::Killed { signal } => map.serialize_entry("signal", signal)?,
            Outcome::Lost { reason } => map.serialize_entry("reason", reason)?,
        }
        map.end()
    }
}

impl Serialize for FrameView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Frame { function, module, offset, source } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("function", function)?;
        entry(&mut map, "module", module.as_ref())?;
        entry(&mut map, "offset", offset.as_ref())?;
        entry(&mut map, "source", source.as_ref())?;
        map.end()
    }
}

impl Serialize for UsageView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Usage {
            wall_ns,
            cpu_ns,
            fuel,
            peak_memory_bytes,
            output_bytes,
            disk_bytes,
            files_created,
            host_calls,
            compile_ns,
            instantiate_ns,
            queue_ns,
        } = self.0;
        let fields = [
            ("wall_ns", wall_ns),
            ("cpu_ns", cpu_ns),
            ("fuel", fuel),
            ("peak_memory_bytes", peak_memory_bytes),
            ("output_bytes", output_bytes),
            ("disk_bytes", disk_bytes),
            ("files_created", files_created),
            ("host_calls", host_calls),
            ("compile_ns", compile_ns),
            ("instantiate_ns", instantiate_ns),
            ("queue_ns", queue_ns),
        ];
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in fields {
            entry(&mut map, name, value.as_ref())?;
        }
        map.end()
    }
}

impl Serialize for ResultView {
    /// Numbers where JSON has them, text for NaN, infinities and vectors.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ResultValue::I32(value) => serializer.serialize_i32(value),
            ResultValue::I64(value) => serializer.serialize_i64(value),
            ResultValue::F32(bits) if f32::from_bits(bits).is_finite() => serializer.serialize_f32(f32::from_bits(bits)),
            ResultValue::F64(bits) if f64::from_bits(bits).is_finite() => serializer.serialize_f64(f64::from_bits(bits)),
            other => serializer.collect_str(&other),
        }
    }
}
