//! A guest's linear memory, as the host sees it.

use super::Errno;

/// A guest's linear memory. Every access takes the guest's 32-bit address and is checked in 64 bits; an address outside
/// is [`Errno::Fault`].
#[derive(Debug)]
pub struct GuestMemory<'a>(&'a mut [u8]);

impl<'a> GuestMemory<'a> {
    /// The memory with these bytes.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self(bytes)
    }

    /// `len` bytes at `ptr`.
    ///
    /// # Errors
    /// [`Errno::Fault`] if they do not all lie inside.
    pub fn slice(&self, ptr: u32, len: u32) -> Result<&[u8], Errno> {
        let range = Self::range(ptr, len)?;
        self.0.get(range).ok_or(Errno::Fault)
    }

    /// `len` bytes at `ptr`, to write to.
    ///
    /// # Errors
    /// [`Errno::Fault`] if they do not all lie inside.
    pub fn slice_mut(&mut self, ptr: u32, len: u32) -> Result<&mut [u8], Errno> {
        let range = Self::range(ptr, len)?;
        self.0.get_mut(range).ok_or(Errno::Fault)
    }

    fn range(ptr: u32, len: u32) -> Result<std::ops::Range<usize>, Errno> {
        let end = u64::from(ptr) + u64::from(len);
        let fits = |n: u64| usize::try_from(n).map_err(|_| Errno::Fault);
        Ok(fits(ptr.into())?..fits(end)?)
    }

    fn read<const N: usize>(&self, ptr: u32) -> Result<[u8; N], Errno> {
        let bytes = self.slice(ptr, u32::try_from(N).map_err(|_| Errno::Fault)?)?;
        bytes.try_into().map_err(|_| Errno::Fault)
    }

    /// A byte.
    pub(crate) fn read_u8(&self, ptr: u32) -> Result<u8, Errno> {
        self.read::<1>(ptr).map(|[byte]| byte)
    }

    /// A little-endian 16-bit number.
    pub(crate) fn read_u16(&self, ptr: u32) -> Result<u16, Errno> {
        self.read(ptr).map(u16::from_le_bytes)
    }

    /// A little-endian 32-bit number.
    pub(crate) fn read_u32(&self, ptr: u32) -> Result<u32, Errno> {
        self.read(ptr).map(u32::from_le_bytes)
    }

    /// A little-endian 64-bit number.
    pub(crate) fn read_u64(&self, ptr: u32) -> Result<u64, Errno> {
        self.read(ptr).map(u64::from_le_bytes)
    }

    /// Copies `bytes` to `ptr`.
    pub(crate) fn write(&mut self, ptr: u32, bytes: &[u8]) -> Result<(), Errno> {
        let len = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.slice_mut(ptr, len)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes a little-endian 32-bit number.
    pub(crate) fn write_u32(&mut self, ptr: u32, value: u32) -> Result<(), Errno> {
        self.write(ptr, &value.to_le_bytes())
    }

    /// Writes a little-endian 64-bit number.
    pub(crate) fn write_u64(&mut self, ptr: u32, value: u64) -> Result<(), Errno> {
        self.write(ptr, &value.to_le_bytes())
    }

    /// Writes a length or count; more than 32 bits is [`Errno::Overflow`].
    pub(crate) fn write_size(&mut self, ptr: u32, value: usize) -> Result<(), Errno> {
        self.write_u32(ptr, u32::try_from(value).map_err(|_| Errno::Overflow)?)
    }
}

/// `base + offset` for a field of a structure of the guest's.
pub(crate) fn field(base: u32, offset: u32) -> Result<u32, Errno> {
    base.checked_add(offset).ok_or(Errno::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_in_64_bits() {
        let mut bytes = [7; 64];
        let mut memory = GuestMemory::new(&mut bytes);
        assert_eq!(memory.slice(0, 64).map(<[u8]>::len), Ok(64));
        assert_eq!(memory.slice(64, 0).map(<[u8]>::len), Ok(0));
        for (ptr, len) in [(0, 65), (64, 1), (65, 0), (u32::MAX, 1), (u32::MAX, u32::MAX), (1, u32::MAX)] {
            assert_eq!(memory.slice(ptr, len), Err(Errno::Fault), "{ptr}+{len}");
            assert!(memory.slice_mut(ptr, len).is_err());
        }
        assert_eq!(memory.read_u64(57), Err(Errno::Fault));
        assert_eq!(memory.write_u32(61, 1), Err(Errno::Fault));
    }
}
