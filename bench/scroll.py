"""Scrolls something in the real window, and in turn with it a plain page of the same size."""

import math
import statistics
import sys

from driver import worked_ms

FRAMES = 80
LATE_MS = 25

# A plain page over the subject, in a box and of an extent that are the same: rows of text as wide as it is. It was laid
# out before it moves, and no script answers its scrolling.
PLAIN = """
const [grid, rows, sample] = [document.querySelector(arguments[0]), arguments[1], arguments[2]];
const tall = arguments[3] ?? grid.scrollHeight / rows;
const at = grid.getBoundingClientRect();
const page = document.createElement('div');
page.id = 'plain';
Object.assign(page.style, { position: 'fixed', left: `${at.left}px`, top: `${at.top}px`, width: `${at.width}px`,
  height: `${at.height}px`, overflow: 'auto', zIndex: 1000, contain: 'strict', visibility: 'hidden',
  background: 'var(--bg)' });
const text = sample.repeat(Math.ceil(grid.scrollWidth / 230));
for (let row = 0; row < rows; row += 1) {
  const line = document.createElement('div');
  Object.assign(line.style, { height: `${tall}px`, width: `${grid.scrollWidth}px`,
    whiteSpace: 'pre', overflow: 'hidden' });
  line.textContent = text;
  page.append(line);
}
document.body.append(page);
return [page.scrollWidth, page.scrollHeight, grid.scrollWidth, grid.scrollHeight, at.width, at.height];
"""

# Moves one of the two from its first corner, a step in every frame, and answers with the times between frames.
SCROLL = """
const [css, frames, down, across] = arguments;
const box = document.querySelector(css);
const plain = document.querySelector('#plain');
plain.style.visibility = css === '#plain' ? 'visible' : 'hidden';
box.scrollTo(0, 0);
return new Promise((done) => setTimeout(() => {
  const gaps = [];
  let last = 0;
  requestAnimationFrame(function step(now) {
    if (last > 0) gaps.push(now - last);
    last = now;
    if (gaps.length === frames) return done([gaps, box.scrollTop, box.scrollLeft]);
    box.scrollBy(across, down);
    requestAnimationFrame(step);
  });
}, 700));
"""


def percentile(times, share):
    """The nearest rank."""
    return sorted(times)[max(0, math.ceil(len(times) * share) - 1)]


def late(gaps):
    return sum(gap > LATE_MS for gap in gaps)


class Race:
    """Something named `title` at `css`, against the plain page. `ways` are pixels of one frame, down and sideways."""

    def __init__(self, driver, title, css, ways, web):
        self.driver, self.title, self.css, self.ways, self.web = driver, title, css, ways, web
        self.rounds = {css: [], "#plain": []}

    def lay_out(self, rows, sample, tall=None):
        """Makes the plain page: as high as the subject, or of rows that are so `tall`, where no page is laid out that is
        as high. Gives both sizes and the box they are seen through."""
        return self.driver.script(PLAIN, self.css, rows, sample, tall)

    def run(self, rounds):
        for _ in range(rounds):
            for css, taken in self.rounds.items():
                taken.append(self.scroll(css))

    def scroll(self, css):
        """One round: for each way its gaps, and the processor time of the web processes for each frame."""
        found = {}
        for way, (down, across) in self.ways.items():
            # The rest before it begins is no frame: what was painted ahead meanwhile belongs to neither.
            self.driver.script(SCROLL, css, 2, 0, 0)
            before = worked_ms(self.web)
            answer = self.driver.script(SCROLL, css, FRAMES, down, across)
            if answer is None:
                sys.exit(f"the scrolling of {css} did not end")
            gaps, top, left = answer
            if (down and top < down * FRAMES * 0.9) or (across and left < across * FRAMES * 0.9):
                sys.exit(f"{css} did not scroll {way}: it stands at {left}, {top}")
            found[way] = (gaps, (worked_ms(self.web) - before) / FRAMES)
        return found

    def report(self):
        rounds = len(self.rounds[self.css])
        print(f"| scrolled by {FRAMES} frames, {rounds} rounds in turn | frames later than {LATE_MS} ms | median, p99, longest gap | processors per frame |")
        print("| --- | --- | --- | --- |")
        sums = {}
        for title, css in ((self.title, self.css), ("plain page", "#plain")):
            for way in [*self.ways, *(["all"] if len(self.ways) > 1 else [])]:
                ways = self.ways if way == "all" else [way]
                gaps = [gap for one in self.rounds[css] for name in ways for gap in one[name][0]]
                cpu = statistics.median(one[name][1] for one in self.rounds[css] for name in ways)
                best = min(sum(late(one[name][0]) for name in ways) for one in self.rounds[css])
                sums[css] = late(gaps), cpu
                print(f"| {title}, {way} | {late(gaps)} of {len(gaps)}, best round {best} of {FRAMES * len(ways)} |"
                      f" {statistics.median(gaps):.1f}, {percentile(gaps, .99):.1f}, {max(gaps):.1f} ms | {cpu:.1f} ms |")
        (ours, our_cpu), (plain, plain_cpu) = sums[self.css], sums["#plain"]
        share = f"{ours / plain:.2f} x" if plain else "no ratio: the plain page dropped none"
        print(f"| {self.title} to plain page | {share} | | {our_cpu / plain_cpu:.2f} x |")
