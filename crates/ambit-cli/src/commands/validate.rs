//! `ambit validate`

use std::path::PathBuf;

use ambit_admit::AdmitRules;
use ambit_core::{Feature, LimitsSpec, Outcome, PolicySpec, Profile};

use super::{module_source::ModuleSource, outcome_text, signed::SignatureArgs};
use crate::{output, policy::KeyValue, registry_args::PullArgs, store_args::StoreArgs};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit validate program.wasm\n  ambit validate --feature gc program.wat\n\nExit status 0 if the module would be admitted, 126 if not."
)]
pub(crate) struct Args {
    /// The module: a file, binary or text; - for stdin; or one of the store: NAME, NAME@VERSION, NAME:TAG, sha256:…;
    /// or an image: REGISTRY/PATH:TAG
    module: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    signatures: SignatureArgs,
    #[command(flatten)]
    pull: PullArgs,
    /// The profile whose limits and features count
    #[arg(long, default_value = "terminal")]
    profile: Profile,
    /// Allow a WebAssembly feature
    #[arg(long, value_name = "NAME")]
    feature: Vec<Feature>,
    /// Set a static limit
    #[arg(long, value_name = "KEY=VALUE")]
    limit: Vec<KeyValue>,
    /// Print nothing
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut limits = LimitsSpec::default();
    for KeyValue(key, value) in &args.limit {
        if let Err(error) = limits.set(key, value) {
            output::error(&error.to_string());
            return Ok(super::USAGE);
        }
    }
    let spec = PolicySpec { limits, features: args.feature.clone(), ..PolicySpec::default() };
    let admitted = args.profile.policy().narrow(&spec).map_err(ambit_core::Rejection::from).and_then(|policy| {
        let signatures = args.signatures.clone().demand(false, &args.store, false);
        let source = ModuleSource::of(&args.module, &args.store, &args.pull);
        source.read_signed(&AdmitRules::from_policy(&policy), None, &signatures).map(|found| found.module)
    });
    match admitted {
        Ok(module) => {
            if !args.quiet {
                output::data(&format!("valid: {} {}", module.kind(), module.digest()))?;
            }
            Ok(0)
        }
        Err(rejection) => {
            let outcome = Outcome::Rejected(rejection);
            if !args.quiet {
                output::error(&outcome_text::describe(&outcome));
            }
            Ok(outcome.exit_status())
        }
    }
}
