//! The registers of a peripheral: all that these examples need `unsafe` for.

/// `SIZE` bytes of registers from an address on.
pub struct Peripheral<const SIZE: usize>(usize);

impl<const SIZE: usize> Peripheral<SIZE> {
    /// The peripheral at an address.
    ///
    /// # Safety
    /// The chip has registers there, `SIZE` bytes of them, and reading or writing any of them does
    /// no harm to memory.
    pub const unsafe fn at(address: usize) -> Self {
        Peripheral(address)
    }

    /// Reads 32 bits.
    #[inline(always)]
    pub fn read(&self, offset: usize) -> u32 {
        // SAFETY: within the peripheral, by `address`; the rest is the promise of `at`.
        unsafe { (self.address::<u32>(offset)).read_volatile() }
    }

    /// Writes 32 bits.
    #[inline(always)]
    pub fn write(&self, offset: usize, value: u32) {
        // SAFETY: as for `read`.
        unsafe { (self.address::<u32>(offset)).write_volatile(value) }
    }

    /// Reads 8 bits.
    #[inline(always)]
    pub fn read_byte(&self, offset: usize) -> u8 {
        // SAFETY: as for `read`.
        unsafe { (self.address::<u8>(offset)).read_volatile() }
    }

    /// Writes 8 bits.
    #[inline(always)]
    pub fn write_byte(&self, offset: usize, value: u8) {
        // SAFETY: as for `read`.
        unsafe { (self.address::<u8>(offset)).write_volatile(value) }
    }

    #[inline(always)]
    fn address<T>(&self, offset: usize) -> *mut T {
        assert!(offset + size_of::<T>() <= SIZE && offset.is_multiple_of(size_of::<T>()));
        (self.0 + offset) as *mut T
    }
}
