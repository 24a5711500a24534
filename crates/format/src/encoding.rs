//! The canonical byte encoding of every protocol object (docs/protocol.md, section 1).
//!
//! Integers are big-endian, byte strings are length-prefixed, and there is exactly one encoding of
//! a value: a [`Reader`] that has not been consumed to its last byte is an error.

use thiserror::Error;
use unicode_normalization::is_nfc;

/// Why bytes from outside are not an object of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Fewer bytes than the object needs.
    #[error("the object ends too early")]
    Truncated,
    /// Bytes are left after the object.
    #[error("the object has trailing bytes")]
    Trailing,
    /// A version byte this program does not know.
    #[error("unknown version")]
    UnknownVersion,
    /// A type, kind, role or field number this program does not know.
    #[error("unknown tag")]
    UnknownTag,
    /// A length or count above its cap.
    #[error("over the size limit")]
    TooLong,
    /// A second spelling of a value that has a canonical one.
    #[error("not in canonical form")]
    NotCanonical,
}

/// Builds the canonical encoding of one object.
#[derive(Debug, Default, Clone)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An empty object.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty object with room for `length` bytes, where the caller knows how many will come.
    pub fn with_room(length: usize) -> Self {
        Self(Vec::with_capacity(length))
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Bytes of a length that both sides know.
    pub fn fixed(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// `lp(x)`: a u32 length, then the bytes.
    ///
    /// Nothing the program builds comes near 4 GiB; a longer input would be cut by its caller's
    /// cap long before, so the length saturates instead of failing.
    pub fn lp(&mut self, bytes: &[u8]) -> &mut Self {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).fixed(bytes)
    }

    /// A u32 count, before that many elements.
    pub fn count(&mut self, n: usize) -> &mut Self {
        self.u32(u32::try_from(n).unwrap_or(u32::MAX))
    }

    /// The finished bytes.
    pub fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

/// Reads one canonical object from untrusted bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Exactly `n` bytes.
    pub fn fixed(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        if self.0.len() < n {
            return Err(DecodeError::Truncated);
        }
        let (head, tail) = self.0.split_at(n);
        self.0 = tail;
        Ok(head)
    }

    /// Exactly `N` bytes, as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[b]| b)
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// `lp(x)` of at most `cap` bytes.
    pub fn lp(&mut self, cap: usize) -> Result<&'a [u8], DecodeError> {
        let n = self.count(cap)?;
        self.fixed(n)
    }

    /// A count of at most `cap` elements.
    pub fn count(&mut self, cap: usize) -> Result<usize, DecodeError> {
        let n = usize::try_from(self.u32()?).map_err(|_| DecodeError::TooLong)?;
        if n > cap { Err(DecodeError::TooLong) } else { Ok(n) }
    }

    /// `lp(text)`: UTF-8 in NFC, at most `cap` bytes.
    pub fn text(&mut self, cap: usize) -> Result<&'a str, DecodeError> {
        let text = str::from_utf8(self.lp(cap)?).map_err(|_| DecodeError::NotCanonical)?;
        if is_nfc(text) { Ok(text) } else { Err(DecodeError::NotCanonical) }
    }

    /// The bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Ends the object: every byte must have been read.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }
}

/// A part of an object that knows its own canonical bytes.
pub trait Codec: Sized {
    /// Appends the canonical bytes of `self`.
    fn write(&self, w: &mut Writer);

    /// Reads one value; refuses anything that [`Codec::write`] would not have produced.
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The canonical bytes of `self` alone.
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.write(&mut w);
        w.finish()
    }

    /// The value that `bytes` are, from the first byte to the last.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let value = Self::read(&mut r)?;
        r.finish()?;
        Ok(value)
    }
}

/// Writes a count and the elements.
pub fn write_list<T: Codec>(w: &mut Writer, list: &[T]) {
    w.count(list.len());
    for element in list {
        element.write(w);
    }
}

/// Reads a count of at most `cap` and the elements, which must rise strictly by `key`: a list in
/// the protocol is a sorted set, so that it has one encoding.
pub fn read_sorted<T: Codec, K: Ord>(
    r: &mut Reader<'_>,
    cap: usize,
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>, DecodeError> {
    let n = r.count(cap)?;
    // A hostile count must not reserve memory that the bytes cannot fill.
    let mut list: Vec<T> = Vec::with_capacity(n.min(r.rest().len()));
    for _ in 0..n {
        let element = T::read(r)?;
        if list.last().is_some_and(|last| key(last) >= key(&element)) {
            return Err(DecodeError::NotCanonical);
        }
        list.push(element);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_refuses_what_is_left_over() {
        let mut r = Reader::new(&[0, 0, 0, 1, 7, 9]);
        assert_eq!(r.lp(10), Ok(&[7u8][..]));
        assert_eq!(r.finish(), Err(DecodeError::Trailing));
    }

    #[test]
    fn a_length_over_its_cap_is_refused_before_it_is_read() {
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff]).lp(100), Err(DecodeError::TooLong));
        assert_eq!(Reader::new(&[0, 0, 0, 5, 1]).lp(100), Err(DecodeError::Truncated));
    }

    #[test]
    fn text_has_one_spelling() {
        let decomposed = "e\u{301}";
        let bytes = Writer::new().lp(decomposed.as_bytes()).finish();
        assert_eq!(Reader::new(&bytes).text(10), Err(DecodeError::NotCanonical));
        assert_eq!(Reader::new(&[0, 0, 0, 1, 0xff]).text(10), Err(DecodeError::NotCanonical));
    }
}
