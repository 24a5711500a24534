//! What a reader found when it checked an entry of the log.

/// How far an entry is to be believed.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The server's word.
    Seen = 0,
    /// Repeated from a link or a commit, which is there and signed.
    Derived = 1,
    /// Signed by the key of its actor, whose count goes on without a gap.
    Signed = 2,
    /// Signed, but entries of the same actor and device before it are missing.
    Gap = 3,
    /// Claims a signature that does not hold, comes again, or repeats a link that is not there.
    Doubtful = 4,
}

/// The levels of truth that a person chooses between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Signed by the client that acted.
    Signed,
    /// Seen by the server.
    Seen,
    /// Derived from links and commits.
    Derived,
    /// Not to be believed.
    Doubtful,
}

impl Verdict {
    /// All of them, by their byte.
    pub const ALL: [Self; 5] = [Self::Seen, Self::Derived, Self::Signed, Self::Gap, Self::Doubtful];

    /// The verdict with this byte, as kept by this device.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }

    /// Its byte.
    pub fn byte(self) -> u8 {
        self as u8
    }

    /// Under which level it is shown.
    pub fn level(self) -> Level {
        match self {
            Self::Seen => Level::Seen,
            Self::Derived => Level::Derived,
            Self::Signed | Self::Gap => Level::Signed,
            Self::Doubtful => Level::Doubtful,
        }
    }
}

impl Level {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Signed, Self::Seen, Self::Derived, Self::Doubtful];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_kept_as_its_byte() {
        for (byte, verdict) in (0..).zip(Verdict::ALL) {
            assert_eq!(verdict.byte(), byte);
            assert_eq!(Verdict::from_byte(byte), Some(verdict));
        }
        assert_eq!(Verdict::from_byte(5), None);
    }
}
