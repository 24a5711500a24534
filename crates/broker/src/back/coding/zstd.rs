//! Zstandard (RFC 8878), block by block, so that no more than one block is decoded at once.

use std::io::{self, Read as _, Write};

use ruzstd::decoding::FrameDecoder;

use super::Plain;

/// The largest window, in bytes, that RFC 9659 lets a body in this coding ask for.
const MAX_WINDOW: u64 = 8 << 20;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The longest header of a frame: magic, descriptor, window, dictionary, size.
const MAX_HEADER: usize = 4 + 1 + 1 + 4 + 8;
const BLOCK_HEADER: usize = 3;
/// The largest block, in bytes.
const MAX_BLOCK: usize = 128 << 10;

/// What comes next.
enum Next {
    FrameHeader,
    Block,
    Checksum,
}

pub(super) struct ZstdDecoder {
    decoder: FrameDecoder,
    plain: Plain,
    begun: Vec<u8>,
    next: Next,
    has_checksum: bool,
}

impl ZstdDecoder {
    pub(super) fn new(plain: Plain) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self { decoder, plain, begun: Vec::new(), next: Next::FrameHeader, has_checksum: false }
    }

    pub(super) fn plain(&mut self) -> &mut Plain {
        &mut self.plain
    }

    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self.next {
            Next::FrameHeader if self.begun.is_empty() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Decodes one part, if all of it is there, and says how long it was.
    fn part(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        match self.next {
            Next::FrameHeader => {
                let Some(length) = frame_header(bytes)? else { return Ok(None) };
                let Some(header) = bytes.get(..length) else { return Ok(None) };
                self.has_checksum = header[4] & 4 != 0;
                self.decoder.reset(header).map_err(io::Error::other)?;
                self.next = Next::Block;
                Ok(Some(length))
            }
            Next::Block => {
                let Some((length, is_last)) = block(bytes)? else { return Ok(None) };
                let Some(block) = bytes.get(..length) else { return Ok(None) };
                self.decode(block)?;
                self.next = match (is_last, self.has_checksum) {
                    (false, _) => Next::Block,
                    (true, true) => Next::Checksum,
                    (true, false) => Next::FrameHeader,
                };
                Ok(Some(length))
            }
            Next::Checksum if bytes.len() < 4 => Ok(None),
            Next::Checksum => {
                self.next = Next::FrameHeader;
                Ok(Some(4))
            }
        }
    }

    fn decode(&mut self, block: &[u8]) -> io::Result<()> {
        let mut out = [0; 16 << 10];
        let (_, mut length) =
            self.decoder.decode_from_to(block, &mut out).map_err(io::Error::other)?;
        while length > 0 {
            self.plain.write_all(&out[..length])?;
            length = self.decoder.read(&mut out)?;
        }
        Ok(())
    }
}

impl Write for ZstdDecoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut begun = std::mem::take(&mut self.begun);
        begun.extend_from_slice(bytes);
        let mut at = 0;
        while at < begun.len() {
            let Some(length) = self.part(&begun[at..])? else { break };
            at += length;
        }
        begun.drain(..at);
        self.begun = begun;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The length of the header of a frame (RFC 8878 section 3.1.1.1), when enough of it is there.
fn frame_header(bytes: &[u8]) -> io::Result<Option<usize>> {
    let seen = bytes.len().min(MAGIC.len());
    if bytes[..seen] != MAGIC[..seen] {
        return Err(io::Error::other("it is not in the coding that it names"));
    }
    let Some(descriptor) = bytes.get(4) else { return Ok(None) };
    let single_segment = descriptor & 0x20 != 0;
    let window = usize::from(!single_segment);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size = match (descriptor >> 6, single_segment) {
        (0, false) => 0,
        (0, true) => 1,
        (1, _) => 2,
        (2, _) => 4,
        _ => 8,
    };
    let length = 5 + window + dictionary + size;
    debug_assert!(length <= MAX_HEADER, "{length}");
    Ok(Some(length))
}

/// The length of a block with its header (section 3.1.1.2), and whether it is the last.
fn block(bytes: &[u8]) -> io::Result<Option<(usize, bool)>> {
    let Some([first, second, third]) = bytes.first_chunk::<BLOCK_HEADER>() else { return Ok(None) };
    let header = u32::from_le_bytes([*first, *second, *third, 0]);
    let size = usize::try_from(header >> 3).unwrap_or(usize::MAX);
    let repeats_one_byte = header >> 1 & 3 == 1;
    if size > MAX_BLOCK {
        return Err(io::Error::other("it has a block that is too large"));
    }
    let content = if repeats_one_byte { 1 } else { size };
    Ok(Some((BLOCK_HEADER + content, header & 1 == 1)))
}
