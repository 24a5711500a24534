import { stack } from "d3-shape";
import { timeTicks } from "d3-time";
import type { AuditBar, AuditTimeline } from "../../ipc/vault";
import { linear } from "../../shared/scale";
import { clockTime, count, date, exactTime } from "../../shared/words";

/** The geometry and the words of the chart. Nothing here draws. */

export const bands = ["signed", "seen", "derived"] as const;
export type Band = (typeof bands)[number];
export type DrawnBar = { from: number; x: number; width: number; doubtful: boolean; top: number; parts: { band: Band; y: number; height: number }[] };

export function total(bar: AuditBar): number {
  return bar.signed + bar.seen + bar.derived + bar.doubtful;
}

/** From times to pixels, over the whole chart. */
export function across(timeline: AuditTimeline, width: number) {
  return linear([timeline.from, timeline.to], [0, width]);
}

export function drawnBars(timeline: AuditTimeline, width: number, height: number): DrawnBar[] {
  const { bars } = timeline;
  const x = across(timeline, width);
  const most = Math.max(1, ...bars.map(total));
  const y = linear([0, most], [height, 2]);
  // What is doubtful claims to be signed, so it stands among the signed; the outline tells it.
  const series = stack<AuditBar, Band>().keys(bands).value((bar, band) => (band === "signed" ? bar.signed + bar.doubtful : bar[band]))(bars);
  const step = width / Math.max(1, bars.length);
  return bars.map((bar, index) => ({
    from: bar.from,
    x: x(bar.from) + 0.5,
    width: Math.max(1, step - 1),
    doubtful: bar.doubtful > 0,
    top: y(total(bar)),
    parts: series.flatMap((one) => {
      const [low = 0, high = 0] = one[index] ?? [];
      // One row among thousands is still seen.
      const size = high > low ? Math.max(1, y(low) - y(high)) : 0;
      return size > 0 ? [{ band: one.key, y: y(low) - size, height: size }] : [];
    }),
  }));
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const rounds = [7 * day, day, 6 * hour, 3 * hour, hour, 15 * minute, 5 * minute, minute, 10 * second, second];

/** The round local time nearest to a place in the chart, no finer than the bars can show. */
export function snapped(timeline: AuditTimeline, at: number): number {
  const width = barWidth(timeline);
  // Near an end the end is meant.
  if (at - timeline.from < width / 2) return timeline.from;
  if (timeline.to - at < width / 2) return timeline.to;
  const round = rounds.find((one) => one <= width) ?? width;
  const from = new Date(at).setHours(0, 0, 0, 0);
  const near = round > day ? new Date(from + day / 2).setHours(at - from > day / 2 ? 24 : 0, 0, 0, 0) : from + Math.round((at - from) / round) * round;
  return Math.max(timeline.from, Math.min(timeline.to, near));
}

export function barWidth(timeline: AuditTimeline): number {
  return (timeline.to - timeline.from) / Math.max(1, timeline.bars.length);
}

/** A time under the chart: hours where it covers little, days otherwise. */
export function tickLabel(timeline: AuditTimeline, at: number, now: number): string {
  return timeline.to - timeline.from < 2 * day ? clockTime(at, at) : date(at, now);
}

export type Label = { x: number; text: string; strong: boolean; anchor: "start" | "middle" | "end" };

/** Labels under the ends, under the edges of the span, and between them where there is room. */
export function labels(timeline: AuditTimeline, width: number, span: { from: number; to: number } | null, now: number, live: boolean): Label[] {
  const x = across(timeline, width);
  const end = tickLabel(timeline, timeline.to, now);
  const placed: Label[] = [
    { x: 0, text: tickLabel(timeline, timeline.from, now), strong: false, anchor: "start" },
    { x: width, text: live ? `${end}, now` : end, strong: span !== null && span.to >= timeline.to, anchor: "end" },
  ];
  const free = (at: number, text: string) => {
    const [left, right] = extent(at, text, "middle");
    return left > 0 && right < width && placed.every((one) => extent(one.x, one.text, one.anchor)[1] < left || extent(one.x, one.text, one.anchor)[0] > right);
  };
  for (const edge of span ? [span.from, span.to] : []) {
    const at = x(edge);
    const text = tickLabel(timeline, edge, now);
    if (edge > timeline.from && edge < timeline.to && free(at, text)) placed.push({ x: at, text, strong: true, anchor: "middle" });
  }
  for (const tick of timeTicks(new Date(timeline.from), new Date(timeline.to), Math.max(2, Math.floor(width / 120)))) {
    const at = x(tick.getTime());
    const text = tickLabel(timeline, tick.getTime(), now);
    if (free(at, text) && placed.every((one) => one.text !== text)) placed.push({ x: at, text, strong: false, anchor: "middle" });
  }
  return placed;
}

/** From where to where a label reaches, in a wide face and with air. */
function extent(x: number, text: string, anchor: Label["anchor"]): [number, number] {
  const long = text.length * 7 + 12;
  const left = anchor === "start" ? x : anchor === "end" ? x - long : x - long / 2;
  return [left, left + long];
}

/** What the chart shows, in a sentence. */
export function summary(timeline: AuditTimeline): string {
  const [first] = timeline.bars;
  if (!first) return "No rows.";
  const peak = timeline.bars.reduce((most, bar) => (total(bar) > total(most) ? bar : most), first);
  const doubtful = timeline.bars.reduce((sum, bar) => sum + bar.doubtful, 0);
  return `Rows from ${date(timeline.from)} to ${date(timeline.to)}, in ${count(timeline.bars.length)} spans. Most from ${exactTime(peak.from)} on: ${count(total(peak))}.${doubtful > 0 ? ` Doubtful: ${count(doubtful)}.` : ""}`;
}
