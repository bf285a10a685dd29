//! Sizes and durations as they are said: `64.mib()`, `2.secs()`.

use std::time::Duration;

use ambit_core::ByteSize;

/// Sizes and durations as they are said: `64.mib()`, `2.secs()`.
///
/// What does not fit 64 bits becomes the largest size there is. A negative number becomes 0, which no limit takes.
///
/// ```
/// use ambit::{ByteSize, Units};
///
/// assert_eq!(64.mib(), ByteSize::mib(64));
/// assert_eq!(2.secs(), std::time::Duration::from_millis(2000));
/// ```
pub trait Units: TryInto<u64> {
    /// This many KiB (1024 bytes).
    fn kib(self) -> ByteSize {
        ByteSize::bytes(number(self).saturating_mul(1 << 10))
    }

    /// This many MiB (1024² bytes).
    fn mib(self) -> ByteSize {
        ByteSize::bytes(number(self).saturating_mul(1 << 20))
    }

    /// This many GiB (1024³ bytes).
    fn gib(self) -> ByteSize {
        ByteSize::bytes(number(self).saturating_mul(1 << 30))
    }

    /// This many milliseconds.
    fn millis(self) -> Duration {
        Duration::from_millis(number(self))
    }

    /// This many seconds.
    fn secs(self) -> Duration {
        Duration::from_secs(number(self))
    }
}

/// The number, 0 if it is negative.
fn number(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or(0)
}

// What a number without a type is.
impl Units for i32 {}
impl Units for i64 {}
impl Units for u32 {}
impl Units for u64 {}
impl Units for usize {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations() {
        let check = |size: ByteSize, expect: u64| assert_eq!(size.get(), expect);
        check(3.kib(), 3072);
        check(64u64.mib(), 64 << 20);
        check(2usize.gib(), 2 << 30);
        check((-1).mib(), 0);
        check(u64::MAX.kib(), u64::MAX);
        assert_eq!((250.millis(), 2u32.secs()), (Duration::from_millis(250), Duration::from_secs(2)));
    }
}
