//! Rust's numbers as WebAssembly's values.

use ambit_admit::ValType;
use ambit_core::ResultValue as Value;

mod sealed {
    pub trait Sealed {}
}

/// A number that a function takes or gives. `u32` and `u64` are WebAssembly's `i32` and `i64` read without a sign; `u128` is
/// `v128`, lane 0 in its lowest bits.
pub trait Number: Copy + sealed::Sealed {
    /// WebAssembly's type of it.
    const TYPE: ValType;

    /// The value with its bits.
    fn to_value(self) -> Value;

    /// The number with the bits of a value; `None` if that is of another type.
    fn from_value(value: Value) -> Option<Self>;
}

/// What a function takes, or what it gives: `()`, a [`Number`], or a tuple of up to eight.
pub trait Values: Sized + sealed::Sealed {
    /// WebAssembly's types of them.
    const TYPES: &'static [ValType];

    /// The values, in order.
    fn into_values(self) -> Vec<Value>;

    /// Them, from values in order; `None` if those are of other types.
    fn from_values(values: &[Value]) -> Option<Self>;
}

macro_rules! numbers {
    ($($number:ty => $Variant:ident($read:expr);)*) => {
        $(
            impl sealed::Sealed for $number {}

            impl Number for $number {
                const TYPE: ValType = ValType::$Variant;

                fn to_value(self) -> Value {
                    self.into()
                }

                fn from_value(value: Value) -> Option<Self> {
                    match value {
                        Value::$Variant(bits) => Some($read(bits)),
                        _ => None,
                    }
                }
            }

            impl Values for $number {
                const TYPES: &'static [ValType] = &[ValType::$Variant];

                fn into_values(self) -> Vec<Value> {
                    vec![self.to_value()]
                }

                fn from_values(values: &[Value]) -> Option<Self> {
                    match values {
                        [value] => Self::from_value(*value),
                        _ => None,
                    }
                }
            }
        )*
    };
}

numbers! {
    i32 => I32(std::convert::identity);
    u32 => I32(i32::cast_unsigned);
    i64 => I64(std::convert::identity);
    u64 => I64(i64::cast_unsigned);
    f32 => F32(f32::from_bits);
    f64 => F64(f64::from_bits);
    u128 => V128(std::convert::identity);
}

macro_rules! tuples {
    ($(($($T:ident $value:ident),*))*) => {
        $(
            impl<$($T: Number),*> sealed::Sealed for ($($T,)*) {}

            impl<$($T: Number),*> Values for ($($T,)*) {
                const TYPES: &'static [ValType] = &[$($T::TYPE),*];

                fn into_values(self) -> Vec<Value> {
                    let ($($value,)*) = self;
                    vec![$($value.to_value()),*]
                }

                fn from_values(values: &[Value]) -> Option<Self> {
                    let &[$($value),*] = values else { return None };
                    Some(($($T::from_value($value)?,)*))
                }
            }
        )*
    };
}

tuples! {
    ()
    (A a)
    (A a, B b)
    (A a, B b, C c)
    (A a, B b, C c, D d)
    (A a, B b, C c, D d, E e)
    (A a, B b, C c, D d, E e, F f)
    (A a, B b, C c, D d, E e, F f, G g)
    (A a, B b, C c, D d, E e, F f, G g, H h)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Values + PartialEq + std::fmt::Debug + Clone>(values: T, types: &str) {
        let shown: Vec<String> = T::TYPES.iter().map(ToString::to_string).collect();
        assert_eq!(shown.join(" "), types);
        assert_eq!(T::from_values(&values.clone().into_values()), Some(values));
    }

    #[test]
    fn numbers_go_and_come_back() {
        check((), "");
        check(7, "i32");
        check((1, 2u32, 3i64, u64::MAX, 1.5f32, -0.5f64, u128::MAX), "i32 i32 i64 i64 f32 f64 v128");
        check((1, 2, 3, 4, 5, 6, 7, 8), "i32 i32 i32 i32 i32 i32 i32 i32");
        check((u32::MAX,), "i32");
    }

    #[test]
    fn other_types_are_not_taken() {
        assert_eq!(i32::from_values(&[Value::I64(1)]), None);
        assert_eq!(i32::from_values(&[]), None);
        assert_eq!(<()>::from_values(&[Value::I32(1)]), None);
        assert_eq!(<(i32, f32)>::from_values(&[Value::I32(1), Value::F64(0)]), None);
        assert_eq!(<(i32,)>::from_values(&[Value::I32(1), Value::I32(1)]), None);
    }
}
