#!/usr/bin/env python3
"""Measures the matrix of access in the real window: 500 people and tokens by 500 environments. Scrolls it, and in turn
with it a plain page of the same size. Run by scripts/bench-window; the standard library and WebKitWebDriver are all it
needs."""

import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from driver import Driver, processes, until, worked_ms

PROGRAM, BENCH, CACHE = sys.argv[1:4]
ROUNDS = 3
OPENINGS = 5
FRAMES = 80
LATE_MS = 25
# Pixels of one frame, down and sideways: about five rows in four frames, two columns in five.
WAYS = {"down": (40, 0), "sideways": (0, 40), "diagonal": (40, 40)}
GRID = "[data-testid=access-grid]"
KNOWN = f"{GRID} :is(.c.none, .c.never, .c .g)"

# A plain page over the matrix, in a box and of an extent that are the same: rows of text as wide as all columns,
# under a head that stays. It was laid out before it moves, and no script answers its scrolling.
PLAIN = """
const [grid, rows] = [document.querySelector(arguments[0]), arguments[1]];
const at = grid.getBoundingClientRect();
const page = document.createElement('div');
page.id = 'plain';
Object.assign(page.style, { position: 'fixed', left: `${at.left}px`, top: `${at.top}px`, width: `${at.width}px`,
  height: `${at.height}px`, overflow: 'auto', zIndex: 1000, contain: 'strict', visibility: 'hidden',
  background: 'var(--bg)' });
const text = 'RWG never    R 3 d    RW 12 d    ·    '.repeat(Math.ceil(grid.scrollWidth / 230));
for (let row = 0; row < rows; row += 1) {
  const line = document.createElement('div');
  Object.assign(line.style, { height: `${grid.scrollHeight / rows}px`, width: `${grid.scrollWidth}px`,
    whiteSpace: 'pre', overflow: 'hidden' });
  line.textContent = text;
  page.append(line);
}
document.body.append(page);
return [page.scrollWidth, page.scrollHeight, grid.scrollWidth, grid.scrollHeight, at.width, at.height];
"""

# Moves one of the two from its first corner, a step in every frame, and answers with the times between frames.
SCROLL = """
const [css, frames, down, across, late] = arguments;
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

# From the click to the frame in which the rows are there, and to the one in which a cell says what it holds.
OPEN = """
const [known] = arguments;
return new Promise((done) => {
  const begin = performance.now();
  let rows = 0;
  document.querySelector('[data-testid=access-open]').click();
  const limit = setTimeout(() => done(null), 20000);
  requestAnimationFrame(function look() {
    if (rows === 0 && document.querySelector('[role=rowheader]')) rows = performance.now() - begin;
    if (!document.querySelector(known)) return requestAnimationFrame(look);
    clearTimeout(limit);
    done([rows, performance.now() - begin]);
  });
});
"""

# Every square of the matrix, one after the other, as the page asks for them.
TILES = """
const ask = window.__TAURI_INTERNALS__.invoke;
return ask('access_axes').then(async ({ version, rows, columns }) => {
  const times = [];
  let cells = 0;
  for (let row = 0; row * 32 < rows.length; row += 1) {
    for (let col = 0; col * 32 < columns.length; col += 1) {
      const begin = performance.now();
      const tile = await ask('access_tile', { version, row, col });
      times.push(performance.now() - begin);
      cells += tile.cells.length;
    }
  }
  return [times, rows.length, columns.length, cells];
});
"""


def vault():
    """The folder of a vault that is made once and then kept, and its passphrase."""
    kept = os.path.join(CACHE, "vault")
    if not os.path.exists(kept):
        os.makedirs(CACHE, exist_ok=True)
        print("making 500 people and tokens with 500 environments, kept for the next run", file=sys.stderr)
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(dir=CACHE) as new:
            made = os.path.join(new, "vault")
            os.mkdir(made, 0o700)
            answer = subprocess.run([BENCH, "--make-team", made], check=True, capture_output=True, text=True)
            with open(os.path.join(made, "passphrase"), "w") as file:
                file.write(answer.stdout.strip())
            os.rename(made, kept)
        print(f"made in {time.monotonic() - begin:.0f} s", file=sys.stderr)
    with open(os.path.join(kept, "passphrase")) as file:
        return kept, file.read()


def percentile(times, share):
    """The nearest rank."""
    return sorted(times)[max(0, math.ceil(len(times) * share) - 1)]


def scroll(driver, css, web):
    """One round: for each way its gaps, and the processor time of the web processes for each frame."""
    found = {}
    for way, (down, across) in WAYS.items():
        # The rest before it begins is no frame: what was painted ahead meanwhile belongs to neither.
        driver.script(SCROLL, css, 2, 0, 0, LATE_MS)
        before = worked_ms(web)
        answer = driver.script(SCROLL, css, FRAMES, down, across, LATE_MS)
        if answer is None:
            sys.exit(f"the scrolling of {css} did not end")
        gaps, top, left = answer
        if (down and top < down * FRAMES * 0.9) or (across and left < across * FRAMES * 0.9):
            sys.exit(f"{css} did not scroll {way}: it stands at {left}, {top}")
        found[way] = (gaps, (worked_ms(web) - before) / FRAMES)
    return found


def late(gaps):
    return sum(gap > LATE_MS for gap in gaps)


def report(rounds):
    print(f"| scrolled by {FRAMES} frames, {ROUNDS} rounds in turn | frames later than {LATE_MS} ms | median, p99, longest gap | processors per frame |")
    print("| --- | --- | --- | --- |")
    sums = {}
    for title, css in (("matrix", GRID), ("plain page", "#plain")):
        for way in [*WAYS, "all"]:
            ways = WAYS if way == "all" else [way]
            gaps = [gap for one in rounds[css] for name in ways for gap in one[name][0]]
            cpu = statistics.median(one[name][1] for one in rounds[css] for name in ways)
            best = min(sum(late(one[name][0]) for name in ways) for one in rounds[css])
            sums[css] = late(gaps), cpu
            print(f"| {title}, {way} | {late(gaps)} of {len(gaps)}, best round {best} of {FRAMES * len(ways)} |"
                  f" {statistics.median(gaps):.1f}, {percentile(gaps, .99):.1f}, {max(gaps):.1f} ms | {cpu:.1f} ms |")
    (ours, our_cpu), (plain, plain_cpu) = sums[GRID], sums["#plain"]
    share = f"{ours / plain:.2f} x" if plain else "no ratio: the plain page dropped none"
    print(f"| matrix to plain page | {share} | | {our_cpu / plain_cpu:.2f} x |")


def main():
    kept, passphrase = vault()
    with tempfile.TemporaryDirectory() as place:
        folder = os.path.join(place, "vault")
        shutil.copytree(kept, folder)
        load = os.getloadavg()[0]
        rust = subprocess.run([BENCH, "--tiles", folder], check=True, capture_output=True, text=True).stdout
        driver = Driver(PROGRAM, folder)
        driver.window("/")
        driver.click("[data-testid=locked-unlock]")
        driver.window("/secure/unlock.html")
        driver.fill("#passphrase", passphrase)
        begin = time.monotonic()
        driver.script("setTimeout(() => document.querySelector('#submit').click())")
        driver.window("/")
        until("the side bar", lambda: driver.find("[data-testid=access-open]"), 180)
        print("| what | | of it |\n| --- | --- | --- |")
        print(f"| unlock until the window is there | {(time.monotonic() - begin) * 1000:.0f} ms | as the driver sees it |")
        time.sleep(5)

        opened = []
        for _ in range(OPENINGS):
            opened.append(until("the matrix", lambda: driver.script(OPEN, KNOWN)))
            time.sleep(1)
            driver.click("[data-testid=members-open]")
            time.sleep(1)
        rows, tiles = zip(*opened)
        print(f"| open the screen until the first cells | {tiles[0]:.0f} ms at first, {statistics.median(tiles[1:]):.0f} again |"
              f" its rows {rows[0]:.0f} at first, {statistics.median(rows[1:]):.0f} again |")
        times, people, envs, cells = until("the squares", lambda: driver.script(TILES))
        print(f"| accessTile, asked by the page ({len(times)} squares) | p50 {percentile(times, .5):.1f}, p99 {percentile(times, .99):.1f} ms |"
              f" {people} rows, {envs} columns, {cells} cells that are not empty ({100 * cells / people / envs:.0f} %) |")
        print(rust.strip())

        until("the matrix", lambda: driver.script(OPEN, KNOWN))
        time.sleep(2)
        size = driver.script(PLAIN, GRID, people)
        print(f"| size | {size[2]:.0f} x {size[3]:.0f} px, plain page {size[0]:.0f} x {size[1]:.0f} | seen through {size[4]:.0f} x {size[5]:.0f} |\n")
        web = [pid for pid, name in processes(driver).items() if name.startswith("WebKitWebProc")]
        rounds = {GRID: [], "#plain": []}
        for _ in range(ROUNDS):
            for css, list_ in rounds.items():
                list_.append(scroll(driver, css, web))
        report(rounds)
        print(f"\nProcesses that wanted a processor in the last minute: {load:.1f} at the start, {os.getloadavg()[0]:.1f} now,"
              f" for {os.cpu_count()} processors.")
        driver.stop()


main()
