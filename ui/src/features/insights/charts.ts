import type { InsightDay } from "../../ipc/vault";
import { bands, linear } from "../../shared/scale";
import { date, plural } from "../../shared/words";

/** The geometry and the words of the two charts. Nothing here draws. */

export type Measure = "uses" | "refused";
export type DayBar = { day: number; value: number; x: number; width: number; y: number; height: number };

export function dayBars(days: readonly InsightDay[], measure: Measure, width: number, height: number): DayBar[] {
  const band = bands(days.length, width);
  const y = linear([0, Math.max(1, ...days.map((one) => one[measure]))], [0, height]);
  return days.map((one, index) => {
    const value = one[measure];
    // One use among thousands is still seen.
    const tall = value > 0 ? Math.max(2, y(value)) : 0;
    return { day: one.day, value, x: band.x(index), width: band.width, y: height - tall, height: tall };
  });
}

export function peak(bars: readonly DayBar[]): DayBar | null {
  return bars.reduce<DayBar | null>((most, bar) => (bar.value > (most?.value ?? 0) ? bar : most), null);
}

export function sum(days: readonly InsightDay[], measure: Measure): number {
  return days.reduce((total, one) => total + one[measure], 0);
}

export const measures: Record<Measure, { title: string; one: string; many: string; by: string }> = {
  uses: { title: "Uses", one: "use", many: "uses", by: "signed by clients" },
  refused: { title: "Refusals", one: "refusal", many: "refusals", by: "seen by the server" },
};

export function dayWords(one: InsightDay, measure: Measure): string {
  const { one: single, many } = measures[measure];
  return `${date(one.day)}: ${plural(one[measure], single, many)}`;
}

const hourMs = 3_600_000;
/** 5 January 1970 was a Monday; noon is the same day in every zone of the person's clock. */
const monday = new Date(1970, 0, 5, 12).getTime();
const longDay = new Intl.DateTimeFormat(navigator.language, { weekday: "long" });
const shortDay = new Intl.DateTimeFormat(navigator.language, { weekday: "short" });

export const weekdays = Array.from({ length: 7 }, (_, day) => {
  const at = monday + day * 24 * hourMs;
  return { long: longDay.format(at), short: shortDay.format(at) };
});

/** The side of the square in a cell: its area grows with the count, so that it can be compared by eye. */
export function squares(hours: readonly (readonly number[])[], cell: number): number[][] {
  const most = Math.max(1, ...hours.flat());
  return hours.map((day) => day.map((uses) => (uses > 0 ? Math.max(2, cell * Math.sqrt(uses / most)) : 0)));
}

const two = (hour: number) => String(hour).padStart(2, "0");

export function hourWords(day: number, hour: number, uses: number): string {
  return `${weekdays[day]?.long ?? ""}, ${two(hour)}:00 to ${two((hour + 1) % 24)}:00: ${plural(uses, "use")}`;
}

/** Where the most uses are, in a sentence. */
export function busiest(hours: readonly (readonly number[])[]): string {
  let best = { day: 0, hour: 0, uses: 0 };
  hours.forEach((row, day) => row.forEach((uses, hour) => {
    if (uses > best.uses) best = { day, hour, uses };
  }));
  return best.uses === 0 ? "No uses." : `Most on ${hourWords(best.day, best.hour, best.uses)}.`;
}
