//! `ambit pull`

use ambit_store::{
    ImageReference,
    oci::{PullPolicy, Wanted, obtain},
};

use super::{Common, Failed, progress::Bar, status};
use crate::{commands::read_module::rules_to_keep, output, registry_args::RegistryArgs};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit pull ghcr.io/team/tool:1.2
  ambit pull ghcr.io/team/tool@sha256:…            # this very image, or none
  ambit pull localhost:5000/tool --json
  ambit pull --pull if-not-present ghcr.io/team/tool:1.2

Every byte is checked against the digest that was asked for, and the module is admitted before it is kept. Signatures come along.
Exit status: 0; 1 if there is no such image, or it is not what it should be; 126 if its module is not admitted; 125 Ambit failed.")]
pub(crate) struct Args {
    /// REGISTRY/PATH:TAG, or REGISTRY/PATH@sha256:…
    image: ImageReference,
    /// When the registry is asked: always, if-not-present, or never
    #[arg(long, value_name = "WHEN", default_value_t = PullPolicy::Always)]
    pull: PullPolicy,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    status(pull(args))
}

fn pull(args: &Args) -> Result<u8, Failed> {
    let Args { image, pull, common, registry } = args;
    let (store, namespace, rules) = (common.open()?, common.store.namespace.clone(), rules_to_keep());
    let wanted = Wanted { namespace: &namespace, image, policy: *pull, rules: &rules };
    let obtained = obtain(&store, wanted, registry.options(&image.repository)?, &mut Bar::default())?;
    if let Some(why) = &obtained.unsigned {
        output::note(&format!("{image} comes without signatures: {why}"));
    }
    let how = match (obtained.asked, obtained.before) {
        (false, _) => ", which was here",
        (true, Some(_)) => ", which is another than before",
        (true, None) => "",
    };
    let text = format!("{} is {}{how}; its module is {}", image, obtained.record.resolved, obtained.record.module.digest);
    Ok(common.say(&obtained, &text)?)
}
