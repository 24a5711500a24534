//! Frames: `u32 length || JSON || u32 length || secret bytes`, lengths big-endian.

use std::io;

use serde::{Serialize, de::DeserializeOwned};
use strongroom_secret::SecretBytes;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::Zeroizing;

/// The longest message, in bytes: a configuration of a thousand agents fits.
pub const MAX_MESSAGE: usize = 8 << 20;
/// The most secret bytes beside a message: the longest value of a secret and a little.
pub const MAX_TAIL: usize = (64 << 10) + 64;

/// Why a frame could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The other side is gone, or the socket fails.
    #[error("the connection to the broker is broken: {0}")]
    Io(#[from] io::Error),
    /// A length that nothing has.
    #[error("a message of this size is not one of Strongroom's")]
    TooLong,
    /// Not a message that this version knows.
    #[error("the other side speaks another version of Strongroom; restart both")]
    Unknown,
}

/// Writes one message, with the secret bytes that belong to it.
pub async fn write<M: Serialize>(
    to: &mut (impl AsyncWrite + Unpin),
    message: &M,
    tail: Option<&SecretBytes>,
) -> Result<(), FrameError> {
    let json = serde_json::to_vec(message).map_err(|_| FrameError::Unknown)?;
    let tail_len = tail.map_or(0, SecretBytes::len);
    if json.len() > MAX_MESSAGE || tail_len > MAX_TAIL {
        return Err(FrameError::TooLong);
    }
    // One write, so that two tasks which share a socket behind a lock never interleave.
    let mut frame = Zeroizing::new(Vec::with_capacity(json.len() + tail_len + 8));
    frame.extend_from_slice(&length(json.len())?);
    frame.extend_from_slice(&json);
    frame.extend_from_slice(&length(tail_len)?);
    if let Some(tail) = tail {
        tail.lend(|bytes| frame.extend_from_slice(bytes));
    }
    to.write_all(&frame).await?;
    to.flush().await?;
    Ok(())
}

/// Reads one message and its secret bytes; `None` where the other side closed between two messages.
pub async fn read<M: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> Result<Option<(M, SecretBytes)>, FrameError> {
    let mut len = [0; 4];
    match from.read_exact(&mut len).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let json = part(from, len, MAX_MESSAGE).await?;
    from.read_exact(&mut len).await?;
    let mut tail = part(from, len, MAX_TAIL).await?;
    let tail = SecretBytes::from_vec(std::mem::take(&mut *tail));
    let message = serde_json::from_slice(&json).map_err(|_| FrameError::Unknown)?;
    Ok(Some((message, tail)))
}

async fn part(
    from: &mut (impl AsyncRead + Unpin),
    len: [u8; 4],
    max: usize,
) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let len = usize::try_from(u32::from_be_bytes(len)).map_err(|_| FrameError::TooLong)?;
    if len > max {
        return Err(FrameError::TooLong);
    }
    let mut bytes = Zeroizing::new(vec![0; len]);
    from.read_exact(&mut bytes).await?;
    Ok(bytes)
}

fn length(len: usize) -> Result<[u8; 4], FrameError> {
    u32::try_from(len).map(u32::to_be_bytes).map_err(|_| FrameError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_comes_back_with_its_secret_bytes() {
        let (mut here, mut there) = tokio::io::duplex(64);
        let tail = SecretBytes::copy_of(b"hunter2");
        let sent = tokio::spawn(async move { write(&mut here, &"hello", Some(&tail)).await });
        let (message, tail) = read::<String>(&mut there).await.unwrap().unwrap();
        assert_eq!(message, "hello");
        assert!(tail.lend(|bytes| bytes == b"hunter2"));
        sent.await.unwrap().unwrap();
        assert!(read::<String>(&mut there).await.unwrap().is_none(), "closed between messages");
    }

    #[tokio::test]
    async fn a_length_that_nothing_has_is_refused_before_memory_is_taken() {
        let (mut here, mut there) = tokio::io::duplex(64);
        here.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
        assert!(matches!(read::<String>(&mut there).await, Err(FrameError::TooLong)));
    }

    #[tokio::test]
    async fn a_message_that_breaks_off_is_an_error() {
        let (mut here, mut there) = tokio::io::duplex(64);
        here.write_all(&[0, 0, 0, 9, b'"']).await.unwrap();
        drop(here);
        assert!(matches!(read::<String>(&mut there).await, Err(FrameError::Io(_))));
    }
}
