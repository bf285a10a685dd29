//! A module as it lies in a store, compressed.

use ambit_store::testing::{compress, decompress};

use crate::input::Input;

/// The most bytes that the module is said to have.
const MOST: u32 = 1 << 20;

/// The first bytes say how long the module was; the rest is its file.
pub fn blob(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let size = u64::from(input.u32() % MOST);
    let file = input.rest();
    if let Some(module) = decompress(file, size) {
        assert_eq!(module.len() as u64, size, "as much as was said, whatever the file says");
        for other in [size + 1, size.saturating_sub(1), 0].into_iter().filter(|other| *other != size) {
            assert_eq!(decompress(file, other), None, "{size} bytes are not {other}");
        }
        assert_eq!(decompress(&[file, &[0]].concat(), size), None, "nothing follows it");
    }
    let again = compress(file);
    assert_eq!(decompress(&again, file.len() as u64).as_deref(), Some(file));
}
