//! Trying again what may succeed later.

use std::{io::ErrorKind, thread, time::Duration};

/// How often something is tried again, and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// How often it is tried in all.
    pub attempts: u32,
    /// How long is waited after the first time; then twice as long each time, and up to a quarter more, by chance.
    pub first: Duration,
    /// The longest that is waited, whatever a registry asks for.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { attempts: 5, first: Duration::from_millis(250), most: Duration::from_secs(20) }
    }
}

impl Backoff {
    /// Waits after an attempt, counted from 1, has failed: as long as the registry asked, if it did. Whether there is another.
    pub(super) fn wait(&self, attempt: u32, asked: Option<Duration>, left: Duration) -> bool {
        if attempt >= self.attempts {
            return false;
        }
        let own = self.first.saturating_mul(1 << attempt.saturating_sub(1).min(16));
        let wait = asked.unwrap_or_else(|| own + own.mul_f64(f64::from(chance()) / 1024.0)).min(self.most);
        if wait >= left {
            return false;
        }
        thread::sleep(wait);
        true
    }
}

/// Up to 255, by chance: so that many who failed at once do not come back at once.
fn chance() -> u8 {
    let mut byte = [0];
    // Without chance it is as long for all, which is no failure.
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

/// Whether a failure of the transport may be gone the next time.
pub(super) fn is_transient(error: &ureq::Error) -> bool {
    match error {
        // Nobody is there, or somebody who is not believed: that does not change by itself.
        ureq::Error::Io(error) => !matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::InvalidData),
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
        ureq::Error::Timeout(which) => !matches!(which, ureq::Timeout::Global),
        _ => false,
    }
}

/// Whether a registry may answer otherwise the next time.
pub(super) fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}
