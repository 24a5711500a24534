//! The codings of a body (RFC 9110 section 8.4.1), undone as it comes.

mod zstd;

use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, HeaderMap};

use super::BackError;
use zstd::ZstdDecoder;

/// How many times its size a body may grow to.
const MAX_RATIO: u64 = 100;
/// What it may grow to in any case, in bytes: text that is all alike is packed closer than that.
const FREE: u64 = 4 << 20;

/// A coding that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// The coding that the headers name, if any. An error for one that is not known, and for several.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, BackError> {
        let mut found = None;
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.to_str().map_err(|_| BackError::Coding)?.split(',') {
                let coding = match name.trim().to_ascii_lowercase().as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    "br" => Self::Brotli,
                    "zstd" => Self::Zstd,
                    _ => return Err(BackError::Coding),
                };
                if found.replace(coding).is_some() {
                    return Err(BackError::Coding);
                }
            }
        }
        Ok(found)
    }
}

/// A body on its way to being plain.
pub(super) struct Decoder {
    algorithm: Algorithm,
    taken: u64,
}

enum Algorithm {
    Gzip(Box<MultiGzDecoder<Plain>>),
    /// Not decided before the first two bytes: zlib as the standard has it, or bare as some send it.
    Deflate(Vec<u8>),
    Zlib(Box<ZlibDecoder<Plain>>),
    Bare(Box<DeflateDecoder<Plain>>),
    Brotli(Box<DecompressorWriter<Plain>>),
    Zstd(Box<ZstdDecoder>),
}

impl Decoder {
    pub(super) fn new(coding: Coding) -> Self {
        let plain = Plain::default();
        let algorithm = match coding {
            Coding::Gzip => Algorithm::Gzip(Box::new(MultiGzDecoder::new(plain))),
            Coding::Deflate => Algorithm::Deflate(Vec::new()),
            Coding::Brotli => Algorithm::Brotli(Box::new(DecompressorWriter::new(plain, 16 << 10))),
            Coding::Zstd => Algorithm::Zstd(Box::new(ZstdDecoder::new(plain))),
        };
        Self { algorithm, taken: 0 }
    }

    /// Takes the next bytes, and gives what they say as far as that is known.
    pub(super) fn take(&mut self, coded: &[u8]) -> io::Result<Vec<u8>> {
        self.taken += coded.len() as u64;
        let most = FREE.max(self.taken.saturating_mul(MAX_RATIO));
        match &mut self.algorithm {
            Algorithm::Gzip(inner) => written(&mut **inner, MultiGzDecoder::get_mut, coded, most),
            Algorithm::Zlib(inner) => written(&mut **inner, ZlibDecoder::get_mut, coded, most),
            Algorithm::Bare(inner) => written(&mut **inner, DeflateDecoder::get_mut, coded, most),
            Algorithm::Brotli(inner) => {
                written(&mut **inner, DecompressorWriter::get_mut, coded, most)
            }
            Algorithm::Zstd(inner) => written(&mut **inner, ZstdDecoder::plain, coded, most),
            Algorithm::Deflate(begun) => {
                begun.extend_from_slice(coded);
                let [first, second, ..] = begun[..] else { return Ok(Vec::new()) };
                let begun = std::mem::take(begun);
                // RFC 1950 section 2.2: method 8, and a check of the two bytes.
                let zlib = first & 15 == 8 && u16::from_be_bytes([first, second]) % 31 == 0;
                self.algorithm = if zlib {
                    Algorithm::Zlib(Box::new(ZlibDecoder::new(Plain::default())))
                } else {
                    Algorithm::Bare(Box::new(DeflateDecoder::new(Plain::default())))
                };
                self.taken -= begun.len() as u64;
                self.take(&begun)
            }
        }
    }

    /// Ends the body. An error if it was cut off.
    pub(super) fn finish(&mut self) -> io::Result<Vec<u8>> {
        if self.taken == 0 {
            return Ok(Vec::new());
        }
        match &mut self.algorithm {
            Algorithm::Gzip(inner) => {
                inner.try_finish()?;
                Ok(inner.get_mut().give())
            }
            Algorithm::Zlib(inner) => {
                inner.try_finish()?;
                Ok(inner.get_mut().give())
            }
            Algorithm::Bare(inner) => {
                inner.try_finish()?;
                Ok(inner.get_mut().give())
            }
            Algorithm::Brotli(inner) => {
                inner.close()?;
                Ok(inner.get_mut().give())
            }
            Algorithm::Zstd(inner) => {
                inner.finish()?;
                Ok(inner.plain().give())
            }
            Algorithm::Deflate(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn written<W: Write>(
    decoder: &mut W,
    plain: impl Fn(&mut W) -> &mut Plain,
    coded: &[u8],
    most: u64,
) -> io::Result<Vec<u8>> {
    plain(decoder).most = most;
    decoder.write_all(coded)?;
    decoder.flush()?;
    Ok(plain(decoder).give())
}

/// Where decoded bytes go, up to a limit.
#[derive(Default)]
struct Plain {
    bytes: Vec<u8>,
    given: u64,
    most: u64,
}

impl Plain {
    fn give(&mut self) -> Vec<u8> {
        self.given += self.bytes.len() as u64;
        std::mem::take(&mut self.bytes)
    }
}

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let all = self.given + (self.bytes.len() + bytes.len()) as u64;
        if all > self.most {
            return Err(io::Error::other("it grows to more than a hundred times its size"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
