import { describe, expect, it } from "vitest";
import { everything, filtered, only, rangeWords, same, spanOf, toggled, whatPeopleDid } from "../src/features/audit/query";
import { drawnBars, labels, snapped, summary } from "../src/features/audit/timeline";
import type { AuditTimeline } from "../src/ipc/vault";
import { compact, dayTitle } from "../src/shared/words";

const hour = 3_600_000;
const day = 24 * hour;
const now = new Date(2026, 10, 22, 10).getTime();
const midnight = (date: number) => new Date(2026, 10, date).getTime();

function timeline(days = 14): AuditTimeline {
  const from = midnight(22) - days * day;
  return { from, to: midnight(22), bars: Array.from({ length: 60 }, (_, at) => ({ from: from + (at * days * day) / 60, signed: at, seen: 10, derived: 1, doubtful: at === 7 ? 1 : 0 })) };
}

describe("a filter", () => {
  it("takes a level away where none is named, and is gone when all are back", () => {
    const without = toggled(everything, "levels", "seen");
    expect(without.levels).toEqual(["signed", "derived", "doubtful"]);
    expect(toggled(without, "levels", "seen").levels).toEqual([]);
  });

  it("adds and drops values of the other groups, several at once", () => {
    const two = toggled(toggled(everything, "kinds", "revealed"), "kinds", "copied");
    expect(two.kinds).toEqual(["revealed", "copied"]);
    expect(toggled(two, "kinds", "revealed").kinds).toEqual(["copied"]);
    expect(toggled(everything, "secrets", "env_a sec_b").secrets).toEqual([{ envId: "env_a", secretId: "sec_b" }]);
  });

  it("is only this value, and none when the same is asked again", () => {
    const one = only({ ...everything, who: ["usr_a", "usr_b"] }, "who", "usr_c");
    expect(one.who).toEqual(["usr_c"]);
    expect(only(one, "who", "usr_c").who).toEqual([]);
  });

  it("is the same question whatever the order of its values", () => {
    expect(same({ ...everything, kinds: ["copied", "revealed"] }, { ...everything, kinds: ["revealed", "copied"], text: " " })).toBe(true);
    expect(same(everything, whatPeopleDid)).toBe(false);
    expect([filtered(whatPeopleDid), filtered({ ...everything, from: 1 })]).toEqual([false, true]);
  });
});

describe("a span in words", () => {
  it.each([
    [midnight(18), null, "since Nov 18"],
    [midnight(18) + 14 * hour, null, "since Nov 18, 14:00"],
    [null, midnight(20), "before Nov 20"],
    [midnight(18), midnight(19), "on Nov 18"],
    [midnight(18), midnight(21), "Nov 18 to Nov 20"],
    [midnight(18) + 14 * hour, midnight(18) + 15 * hour, "Nov 18, 14:00 to 15:00"],
    [null, null, ""],
  ])("%s to %s: %s", (from, to, words) => expect(rangeWords(from, to, now)).toBe(words));
});

describe("the chart", () => {
  it("stacks signed, seen and derived without a gap, and outlines what is doubtful", () => {
    const bars = drawnBars(timeline(), 600, 56);
    for (const bar of bars) {
      expect(bar.parts.map((part) => part.band)).toEqual(bar.from === timeline().from ? ["seen", "derived"] : ["signed", "seen", "derived"]);
      expect(bar.parts[0] && bar.parts[0].y + bar.parts[0].height).toBeCloseTo(56, 6);
    }
    expect(bars.filter((bar) => bar.doubtful).map((bar) => bar.from)).toEqual([timeline().bars[7]?.from]);
  });

  it("chooses round local times, and its ends where they are meant", () => {
    const chart = timeline();
    expect(snapped(chart, midnight(18) + 70 * 60_000)).toBe(midnight(18));
    expect(snapped(chart, chart.from + 1_000)).toBe(chart.from);
    expect(snapped(chart, chart.to - hour)).toBe(chart.to);
    expect(snapped(timeline(2), midnight(21) + 7 * hour + 20 * 60_000)).toBe(midnight(21) + 7 * hour + 15 * 60_000);
  });

  it("is open at an end that the span reaches, so that new rows belong to it", () => {
    const chart = timeline();
    expect(spanOf(chart, midnight(18), chart.to)).toEqual({ from: midnight(18), to: null });
    expect(spanOf(chart, chart.from, midnight(18))).toEqual({ from: null, to: midnight(18) });
  });

  it("writes no label over another, in any width", () => {
    for (const width of [180, 320, 560, 840, 1_400]) {
      const placed = labels(timeline(), width, { from: midnight(18), to: midnight(22) }, now, true);
      const reach = placed.map(({ x, text, anchor }) => {
        const long = text.length * 7;
        const left = anchor === "start" ? x : anchor === "end" ? x - long : x - long / 2;
        return [left, left + long] as const;
      }).sort((one, other) => one[0] - other[0]);
      reach.forEach(([left], at) => at > 0 && expect(left).toBeGreaterThan(reach[at - 1]?.[1] ?? 0));
    }
  });

  it("has a summary for readers", () => {
    expect(summary(timeline())).toContain("Rows from Nov 8 to Nov 22, in 60 spans. Most from");
    expect(summary({ from: 0, to: 0, bars: [] })).toBe("No rows.");
  });
});

it("counts fit their column, and days have names", () => {
  expect([1_077, 18_400, 402_300, 999_700, 1_204_911].map(compact)).toEqual(["1,077", "18.4k", "402k", "1M", "1.2M"]);
  expect([midnight(22), midnight(21), midnight(9)].map((at) => dayTitle(at, now))).toEqual(["Today, November 22", "Yesterday, November 21", "Monday, November 9"]);
});
