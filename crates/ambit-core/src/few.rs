//! Lists that are read only so far.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

/// Reads a list of at most `MOST` elements, for `#[serde(deserialize_with = …)]`.
///
/// Whoever reads what a stranger has written pays for each element with its size in memory, which may be many times what the
/// stranger paid to write it: three bytes are a [`Violation`](crate::Violation) of 56.
///
/// # Errors
/// There are more.
pub fn few<'de, D: Deserializer<'de>, T: Deserialize<'de>, const MOST: usize>(deserializer: D) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(Few::<T, MOST>(PhantomData))
}

struct Few<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Few<T, MOST> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MOST}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            if elements.len() == MOST {
                return Err(A::Error::invalid_length(MOST + 1, &self));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_said() {
        let check = |text: &str, expect: Option<&[u8]>| {
            let read = few::<_, u8, 2>(&mut serde_json::Deserializer::from_str(text));
            assert_eq!(read.ok().as_deref(), expect, "{text}");
        };
        check("[]", Some(&[]));
        check("[1, 2]", Some(&[1, 2]));
        check("[1, 2, 3]", None);
    }
}
