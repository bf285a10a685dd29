//! The random numbers a guest sees.

use ambit_core::Random;
use rand_chacha::{
    ChaCha12Rng,
    rand_core::{Rng, SeedableRng},
};

/// The random numbers a guest sees.
#[derive(Debug)]
pub struct GuestRandom(Source);

#[derive(Debug)]
enum Source {
    Os,
    Seeded(Box<ChaCha12Rng>),
}

impl GuestRandom {
    /// From this source.
    pub fn new(random: Random) -> Self {
        Self(match random {
            Random::Os => Source::Os,
            Random::Seeded(seed) => Source::Seeded(Box::new(ChaCha12Rng::seed_from_u64(seed))),
        })
    }

    /// Fills `bytes`.
    ///
    /// # Panics
    /// The operating system has no random numbers, which Linux never says once it has booted.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        match &mut self.0 {
            Source::Os => getrandom::fill(bytes).expect("the kernel's generator is initialised after boot"),
            Source::Seeded(rng) => rng.fill_bytes(bytes),
        }
    }

    /// A 32-bit number.
    pub fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }
}
