#!/usr/bin/env python3
"""Measures the real program with 10,000 secrets open: the way to the first paint, memory of all its processes, and key
presses in the filter. Run by scripts/bench-window; the standard library and WebKitWebDriver are all it needs."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from driver import Driver, processes, until, worked_ms

PROGRAM, BENCH = sys.argv[1:3]
STARTS = 5
TYPED = ["ledger_0", "database_url", "0421"]


def pss_mib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


def started_ms(pid):
    """When a process began, in milliseconds since 1970; the kernel counts in hundredths of a second."""
    with open(f"/proc/{pid}/stat") as file:
        ticks = int(file.read().rsplit(")", 1)[1].split()[19])
    with open("/proc/uptime") as file:
        booted = time.time() - float(file.read().split()[0])
    return (booted + ticks / os.sysconf("SC_CLK_TCK")) * 1000


def first_paint(folder):
    """One start, in milliseconds from the start of the process: the page begins, its text is there, it is painted."""
    driver = Driver(PROGRAM, folder)
    driver.window("/")
    until("the first screen", lambda: driver.find("h1"))
    page = until("the first paint", lambda: driver.script(
        "const paint = performance.getEntriesByName('first-contentful-paint')[0];"
        "const { responseEnd, domContentLoadedEventEnd } = performance.getEntriesByType('navigation')[0];"
        "return paint ? [performance.timeOrigin, responseEnd, domContentLoadedEventEnd, paint.startTime] : null"))
    begin = page[0] - started_ms(next(iter(processes(driver))))
    driver.stop()
    return [begin] + [begin + mark for mark in page[1:]]


PRESS = """
const [typed] = arguments;
const field = document.querySelector('[data-testid=env-filter]');
const table = document.querySelector('[data-testid=env-grid]');
return new Promise((done) => {
  const begin = performance.now();
  const watch = new MutationObserver(() => {
    watch.disconnect();
    const drawn = performance.now();
    requestAnimationFrame(() => setTimeout(() => done([drawn - begin, performance.now() - begin])));
  });
  watch.observe(table, { subtree: true, childList: true, characterData: true });
  setTimeout(() => done(null), 1000);
  field.value = typed;
  field.dispatchEvent(new InputEvent('input', { bubbles: true }));
});
"""


# What the same key press asks of Rust, without the page: the filter, 128 rows, and the way there and back.
ASK = """
const [typed, envId] = arguments;
const query = { envId, filter: typed, sort: 'name', descending: false, stagedOnly: false, offset: 0, limit: 128 };
const begin = performance.now();
return window.__TAURI_INTERNALS__.invoke('env_rows', { query }).then(() => [performance.now() - begin, 0], () => null);
"""
ENVIRONMENT = """
return window.__TAURI_INTERNALS__.invoke('org_view').then((org) => JSON.stringify(org).match(/env_[a-z0-9]+/)[0]);
"""


def key_presses(driver):
    """For each key press: milliseconds until the rows in the page are those of the answer, until they are drawn, and of
    the processors; and in turn with it the same for the question to Rust alone."""
    presses, questions = [], []
    env = driver.script(ENVIRONMENT)
    for words in TYPED:
        for end in range(1, len(words) + 1):
            for script, times in ((PRESS, presses), (ASK, questions)):
                before = worked_ms(processes(driver))
                took = driver.script(script, words[:end], env)
                if took:
                    times.append([*took, worked_ms(processes(driver)) - before])
        driver.script(PRESS, "")
    return presses, questions


def memory(driver, title):
    names = processes(driver)
    everything = {pid: pss_mib(pid) for pid in names}
    parts = ", ".join(f"{names[pid]} {size:.0f}" for pid, size in sorted(everything.items()))
    print(f"| memory of all processes (PSS), {title} | {sum(everything.values()):.0f} MiB | {parts} |")


def main():
    with tempfile.TemporaryDirectory() as folder:
        passphrase = subprocess.run([BENCH, "--make", folder], check=True, capture_output=True, text=True).stdout.strip()
        starts = [first_paint(folder) for _ in range(STARTS)]
        print("| what | median | of it |\n| --- | --- | --- |")
        marks = [statistics.median(column) for column in zip(*starts)]
        print(f"| first paint from process start | {marks[3]:.0f} ms | page begins {marks[0]:.0f}, page read {marks[1]:.0f},"
              f" scripts done {marks[2]:.0f}; fastest start {min(start[3] for start in starts):.0f} |")

        driver = Driver(PROGRAM, folder)
        driver.window("/")
        until("the locked screen", lambda: driver.find("[data-testid=locked-unlock]"))
        memory(driver, "locked")
        driver.click("[data-testid=locked-unlock]")
        driver.window("/secure/unlock.html")
        driver.fill("#passphrase", passphrase)
        begin = time.monotonic()
        driver.script("setTimeout(() => document.querySelector('#submit').click())")
        driver.window("/")
        until("the rows", lambda: driver.find("[data-testid=env-row]"))
        print(f"| unlock until the rows are there | {(time.monotonic() - begin) * 1000:.0f} ms | as the driver sees it |")
        time.sleep(2)
        memory(driver, "10,000 secrets open")
        presses, questions = key_presses(driver)
        for title, times in (("key press until its rows are in the page", presses), ("  of it the question to Rust and its answer", questions)):
            if times:
                wall, drawn, cpu = zip(*times)
                extra = f", drawn {statistics.median(drawn):.1f}" if any(drawn) else ""
                print(f"| {title} ({len(times)}) | {statistics.median(wall):.1f} ms | fastest {min(wall):.1f}, slowest"
                      f" {max(wall):.1f}{extra}; processors {statistics.median(cpu):.1f} |")
        memory(driver, "after typing")
        driver.stop()


main()
