//! Values of components, as a jailed process says them.

use std::sync::Arc;

use ambit_core::{ComponentType, ComponentValue};

use crate::{input::Input, memory::bounded};

/// An allocator's and a growing list's share, as a multiple of what is charged.
const TIMES: usize = 4;
/// How deep types are nested.
const DEEPEST: u32 = 4;

/// The first bytes say of which type the value is and how much memory it may take; the rest is the value.
pub fn packed(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let most = input.u32() % (1 << 20);
    let ty = component_type(&mut input, DEEPEST);
    let said = input.rest();
    let value = bounded(most as usize, TIMES, || ComponentValue::unpack(said, &ty, most.into()));
    let Ok(value) = value else { return };
    assert_eq!(value.check(&ty), Ok(()), "it is of its type");
    assert!(value.memory() <= most.into(), "{} of {most} bytes", value.memory());
    assert_eq!(value.pack(), said, "there is one way to say it");
    assert!(ComponentValue::unpack(said, &ty, value.memory()).is_ok());
    assert!(ComponentValue::unpack(said, &ty, value.memory() - 1).is_err());
    let wave = format!("({value})");
    let args = ComponentValue::parse_args(&wave, &[("value".into(), ty)]);
    assert_eq!(args.as_deref(), Ok(&[value][..]), "people read what it is: {wave}");
}

fn component_type(input: &mut Input<'_>, deepest: u32) -> ComponentType {
    use ComponentType as T;
    const PLAIN: &[ComponentType] =
        &[T::Bool, T::S8, T::U8, T::S16, T::U16, T::S32, T::U32, T::S64, T::U64, T::F32, T::F64, T::Char, T::String];
    let kind = input.below(PLAIN.len() + 8);
    let kind = match kind.checked_sub(PLAIN.len()) {
        Some(kind) if deepest > 0 => kind,
        _ => return PLAIN[kind % PLAIN.len()].clone(),
    };
    let names = |input: &mut Input<'_>| (0..=input.below(4)).map(|index| format!("n{index}")).collect::<Arc<[String]>>();
    let part = |input: &mut Input<'_>| component_type(input, deepest - 1);
    match kind {
        0 => T::List(Arc::new(part(input))),
        1 => T::Record(names(input).iter().map(|name| (name.clone(), part(input))).collect()),
        2 => T::Tuple(names(input).iter().map(|_| part(input)).collect()),
        3 => T::Variant(names(input).iter().map(|name| (name.clone(), input.option(part))).collect()),
        4 => T::Enum(names(input)),
        5 => T::Option(Arc::new(part(input))),
        6 => T::Result(Arc::new((input.option(part), input.option(part)))),
        _ => T::Flags(names(input)),
    }
}
