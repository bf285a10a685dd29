//! A start function that is called like any other. Wasmi runs one by a plain call, in which nobody could stop it.

/// The bytes of a module whose start function became an export, and the export's name.
pub(super) struct Moved {
    pub(super) bytes: Vec<u8>,
    pub(super) name: String,
}

const EXPORTS: u8 = 7;
const START: u8 = 8;
const HEADER: usize = 8;

/// Moves the start function of a valid core module to an export of a name that it does not export yet; `None` if the bytes are no
/// module with a start function.
pub(super) fn moved(module: &[u8], exports: impl Fn(&str) -> bool) -> Option<Moved> {
    let sections = sections(module)?;
    let body = |id| sections.iter().find(|section| section.id == id).map(|section| section.body);
    let (start, _) = u32_of(body(START)?)?;
    let name = (0_u32..).map(|n| format!("start {n}")).find(|name| !exports(name))?;
    let (count, others) = match body(EXPORTS) {
        Some(body) => u32_of(body)?,
        None => (0, &[][..]),
    };
    let mut exported = Vec::with_capacity(others.len() + 32);
    put_u32(&mut exported, count.checked_add(1)?);
    exported.extend_from_slice(others);
    put_u32(&mut exported, u32::try_from(name.len()).ok()?);
    exported.extend_from_slice(name.as_bytes());
    exported.push(0);
    put_u32(&mut exported, start);

    let has_exports = body(EXPORTS).is_some();
    let mut bytes = Vec::with_capacity(module.len() + 32);
    bytes.extend_from_slice(module.get(..HEADER)?);
    for section in &sections {
        match section.id {
            EXPORTS => put_section(&mut bytes, EXPORTS, &exported)?,
            START if has_exports => {}
            // Exports come before the start function, and nothing in between.
            START => put_section(&mut bytes, EXPORTS, &exported)?,
            _ => bytes.extend_from_slice(section.whole),
        }
    }
    Some(Moved { bytes, name })
}

struct Section<'a> {
    id: u8,
    /// With its id and size.
    whole: &'a [u8],
    body: &'a [u8],
}

fn sections(module: &[u8]) -> Option<Vec<Section<'_>>> {
    let mut rest = module.get(HEADER..)?;
    let mut sections = Vec::new();
    while let [id, sized @ ..] = rest {
        let (size, behind) = u32_of(sized)?;
        let (body, next) = behind.split_at_checked(usize::try_from(size).ok()?)?;
        sections.push(Section { id: *id, whole: &rest[..rest.len() - next.len()], body });
        rest = next;
    }
    Some(sections)
}

/// A number in LEB128, and what is behind it.
fn u32_of(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, &bytes[at + 1..]));
        }
    }
    None
}

fn put_u32(bytes: &mut Vec<u8>, mut value: u32) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn put_section(bytes: &mut Vec<u8>, id: u8, body: &[u8]) -> Option<()> {
    bytes.push(id);
    put_u32(bytes, u32::try_from(body.len()).ok()?);
    bytes.extend_from_slice(body);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, exported: &[&str], expect: &str) {
        let module = wat::parse_str(text).expect("valid text");
        let moved = moved(&module, |name| exported.contains(&name)).expect("it has a start function");
        assert_eq!(moved.bytes, wat::parse_str(expect).expect("valid text"), "{text}");
        assert!(expect.contains(&format!("\"{}\"", moved.name)));
    }

    #[test]
    fn a_start_function_becomes_an_export() {
        check("(module (func) (func) (start 1))", &[], r#"(module (func) (func) (export "start 0" (func 1)))"#);
        check(
            r#"(module (memory (export "memory") 1) (func (export "start 0")) (start 0) (data (i32.const 0) "x"))"#,
            &["memory", "start 0"],
            r#"(module (memory (export "memory") 1) (func (export "start 0")) (export "start 1" (func 0)) (data (i32.const 0) "x"))"#,
        );
    }

    #[test]
    fn long_sections_have_long_sizes() {
        let exports: String = (0..200).map(|n| format!("(export \"f{n}\" (func 0))")).collect();
        check(
            &format!("(module (func) {exports} (start 0))"),
            &[],
            &format!("(module (func) {exports} (export \"start 0\" (func 0)))"),
        );
    }

    #[test]
    fn what_has_no_start_function_is_left_alone() {
        let module = wat::parse_str("(module (func))").expect("valid text");
        assert!(moved(&module, |_| false).is_none());
        assert!(moved(b"\0asm\x01\0\0\0\x08\xff", |_| false).is_none());
        assert!(moved(b"", |_| false).is_none());
    }
}
