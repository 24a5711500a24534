import { scaleLinear, scaleTime } from "d3-scale";
import { stack } from "d3-shape";
import type { AuditBar, AuditTimeline } from "../../ipc/vault";
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
  return scaleTime([timeline.from, timeline.to], [0, width]);
}

export function drawnBars(timeline: AuditTimeline, width: number, height: number): DrawnBar[] {
  const { bars } = timeline;
  const x = across(timeline, width);
  const most = Math.max(1, ...bars.map(total));
  const y = scaleLinear([0, most], [height, 2]);
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

/** The edge between two bars that is nearest to a time. */
export function snapped(timeline: AuditTimeline, at: number): number {
  const width = barWidth(timeline);
  const bar = Math.round((at - timeline.from) / width);
  return timeline.from + Math.max(0, Math.min(timeline.bars.length, bar)) * width;
}

export function barWidth(timeline: AuditTimeline): number {
  return (timeline.to - timeline.from) / Math.max(1, timeline.bars.length);
}

const hour = 3_600_000;
const day = 24 * hour;

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
  const free = (at: number, room: number) => placed.every((one) => Math.abs(one.x - at) > room * (one.anchor === "middle" ? 1 : 1.4));
  for (const edge of span ? [span.from, span.to] : []) {
    const at = x(edge);
    if (edge > timeline.from && edge < timeline.to && free(at, 52)) placed.push({ x: at, text: tickLabel(timeline, edge, now), strong: true, anchor: "middle" });
  }
  for (const tick of x.ticks(Math.max(2, Math.floor(width / 120)))) {
    const at = x(tick);
    const text = tickLabel(timeline, tick.getTime(), now);
    if (free(at, 52) && placed.every((one) => one.text !== text)) placed.push({ x: at, text, strong: false, anchor: "middle" });
  }
  return placed;
}

/** What the chart shows, in a sentence. */
export function summary(timeline: AuditTimeline): string {
  const [first] = timeline.bars;
  if (!first) return "No rows.";
  const peak = timeline.bars.reduce((most, bar) => (total(bar) > total(most) ? bar : most), first);
  const doubtful = timeline.bars.reduce((sum, bar) => sum + bar.doubtful, 0);
  return `Rows from ${date(timeline.from)} to ${date(timeline.to)}, in ${count(timeline.bars.length)} spans. Most from ${exactTime(peak.from)} on: ${count(total(peak))}.${doubtful > 0 ? ` Doubtful: ${count(doubtful)}.` : ""}`;
}
