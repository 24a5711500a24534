/** The last second of a day written as "2026-12-06", in the time of this computer; null if it is none or is over. */
export function endOfDay(written: string, now: number): number | null {
  const match = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*$/.exec(written);
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const end = new Date(year, month - 1, day, 23, 59, 59);
  const real = end.getFullYear() === year && end.getMonth() === month - 1 && end.getDate() === day;
  return real && end.getTime() > now ? end.getTime() : null;
}

/** "2026-12-06". */
export function isoDay(at: number): string {
  const day = new Date(at);
  return `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, "0")}-${String(day.getDate()).padStart(2, "0")}`;
}
