/** Numbers, times and names in words, in the person's language where that is a number or a date. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const numbers = new Intl.NumberFormat(navigator.language);
const clock = new Intl.DateTimeFormat(navigator.language, { hour: "2-digit", minute: "2-digit", hour12: false });
const exact = new Intl.DateTimeFormat(navigator.language, { dateStyle: "long", timeStyle: "medium", hourCycle: "h23" });
const seconds = new Intl.DateTimeFormat(navigator.language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const weekday = new Intl.DateTimeFormat(navigator.language, { weekday: "long" });
const dayLong = new Intl.DateTimeFormat(navigator.language, { day: "numeric", month: "long" });
const dayLongAndYear = new Intl.DateTimeFormat(navigator.language, { day: "numeric", month: "long", year: "numeric" });
const dayOnly = new Intl.DateTimeFormat(navigator.language, { day: "numeric", month: "short" });
const dayAndYear = new Intl.DateTimeFormat(navigator.language, { day: "numeric", month: "short", year: "numeric" });

export function count(value: number): string {
  return numbers.format(value);
}

/** What fits a narrow column: "1,077", "18.4k", "402k", "1.2M". */
export function compact(value: number): string {
  if (value < 10_000) return count(value);
  const [scaled, unit] = value < 999_500 ? [value / 1_000, "k"] : [value / 1_000_000, "M"];
  return `${new Intl.NumberFormat(navigator.language, { maximumFractionDigits: scaled < 99.95 ? 1 : 0 }).format(scaled)}${unit}`;
}

/** "1 name", "38 names". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A span as a column shows it: "8 s", "5 min", "6 h", "41 d". */
export function age(from: number, now: number): string {
  const span = Math.max(0, now - from);
  if (span < minute) return `${Math.floor(span / second)} s`;
  if (span < hour) return `${Math.floor(span / minute)} min`;
  if (span < 2 * day) return `${Math.floor(span / hour)} h`;
  return `${count(Math.floor(span / day))} d`;
}

/** A span still to come, rounded: three days less a minute are "3 d". */
export function span(from: number, to: number): string {
  const left = Math.max(0, to - from);
  return age(0, left + (left >= 2 * day ? day / 2 : left >= hour ? hour / 2 : 0));
}

/** "just now", "8 s ago", "2 d ago". */
export function ago(from: number, now: number): string {
  return now - from < 2 * second ? "just now" : `${age(from, now)} ago`;
}

/** Hours and minutes; with the date when it is not the same day. */
export function clockTime(at: number, now: number = Date.now()): string {
  const time = clock.format(at);
  return new Date(at).toDateString() === new Date(now).toDateString() ? time : `${time} on ${date(at, now)}`;
}

export function date(at: number, now: number = Date.now()): string {
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return (sameYear ? dayOnly : dayAndYear).format(at);
}

/** For a tooltip: date and time to the second. */
export function exactTime(at: number): string {
  return exact.format(at);
}

/** "02:14:08" */
export function toTheSecond(at: number): string {
  return seconds.format(at);
}

/** "Today, 22 November", "Yesterday, 21 November", "Monday, 9 November", with the year if not this one. */
export function dayTitle(at: number, now: number = Date.now()): string {
  const then = new Date(at);
  const today = new Date(now);
  const thisYear = then.getFullYear() === today.getFullYear();
  const named = (thisYear ? dayLong : dayLongAndYear).format(at);
  if (then.toDateString() === today.toDateString()) return `Today, ${named}`;
  if (then.toDateString() === new Date(now - day).toDateString()) return `Yesterday, ${named}`;
  return `${weekday.format(at)}, ${named}`;
}

/** Whole seconds left, never negative. */
export function secondsLeft(until: number, now: number): number {
  return Math.max(0, Math.ceil((until - now) / second));
}

/** Minutes and seconds left: "9:41". */
export function countdown(until: number, now: number): string {
  const left = secondsLeft(until, now);
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

/** "a", "a and b", "a, b and c". */
export function list(parts: readonly string[]): string {
  if (parts.length <= 1) return parts[0] ?? "";
  return `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
}

/** Where a history differs is said by its place, "audit entry 12730": as a sentence. */
export function differsAt(place: string): string {
  return place.endsWith(".") ? place : `It differs at ${place}.`;
}

/** "Three", up to twelve; digits above. */
export function counted(value: number): string {
  const words = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"];
  return words[value] ?? count(value);
}
