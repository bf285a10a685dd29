//! Sizes of the wasm stack.

use std::fmt;

/// The size of the wasm stack, which is a property of compiled code's engine and so comes in classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StackClass {
    /// 256 KiB.
    K256,
    /// 512 KiB.
    K512,
    /// 1 MiB.
    M1,
    /// 2 MiB.
    M2,
    /// 8 MiB.
    M8,
}

impl StackClass {
    /// Every class, smallest first.
    pub const ALL: [Self; 5] = [Self::K256, Self::K512, Self::M1, Self::M2, Self::M8];

    /// The smallest class of at least `bytes`; the largest if none is.
    pub fn covering(bytes: u64) -> Self {
        Self::ALL.into_iter().find(|class| class.bytes() as u64 >= bytes).unwrap_or(Self::M8)
    }

    /// Its size in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::K256 => 256 << 10,
            Self::K512 => 512 << 10,
            Self::M1 => 1 << 20,
            Self::M2 => 2 << 20,
            Self::M8 => 8 << 20,
        }
    }
}

impl fmt::Display for StackClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::size::ByteSize::bytes(self.bytes() as u64).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_class_that_covers() {
        let check = |bytes, class| assert_eq!(StackClass::covering(bytes), class, "{bytes}");
        check(1, StackClass::K256);
        check(256 << 10, StackClass::K256);
        check((256 << 10) + 1, StackClass::K512);
        check(3 << 20, StackClass::M8);
        check(u64::MAX, StackClass::M8);
    }
}
