//! A component that gives back what it takes, of any type.
//!
//! Its function takes the value and seventeen numbers, which together do not fit the sixteen core parameters there are, and so come
//! by way of memory; it returns the value and two of the numbers, which are laid out as the beginning of what came. So its core
//! function is one instruction, whatever the type.

use std::fmt::Write as _;

use ambit::{ComponentType, ComponentValue};

/// The text of the component for one type.
pub(crate) fn text(ty: &ComponentType) -> String {
    let mut types = Types::default();
    let value = types.of(ty);
    let numbers = " u64".repeat(17);
    format!(
        r#"(component
  {definitions}
  (core module $m
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
                              (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (block $fits
        (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))))
      (local.get $at))
    (func (export "id") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))
  (func (export "id") (param "x" (tuple {value}{numbers})) (result (tuple {value} u64 u64))
    (canon lift (core func $i "id") (memory $i "memory") (realloc (func $i "realloc")))))"#,
        definitions = types.text,
    )
}

/// What it is called with.
pub(crate) fn argument(value: &ComponentValue) -> ComponentValue {
    let numbers = (0..17).map(ComponentValue::U64);
    ComponentValue::Tuple(std::iter::once(value.clone()).chain(numbers).collect())
}

/// What it returns, if it gave the value back.
pub(crate) fn returned(value: &ComponentValue) -> ComponentValue {
    ComponentValue::Tuple(vec![value.clone(), ComponentValue::U64(0), ComponentValue::U64(1)])
}

/// Definitions of types: those with names of their own must be exported before a function that is exported may have them.
#[derive(Default)]
struct Types {
    text: String,
    count: usize,
}

impl Types {
    /// How a type is written where it is used.
    fn of(&mut self, ty: &ComponentType) -> String {
        let maybe = |types: &mut Self, ty: &Option<ComponentType>| ty.as_ref().map(|ty| types.of(ty));
        match ty {
            ComponentType::List(element) => format!("(list {})", self.of(element)),
            ComponentType::Option(payload) => format!("(option {})", self.of(payload)),
            ComponentType::Tuple(types) => {
                let parts: Vec<String> = types.iter().map(|ty| self.of(ty)).collect();
                format!("(tuple {})", parts.join(" "))
            }
            ComponentType::Result(parts) => {
                let ok = maybe(self, &parts.0).map_or(String::new(), |ok| format!(" {ok}"));
                let err = maybe(self, &parts.1).map_or(String::new(), |err| format!(" (error {err})"));
                format!("(result{ok}{err})")
            }
            ComponentType::Record(fields) => {
                let fields: Vec<String> = fields.iter().map(|(name, ty)| format!("(field \"{name}\" {})", self.of(ty))).collect();
                self.named(&format!("(record {})", fields.join(" ")))
            }
            ComponentType::Variant(cases) => {
                let cases: Vec<String> = cases
                    .iter()
                    .map(|(name, ty)| format!("(case \"{name}\"{})", maybe(self, ty).map_or(String::new(), |ty| format!(" {ty}"))))
                    .collect();
                self.named(&format!("(variant {})", cases.join(" ")))
            }
            ComponentType::Enum(cases) => {
                let text = format!("(enum \"{}\")", cases.join("\" \""));
                self.named(&text)
            }
            ComponentType::Flags(names) => {
                let text = format!("(flags \"{}\")", names.join("\" \""));
                self.named(&text)
            }
            plain => plain.to_string(),
        }
    }

    fn named(&mut self, definition: &str) -> String {
        self.count += 1;
        let number = self.count;
        let _ = writeln!(self.text, "  (type $d{number} {definition}) (export $t{number} \"t{number}\" (type $d{number}))");
        format!("$t{number}")
    }
}
