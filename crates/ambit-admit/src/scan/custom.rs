//! Custom sections: noted, never interpreted.

use ambit_core::escape;
use wasmparser::CustomSectionReader;

use super::Scan;
use crate::verified::CustomSection;

/// How many are kept by name. A module may have tens of millions of empty ones.
const KEPT: usize = 1000;

impl Scan<'_> {
    pub(super) fn custom(&mut self, section: &CustomSectionReader<'_>) {
        let size = u64::try_from(section.data().len()).unwrap_or(u64::MAX);
        let customs = &mut self.customs;
        customs.count += 1;
        customs.bytes = customs.bytes.saturating_add(size);
        match section.name() {
            "name" | "component-name" => customs.names = true,
            "producers" => customs.producers = true,
            name => customs.dwarf |= name.starts_with(".debug_") || name == "external_debug_info",
        }
        if customs.sections.len() < KEPT {
            customs.sections.push(CustomSection { name: escape(section.name(), 128), size });
        }
    }
}
