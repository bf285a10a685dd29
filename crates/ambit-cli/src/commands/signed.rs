//! Whether a module may run for its signatures.

use std::path::PathBuf;

use ambit_core::{RejectReason, Rejection};
use ambit_store::{
    StoreError,
    sign::{Evidence, LONGEST_SIGNATURE, MOST_TRIED, ModuleSignature, Trust, Verdict},
    signatures_of,
};
use clap::{ValueHint, builder::FalseyValueParser};

use super::{module_source::Found, small_file};
use crate::{output, store_args::StoreArgs};

/// What is asked of a module's signatures, besides what the store's rules ask.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SignatureArgs {
    /// Run it only if a key that is trusted for it has signed it; `ambit key require` says so for good
    #[arg(long, env = "AMBIT_REQUIRE_SIGNATURE", hide_env_values = true, help_heading = "Store", value_parser = FalseyValueParser::new())]
    require_signature: bool,
    /// A signature of it, as `ambit sign -o` writes it; there must then be a good one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Store")]
    signature: Vec<PathBuf>,
}

/// The same, with the store whose keys and rules count.
#[derive(Debug, Clone)]
pub(crate) struct SignatureDemand {
    required: bool,
    files: Vec<PathBuf>,
    store: StoreArgs,
    verbose: bool,
}

impl SignatureArgs {
    /// With the store, and with what a configuration says.
    pub(crate) fn demand(self, required: bool, store: &StoreArgs, verbose: bool) -> SignatureDemand {
        let Self { require_signature, signature } = self;
        let required = required || require_signature || !signature.is_empty();
        SignatureDemand { required, files: signature, store: store.clone(), verbose }
    }
}

impl SignatureDemand {
    /// Refuses a module that is not signed as it must be. Nothing has compiled it yet.
    pub(super) fn check(&self, found: &Found) -> Result<(), Rejection> {
        let verdict = self.verdict(found)?;
        if !verdict.is_met() {
            let message = format!("{}; `ambit verify` shows what there is", verdict.why_not());
            return Err(Rejection::new(RejectReason::Signature, message));
        }
        if self.verbose {
            for signed in &verdict.signed_by {
                output::note(&format!("signed {}", describe(signed)));
            }
        }
        Ok(())
    }

    fn verdict(&self, found: &Found) -> Result<Verdict, Rejection> {
        let unknown = |error: &StoreError| {
            let message = format!("cannot tell whether a signature is required: {}", error.full());
            Rejection::new(RejectReason::Signature, message)
        };
        let place = match self.store.existing() {
            Ok(place) => place,
            // Nobody named it, and it is not believed; but if rules are there, somebody wanted them kept.
            Err(error) if self.required || self.store.store.is_some() || self.store.may_have_rules() => {
                return Err(unknown(&error));
            }
            Err(_) => None,
        };
        let namespace = &self.store.namespace;
        let trust =
            place.as_ref().map_or(Ok(Trust::default()), |place| Trust::of(place, namespace)).map_err(|error| unknown(&error))?;
        let claim = found.claim();
        if !self.required && trust.rules_for(&claim.names).next().is_none() {
            return Ok(Verdict::default());
        }
        let kept = place.map_or(Ok(Default::default()), |place| signatures_of(&place, namespace, claim.digest));
        let mut signatures = read(&self.files).map_err(|message| Rejection::new(RejectReason::Signature, message))?;
        let (kept, unread) = kept.map_err(|error| unknown(&error))?;
        signatures.extend(kept);
        Ok(trust.judge(&claim, &Evidence { signatures, cosign: found.cosign(), unread }, self.required))
    }
}

/// By whom, and as what.
pub(super) fn describe(signed: &ambit_store::sign::SignedBy) -> String {
    use ambit_store::sign::How;

    let by = match &signed.label {
        Some(label) => format!("by {label} ({})", signed.key.short()),
        None => format!("by {}", signed.key.short()),
    };
    let version = signed.version.as_ref().map(|version| format!(", as version {version}")).unwrap_or_default();
    let how = match signed.how {
        How::Detached => "",
        How::Embedded => ", in the module",
        How::Cosign => ", with its image",
    };
    format!("{by}{version}{how}")
}

/// Signatures from files.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<ModuleSignature>, String> {
    if files.len() > MOST_TRIED {
        return Err(format!("{} signatures are given, and at most {MOST_TRIED} are tried", files.len()));
    }
    let one = |path: &PathBuf| {
        let text = small_file::read(path, LONGEST_SIGNATURE as u64 + 1)
            .map_err(|error| format!("cannot read the signature `{}`: {error}", path.display()))?;
        ModuleSignature::from_json(text.trim_ascii()).map_err(|error| format!("`{}`: {error}", path.display()))
    };
    files.iter().map(one).collect()
}
