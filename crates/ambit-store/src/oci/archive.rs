//! Archives: the `ustar` format of POSIX, as far as images need it. Files are read from and written to an archive; none is unpacked.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

const BLOCK: usize = 512;
/// As many files may be in one.
const MOST_FILES: usize = 10_000;
/// The longest name that is looked for: of a blob.
const LONGEST_NAME: usize = 100;

/// Where the files of an archive are in it.
#[derive(Debug)]
pub(crate) struct Archive {
    file: File,
    entries: BTreeMap<String, (u64, u64)>,
}

impl Archive {
    /// Reads what is in one, or says why it is none.
    pub(crate) fn open(mut file: File) -> io::Result<Self> {
        let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
        let whole = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        let (mut entries, mut at) = (BTreeMap::new(), 0);
        let mut seen = 0;
        while at + BLOCK as u64 <= whole {
            let mut head = [0; BLOCK];
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut head)?;
            if head == [0; BLOCK] {
                break;
            }
            seen += 1;
            if seen > MOST_FILES {
                return Err(bad("it has too many files"));
            }
            if checksum(&head) != octal(&head[148..156]).ok_or_else(|| bad("it is no archive"))? {
                return Err(bad("it is no archive, or damaged; one that is compressed is to be decompressed first"));
            }
            let size = octal(&head[124..136]).ok_or_else(|| bad("the size of a file in it cannot be read"))?;
            let data = at + BLOCK as u64;
            let end = data.checked_add(size).filter(|end| *end <= whole).ok_or_else(|| bad("it is cut short"))?;
            // A plain file with a plain name. Anything else is passed over: an image is made of these alone.
            if matches!(head[156], b'0' | 0)
                && let Some(name) = text(&head[..LONGEST_NAME])
            {
                entries.insert(name.trim_start_matches("./").to_owned(), (data, size));
            }
            at = end.next_multiple_of(BLOCK as u64);
        }
        Ok(Self { file, entries })
    }

    /// The bytes of a file, if there is one of that name; at most so many, and one more if there are more.
    pub(crate) fn read(&mut self, name: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(&(at, size)) = self.entries.get(name) else { return Ok(None) };
        self.file.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        (&self.file).take(size.min(most.saturating_add(1))).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}

/// Writes files into an archive. Nothing of it depends on the time or on who writes it.
pub(crate) fn write<'a>(to: &mut impl Write, files: impl IntoIterator<Item = (String, &'a [u8])>) -> io::Result<()> {
    for (name, bytes) in files {
        to.write_all(&head(&name, bytes.len() as u64))?;
        to.write_all(bytes)?;
        to.write_all(&[0; BLOCK][..bytes.len().next_multiple_of(BLOCK) - bytes.len()])?;
    }
    to.write_all(&[0; 2 * BLOCK])?;
    to.flush()
}

fn head(name: &str, size: u64) -> [u8; BLOCK] {
    let mut head = [0; BLOCK];
    let mut put = |at: usize, text: &str| head[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum = format!("{:06o}\0 ", checksum(&head));
    head[148..156].copy_from_slice(sum.as_bytes());
    head
}

/// The sum of all bytes, those of the sum itself taken as blanks.
fn checksum(head: &[u8; BLOCK]) -> u64 {
    head.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { u64::from(b' ') } else { u64::from(*byte) }).sum()
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_matches(|c| c == '\0' || c == ' ');
    u64::from_str_radix(if digits.is_empty() { "0" } else { digits }, 8).ok()
}

fn text(field: &[u8]) -> Option<&str> {
    let length = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    std::str::from_utf8(&field[..length]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        file
    }

    #[test]
    fn what_was_written_is_read() {
        let (mut bytes, large) = (Vec::new(), vec![7; 1500]);
        let files = [("a".to_owned(), b"one".as_slice()), ("blobs/sha256/b".to_owned(), &large), ("empty".to_owned(), b"")];
        write(&mut bytes, files).expect("written");
        let mut archive = Archive::open(file(&bytes)).expect("an archive");
        assert_eq!(archive.read("a", 100).expect("read"), Some(b"one".to_vec()));
        assert_eq!(archive.read("blobs/sha256/b", 1500).expect("read"), Some(large));
        assert_eq!(
            archive.read("blobs/sha256/b", 10).expect("read").map(|bytes| bytes.len()),
            Some(11),
            "one more shows that there is more"
        );
        assert_eq!(archive.read("empty", 10).expect("read"), Some(Vec::new()));
        assert_eq!(archive.read("other", 10).expect("read"), None);
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let mut bytes = Vec::new();
        write(&mut bytes, [("a".to_owned(), b"one".as_slice())]).expect("written");
        let refused = |bytes: &[u8]| assert!(Archive::open(file(bytes)).is_err());
        let mut cut = bytes.clone();
        cut[124..136].copy_from_slice(b"77777777777\0");
        refused(&cut);
        // With a right checksum as well.
        let mut long = head("a", 1 << 32).to_vec();
        long.extend([0; BLOCK]);
        refused(&long);
        refused(&[b'x'; 4096]);
        assert!(Archive::open(file(b"")).expect("nothing").entries.is_empty());
    }
}
