//! Random numbers of components. Those that need not be secure come from the same source as those that must.

use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use super::View;
use crate::host::Stop;

/// The most random bytes one call gives: they are made in one go.
const MOST: u64 = 1 << 20;

impl View<'_> {
    fn bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > MOST {
            let message = format!("{len} random bytes were asked for in one call, which gives {MOST} at most");
            return Err(wasmtime::Error::new(Stop::Trap(message)));
        }
        let mut bytes = vec![0; usize::try_from(len)?];
        self.host.random.fill(&mut bytes);
        Ok(bytes)
    }

    fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.host.random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl random::Host for View<'_> {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.number())
    }
}

impl insecure::Host for View<'_> {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.number())
    }
}

impl insecure_seed::Host for View<'_> {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.number(), self.number()))
    }
}
