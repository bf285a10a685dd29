//! How far a transfer is, on a terminal.

use ambit_store::oci::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// Below this nobody is shown a bar: it would be gone before it is seen.
const LEAST: u64 = 256 << 10;

/// A bar on stderr, if that is a terminal.
#[derive(Debug, Default)]
pub(crate) struct Bar(Option<ProgressBar>);

impl Progress for Bar {
    fn begins(&mut self, what: &str, bytes: u64) {
        if bytes < LEAST {
            return;
        }
        const STYLE: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}";
        let style = ProgressStyle::with_template(STYLE).expect("the template is one");
        // indicatif draws on a terminal only.
        self.0 = Some(ProgressBar::new(bytes).with_style(style).with_message(what.to_owned()));
    }

    fn is_at(&mut self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(bytes);
        }
    }

    fn ends(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}
