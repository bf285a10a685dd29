//! A figure: what is measured, its bound, and what came out.

use std::fmt;

use anyhow::Context;

use crate::repo::Repo;

/// A figure that SPECIFICATION.md promises.
pub(super) struct Figure {
    /// Its name on the command line and in the specification.
    pub(super) name: &'static str,
    /// What is measured.
    pub(super) what: &'static str,
    /// What it must keep to.
    pub(super) bound: Bound,
    /// How it is measured.
    pub(super) measure: fn(&Repo) -> anyhow::Result<Sample>,
}

/// What a figure must keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bound {
    /// At most this many times its partner's.
    TimesPartner(f64, &'static str),
    /// More than this many times its partner's.
    AtLeastTimesPartner(f64, &'static str),
    /// At most this much.
    AtMost(f64, &'static str),
    /// At least this much.
    AtLeast(f64, &'static str),
}

/// What a measurement gives.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sample {
    /// Ours, and its partner's in the same run.
    Value { ours: f64, partner: Option<f64>, unit: String },
    /// It cannot be measured here, for this reason.
    Skipped(String),
}

/// What came out, against the bound.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Measured {
    /// A value.
    Value { ours: f64, partner: Option<f64>, unit: String, ratio: Option<f64>, met: bool },
    /// Not measurable here, for this reason.
    Skipped(String),
    /// The measurement failed, for this reason; so the figure is not shown to be kept.
    Failed(String),
}

impl Figure {
    pub(super) fn measure(&self, repo: &Repo) -> Measured {
        match (self.measure)(repo).and_then(|sample| self.bound.judge(sample)) {
            Ok(measured) => measured,
            Err(error) => Measured::Failed(format!("{error:#}")),
        }
    }
}

impl Bound {
    fn judge(self, sample: Sample) -> anyhow::Result<Measured> {
        let (ours, partner, unit) = match sample {
            Sample::Skipped(reason) => return Ok(Measured::Skipped(reason)),
            Sample::Value { ours, partner, unit } => (ours, partner, unit),
        };
        let ratio = partner.filter(|partner| *partner > 0.0).map(|partner| ours / partner);
        let same =
            |wanted: &str| (unit == wanted).then_some(()).with_context(|| format!("measured in {unit}, the bound is in {wanted}"));
        let met = match self {
            Bound::TimesPartner(most, partner) => ratio.with_context(|| format!("{partner} was not measured beside it"))? <= most,
            Bound::AtLeastTimesPartner(least, partner) => {
                ratio.with_context(|| format!("{partner} was not measured beside it"))? > least
            }
            Bound::AtMost(most, wanted) => same(wanted).map(|()| ours <= most)?,
            Bound::AtLeast(least, wanted) => same(wanted).map(|()| ours >= least)?,
        };
        Ok(Measured::Value { ours, partner, unit, ratio, met })
    }
}

impl Measured {
    /// Whether the bound is kept; `None` if that could not be found out here.
    pub(super) fn met(&self) -> Option<bool> {
        match self {
            Measured::Value { met, .. } => Some(*met),
            Measured::Failed(_) => Some(false),
            Measured::Skipped(_) => None,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::TimesPartner(most, partner) => write!(f, "≤ {most:.1}x {partner}"),
            Bound::AtLeastTimesPartner(least, partner) => write!(f, "> {least:.1}x {partner}"),
            Bound::AtMost(most, unit) => write!(f, "≤ {most} {unit}"),
            Bound::AtLeast(least, unit) => write!(f, "≥ {least} {unit}"),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measured::Value { ours, partner: Some(partner), unit, ratio: Some(ratio), .. } => {
                write!(f, "{ratio:.2}x ({} beside {} {unit})", short(*ours), short(*partner))
            }
            Measured::Value { ours, unit, .. } => write!(f, "{} {unit}", short(*ours)),
            Measured::Skipped(reason) => write!(f, "skipped: {reason}"),
            Measured::Failed(reason) => write!(f, "failed: {reason}"),
        }
    }
}

/// Three digits or so.
fn short(value: f64) -> String {
    let decimals = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(bound: Bound, ours: f64, partner: Option<f64>, unit: &str) -> anyhow::Result<Measured> {
        bound.judge(Sample::Value { ours, partner, unit: unit.into() })
    }

    #[test]
    fn bounds_bite() {
        let check = |bound: Bound, ours: f64, partner: Option<f64>, expect: bool, shown: &str| {
            let measured = judge(bound, ours, partner, "ms").expect("judged");
            assert_eq!((measured.met(), measured.to_string().as_str()), (Some(expect), shown));
        };
        let twice = Bound::TimesPartner(2.0, "raw");
        check(twice, 20.0, Some(10.0), true, "2.00x (20.0 beside 10.0 ms)");
        check(twice, 20.1, Some(10.0), false, "2.01x (20.1 beside 10.0 ms)");
        let more = Bound::AtLeastTimesPartner(1.0, "one core");
        check(more, 11.0, Some(10.0), true, "1.10x (11.0 beside 10.0 ms)");
        check(more, 10.0, Some(10.0), false, "1.00x (10.0 beside 10.0 ms)");
        check(Bound::AtMost(520.0, "ms"), 520.0, None, true, "520 ms");
        check(Bound::AtMost(520.0, "ms"), 520.1, None, false, "520 ms");
        check(Bound::AtLeast(100.0, "ms"), 99.0, None, false, "99.0 ms");
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        assert!(judge(Bound::TimesPartner(1.0, "raw"), 1.0, None, "ns").is_err());
        assert!(judge(Bound::TimesPartner(1.0, "raw"), 1.0, Some(0.0), "ns").is_err());
        assert!(judge(Bound::AtLeast(1.0, "MB/s"), 1.0, None, "ns").is_err());
        assert_eq!(Measured::Failed("x".into()).met(), Some(false));
        assert_eq!(Bound::AtMost(1.0, "s").judge(Sample::Skipped("x".into())).expect("judged").met(), None);
    }
}
