//! Scrubs a stream chunk by chunk.
//!
//! Each chunk is looked at together with what was held back of those before. A byte leaves when no
//! run can begin at or before it any more; then it is known whether it lies within a run. So the
//! output is the same however the stream is cut.

use std::mem;
use std::sync::Arc;

use memchr::memchr3;
use zeroize::Zeroize as _;

use crate::Scrubber;
use crate::forms;
use crate::patterns::{MAX_WIDTH, Mark, Patterns};
use crate::unescape::{Unescape, begins_escape, common};

/// A run that contains a byte has at most so many others on each side of it.
const REACH: usize = MAX_WIDTH - 1;
/// How much that is public by itself waits for what may follow it.
const MAX_WEAK: usize = 1024;

/// One stream that is being scrubbed. What it holds back is wiped when it is dropped.
pub struct Stream {
    scrubber: Arc<Scrubber>,
    pass: Pass,
    held: Vec<u8>,
}

impl Stream {
    pub(crate) fn new(scrubber: Arc<Scrubber>) -> Self {
        Self { scrubber, pass: Pass::default(), held: Vec::new() }
    }

    /// Takes the next bytes of the stream and appends to `out` what may be shown by now.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if self.held.is_empty() {
            let gone = self.pass.take(&self.scrubber, chunk, false, out);
            self.held.extend_from_slice(&chunk[gone..]);
        } else {
            self.held.extend_from_slice(chunk);
            let gone = self.pass.take(&self.scrubber, &self.held, false, out);
            self.held.drain(..gone);
        }
    }

    /// Ends the stream: what was held back turned out to be no run, or is replaced.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let mut held = mem::take(&mut self.held);
        self.pass.take(&self.scrubber, &held, true, out);
        held.zeroize();
        self.pass = Pass::default();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

/// Scrubs bytes that are all there. Says whether anything was replaced.
pub(crate) fn whole(scrubber: &Scrubber, bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let mut pass = Pass::default();
    pass.take(scrubber, bytes, true, out);
    pass.replaced
}

/// Part of the stream that belongs together: one credential, or what may become one.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    mark: Mark,
    /// Its replacement was emitted.
    told: bool,
}

/// The state between two chunks, and the buffers of one look.
#[derive(Default)]
struct Pass {
    /// How far into what is held back the last replaced span reaches.
    covered: Option<Span>,
    replaced: bool,
    spans: Vec<Span>,
    lane: Unescape,
    /// The last escape that stands for a character of no run.
    skipped: (usize, usize),
}

impl Pass {
    /// Looks at `bytes`, appends what may leave to `out`, and says how many bytes are done with.
    fn take(&mut self, scrubber: &Scrubber, bytes: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
        self.spans.clear();
        self.spans.extend(self.covered.take());
        let spans = &mut self.spans;
        scrubber.patterns.scan(bytes, |start, end, mark| note(spans, start, end, mark));
        let mut until = self.unescaped(scrubber, bytes);
        if last {
            until = bytes.len();
        } else {
            until = until.min(bytes.len() - scrubber.patterns.beginning_at_end_of(bytes));
            until = self.lane.uncut(until);
            if (self.skipped.0..self.skipped.1).contains(&until) {
                until = self.skipped.0;
            }
        }
        if self.spans.is_empty() {
            out.extend_from_slice(&bytes[..until]);
            return until;
        }
        self.join();
        if !last {
            until = self.before_weak(until);
        }
        self.emit(scrubber, bytes, until, out);
        until
    }

    /// Looks at the surroundings of escapes with the escapes undone. Says from where on the bytes
    /// must wait because a run may begin there.
    fn unescaped(&mut self, scrubber: &Scrubber, bytes: &[u8]) -> usize {
        let patterns = &scrubber.patterns;
        // A run that an escape is part of begins at most so far before it, but not before this.
        let mut first = 0;
        let mut from = 0;
        let mut wait = bytes.len();
        self.lane.clear();
        self.skipped = (0, 0);
        while let Some(escape) = next_escape(bytes, from) {
            if let Some((byte, length)) = common(&bytes[escape..])
                && !patterns.uses(byte)
            {
                (from, first) = (escape + length, escape + length);
                self.skipped = (escape, from);
                continue;
            }
            self.lane.clear();
            let before = &bytes[first.max(escape.saturating_sub(REACH))..escape];
            let useless = before.iter().rposition(|byte| !patterns.uses(*byte));
            let start = escape - before.len() + useless.map_or(0, |at| at + 1);
            (from, first) = surroundings(patterns, &mut self.lane, bytes, start, escape);
            let (lane, spans) = (&self.lane, &mut self.spans);
            patterns.scan(lane.decoded(), |start, end, mark| {
                let (start, end) = lane.source_range(start, end);
                note(spans, start, end, mark);
            });
            if from == bytes.len() {
                let settled = lane.settled();
                wait = lane.source(settled.len() - patterns.beginning_at_end_of(settled));
            }
        }
        wait
    }

    /// Makes one span of all that overlap and belong to one credential.
    fn join(&mut self) {
        self.spans.sort_by_key(|span| (span.start, !span.told));
        let mut joined: Vec<Span> = Vec::with_capacity(self.spans.len());
        for span in self.spans.drain(..) {
            match joined.last_mut() {
                Some(before)
                    if span.start < before.end
                        && (span.mark.weak
                            || before.mark.weak
                            || span.mark.owner == before.mark.owner) =>
                {
                    before.end = before.end.max(span.end);
                    if before.mark.weak {
                        before.mark = span.mark;
                    }
                }
                _ => joined.push(span),
            }
        }
        self.spans = joined;
    }

    /// `until`, or the beginning of what is public by itself and may yet turn out to be part of more.
    fn before_weak(&self, mut until: usize) -> usize {
        for span in self.spans.iter().rev().filter(|span| span.mark.weak) {
            if span.start < until && until < span.end && span.end - span.start <= MAX_WEAK {
                until = span.start;
            }
        }
        until
    }

    fn emit(&mut self, scrubber: &Scrubber, bytes: &[u8], until: usize, out: &mut Vec<u8>) {
        let mut at = 0;
        for span in self.spans.iter().filter(|span| !span.mark.weak) {
            if span.end <= at || (span.start >= until && !span.told) {
                continue;
            }
            if at < span.start {
                out.extend_from_slice(&bytes[at..span.start]);
            }
            if !span.told {
                self.replaced = true;
                if let Some(fake) = scrubber.fakes.get(usize::from(span.mark.owner)) {
                    forms::written(span.mark.kind, fake, out);
                }
            }
            at = span.end;
            self.covered = (span.end > until).then(|| Span {
                start: 0,
                end: span.end - until,
                told: true,
                ..*span
            });
        }
        if at < until {
            out.extend_from_slice(&bytes[at..until]);
        }
    }
}

/// Undoes the escapes from `start`, past the one at `escape` and all that are close behind it, until
/// no run can contain both an escape and what follows. Says where that is, and where the bytes begin
/// that a later run may contain.
fn surroundings(
    patterns: &Patterns,
    lane: &mut Unescape,
    bytes: &[u8],
    start: usize,
    escape: usize,
) -> (usize, usize) {
    let (mut at, mut plain) = (start, 0);
    while at < bytes.len() && (plain < REACH || at <= escape || lane.is_open()) {
        let reach = if at < escape { escape - at } else { REACH - plain.min(REACH - 1) };
        let near = bytes[at..].iter().take(reach);
        let plain_until = near.take_while(|byte| patterns.uses(**byte) && !begins_escape(**byte));
        let reach = reach.min(plain_until.count() + 1);
        let (taken, of_escape) = lane.take(bytes, at, reach);
        plain = if of_escape { 0 } else { plain + taken };
        at += taken;
        let last = lane.decoded().last();
        if at > escape && !lane.is_open() && last.is_some_and(|byte| !patterns.uses(*byte)) {
            return (at, at);
        }
    }
    (at, at.saturating_sub(REACH))
}

fn next_escape(bytes: &[u8], from: usize) -> Option<usize> {
    Some(from + memchr3(b'%', b'\\', b'&', bytes.get(from..)?)?)
}

/// Adds a run to the spans; the next run of the same credential mostly makes the last one longer.
fn note(spans: &mut Vec<Span>, start: usize, end: usize, mark: Mark) {
    match spans.last_mut() {
        Some(last)
            if last.mark == mark && !last.told && (last.start..last.end).contains(&start) =>
        {
            last.end = last.end.max(end);
        }
        _ => spans.push(Span { start, end, mark, told: false }),
    }
}
