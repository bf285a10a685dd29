//! What lies between a world and a component in C, before and after the C compiler:
//!
//! ```text
//! componentize-c bindings WIT DIRECTORY        WORLD.h, WORLD.c and WORLD_component_type.o
//! componentize-c component MODULE COMPONENT    the module that was linked with them, behind the adapter of preview 1
//! ```

use std::{env, fs, path::Path};

use anyhow::{Context as _, Result, bail};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER,
};
use wit_bindgen_core::{Files, wit_parser::Resolve};
use wit_component::ComponentEncoder;

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["bindings", wit, directory] => bindings(wit, directory.as_ref()),
        ["component", module, component] => make_component(module, component),
        _ => bail!("usage: componentize-c bindings WIT DIRECTORY | component MODULE COMPONENT"),
    }
}

/// Writes what C needs to implement the only world of a package.
fn bindings(wit: &str, directory: &Path) -> Result<()> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let world = resolve.select_world(&[package], None)?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    for (name, contents) in files.iter() {
        let path = directory.join(name);
        fs::write(&path, contents).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

fn make_component(module: &str, component: &str) -> Result<()> {
    let module = fs::read(module).with_context(|| format!("cannot read `{module}`"))?;
    let bytes = ComponentEncoder::default().module(&module)?.adapter(NAME, ADAPTER)?.validate(true).encode()?;
    fs::write(component, bytes).with_context(|| format!("cannot write `{component}`"))
}
