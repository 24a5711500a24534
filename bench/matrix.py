#!/usr/bin/env python3
"""Measures the matrix of access in the real window: 500 people and tokens by 500 environments. Scrolls it, and in turn
with it a plain page of the same size. Run by scripts/bench-window; the standard library and WebKitWebDriver are all it
needs."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from driver import Driver, processes, until
from scroll import Race, percentile

PROGRAM, BENCH, CACHE = sys.argv[1:4]
ROUNDS = 3
OPENINGS = 5
# Pixels of one frame, down and sideways: about five rows in four frames, two columns in five.
WAYS = {"down": (40, 0), "sideways": (0, 40), "diagonal": (40, 40)}
GRID = "[data-testid=access-grid]"
KNOWN = f"{GRID} :is(.c.none, .c.never, .c .g)"

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
        web = [pid for pid, name in processes(driver).items() if name.startswith("WebKitWebProc")]
        race = Race(driver, "matrix", GRID, WAYS, web)
        size = race.lay_out(people, "RWG never    R 3 d    RW 12 d    ·    ")
        print(f"| size | {size[2]:.0f} x {size[3]:.0f} px, plain page {size[0]:.0f} x {size[1]:.0f} | seen through {size[4]:.0f} x {size[5]:.0f} |\n")
        race.run(ROUNDS)
        race.report()
        print(f"\nProcesses that wanted a processor in the last minute: {load:.1f} at the start, {os.getloadavg()[0]:.1f} now,"
              f" for {os.cpu_count()} processors.")
        driver.stop()


main()
