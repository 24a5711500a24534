#!/usr/bin/env python3
"""Measures the audit log in the real window of a reviewer: reading a million entries, verifying them, key presses in the
search, and scrolling, in turn with a plain page. Run by scripts/bench-window; the standard library and WebKitWebDriver are
all it needs."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from driver import Driver, processes, until, worked_ms
from scroll import Race, percentile

PROGRAM, BENCH, SERVER, CACHE = sys.argv[1:5]
EVENTS = int(os.environ.get("EVENTS", "1000000"))
ROUNDS = 3
GRID = "[data-testid=audit-grid]"
ROW_WAYS = {"down": (40, 0)}
# As many rows of the plain page are laid out as are scrolled over; it could not be as high as the log.
PLAIN_ROWS = 2_000
TYPED = ["revealed", "stripe prod", "10.4.0.17"]

# From the key press until nothing of the screen changes any more.
PRESS = """
const [typed] = arguments;
const field = document.querySelector('[data-testid=audit-search]');
// Facets, counts, timeline and rows; the clock of the status bar is none of them.
const pane = document.querySelector('[data-testid=audit-counts]').closest('.split');
return new Promise((done) => {
  const begin = performance.now();
  let changed = 0;
  const watch = new MutationObserver(() => { changed = performance.now(); });
  watch.observe(pane, { subtree: true, childList: true, characterData: true });
  // Quiet for 150 ms: the rows have come as well.
  const look = setInterval(() => {
    const now = performance.now();
    if (now - begin > 5000 || (changed > 0 && now - changed > 150)) {
      clearInterval(look);
      watch.disconnect();
      done(changed > 0 ? changed - begin : null);
    }
  }, 10);
  field.value = typed;
  field.dispatchEvent(new InputEvent('input', { bubbles: true }));
});
"""

# The same question without the page: the way to Rust, the search, and the way back.
ASK = """
const [text] = arguments;
const query = { levels: [], kinds: [], who: [], envs: [], secrets: [], outcomes: [], text, from: null, to: null,
  quiet: true };
const begin = performance.now();
return window.__TAURI_INTERNALS__.invoke('audit_ask', { query })
  .then((answer) => [performance.now() - begin, answer.tookMicros / 1000, answer.matched], () => null);
"""


def pss_mib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


def world():
    """The folder of a server and its people that is made once and then kept, and what was said about it."""
    kept = os.path.join(CACHE, f"world-{EVENTS}")
    if not os.path.exists(os.path.join(kept, "about.json")):
        shutil.rmtree(kept, ignore_errors=True)
        os.makedirs(CACHE, exist_ok=True)
        print(f"making a log of {EVENTS} entries, kept for the next run", file=sys.stderr)
        begin = time.monotonic()
        # Where it lies and where its server listens stand in its files: it is made in its place.
        command = [BENCH, "audit-world", "--events", str(EVENTS), "--out", kept]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        with open(os.path.join(kept, "about.json"), "w") as file:
            file.write(said)
        print(f"made in {time.monotonic() - begin:.0f} s", file=sys.stderr)
    with open(os.path.join(kept, "about.json")) as file:
        return json.load(file)


def counts(driver):
    return driver.script("return document.querySelector('[data-testid=audit-counts]')?.innerText ?? null")


def memory(driver):
    names = processes(driver)
    sizes = {pid: pss_mib(pid) for pid in names}
    parts = ", ".join(f"{names[pid]} {size:.0f}" for pid, size in sorted(sizes.items()))
    return sum(sizes.values()), parts


def open_log(driver, passphrase):
    """Milliseconds from the passphrase until the first row is there."""
    driver.window("/")
    driver.click("[data-testid=locked-unlock]")
    driver.window("/secure/unlock.html")
    driver.fill("#passphrase", passphrase)
    begin = time.monotonic()
    driver.script("setTimeout(() => document.querySelector('#submit').click())")
    driver.window("/")
    until("the side bar", lambda: driver.find("[data-testid=audit-open]"), 180)
    driver.click("[data-testid=audit-open]")
    until("the rows", lambda: driver.find("[data-testid=audit-row]"), 900)
    return (time.monotonic() - begin) * 1000


def main():
    about = world()
    load = os.getloadavg()[0]
    log = open(os.devnull, "w")
    server = subprocess.Popen([SERVER, "--config", about["server"]], stdout=log, stderr=log)
    host, port = about["origin"].rsplit("/", 1)[1].split(":")
    until("the server", lambda: None if (found := socket.socket()).connect_ex((host, int(port))) else found)
    try:
        measure(about)
    finally:
        server.terminate()
        server.wait(timeout=20)
    print(f"\nProcesses that wanted a processor in the last minute: {load:.1f} at the start, {os.getloadavg()[0]:.1f} now,"
          f" for {os.cpu_count()} processors.")


def measure(about):
    with tempfile.TemporaryDirectory() as place:
        folder = os.path.join(place, "reviewer")
        shutil.copytree(about["reviewer"], folder)
        driver = Driver(PROGRAM, folder)
        took = open_log(driver, about["passphrase"])
        print("| what | | of it |\n| --- | --- | --- |")
        print(f"| passphrase until the first row, nothing read before | {took / 1000:.1f} s | {counts(driver)} |")
        driver.stop()
        time.sleep(1)

        driver = Driver(PROGRAM, folder)
        took = open_log(driver, about["passphrase"])
        state = driver.script("return window.__TAURI_INTERNALS__.invoke('audit_state')")
        print(f"| the same with everything kept | {took / 1000:.1f} s | {counts(driver)} |")
        print(f"| index | {state['indexBytes'] / 2 ** 20:.1f} MiB | {state['indexBytes'] / max(1, state['size']):.1f} bytes a row |")
        time.sleep(3)
        total, parts = memory(driver)
        print(f"| memory of all processes (PSS) | {total:.0f} MiB | {parts} |")

        presses, asked = [], []
        for words in TYPED:
            for end in range(1, len(words) + 1):
                took = driver.script(PRESS, words[:end])
                if took is not None:
                    presses.append(took)
                answer = driver.script(ASK, words[:end])
                if answer is not None:
                    asked.append(answer)
            driver.script(PRESS, "")
        print(f"| key press until its rows are in the page ({len(presses)}) | p50 {percentile(presses, .5):.1f} ms |"
              f" p99 {percentile(presses, .99):.1f}, slowest {max(presses):.1f} |")
        ways, rust, matched = zip(*asked)
        print(f"|   of it the question to Rust and its answer ({len(asked)}) | p50 {percentile(ways, .5):.1f} ms |"
              f" in Rust alone p50 {percentile(rust, .5):.1f}, slowest {max(rust):.1f}; {min(matched)} to {max(matched)} rows |")

        time.sleep(2)
        web = [pid for pid, name in processes(driver).items() if name.startswith("WebKitWebProc")]
        race = Race(driver, "log", GRID, ROW_WAYS, web)
        tall = driver.script("return document.querySelector('[data-testid=audit-row]').getBoundingClientRect().height")
        size = race.lay_out(PLAIN_ROWS, "12:04:31   Mara Lind   Copied   STRIPE_KEY   ", tall)
        print(f"| size | {size[2]:.0f} x {size[3]:.0f} px, plain page {size[0]:.0f} x {size[1]:.0f} | seen through {size[4]:.0f} x {size[5]:.0f} |\n")
        race.run(ROUNDS)
        race.report()
        driver.script("document.querySelector('#plain').remove()")

        begin, before = time.monotonic(), worked_ms(processes(driver))
        driver.click("[data-testid=audit-verify]")
        until("the verdict", lambda: driver.find("[data-testid=audit-verdict]"), 600)
        wall, cpu = time.monotonic() - begin, (worked_ms(processes(driver)) - before) / 1000
        said = driver.script("return document.querySelector('[data-testid=audit-verdict]').innerText")
        print(f"\n| Verify | {wall:.1f} s | processors {cpu:.1f} s; {' '.join(said.split())} |\n| --- | --- | --- |")
        driver.stop()


main()
