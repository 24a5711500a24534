import type { AuditLevel, AuditQuery, AuditTimeline, OrgView, SavedView } from "../../ipc/vault";
import { clockTime, count, date } from "../../shared/words";

/** What is asked of the log, and how a filter changes it. Nothing here knows the window. */

export const everything: AuditQuery = { levels: [], kinds: [], who: [], envs: [], secrets: [], outcomes: [], text: "", from: null, to: null, quiet: false };
/** What the screen opens with: without the routine checks of every sync. */
export const whatPeopleDid: AuditQuery = { ...everything, quiet: true };

/** The views that are there from the start. */
export function builtInViews(org: OrgView): SavedView[] {
  const production = org.apps.flatMap((app) => app.environments).filter((env) => env.class === "production");
  const used: SavedView = { id: "used", name: "Values used in production", query: { ...everything, kinds: ["revealed", "copied", "injected", "exported", "brokered", "decrypted"], envs: production.map((env) => env.id) }, builtIn: true };
  return [
    { id: "people", name: "What people did", query: whatPeopleDid, builtIn: true },
    { id: "all", name: "Everything", query: everything, builtIn: true },
    ...(production.length > 0 ? [used] : []),
    { id: "refused", name: "Refused", query: { ...everything, outcomes: ["refused"] }, builtIn: true },
  ];
}

export type Group = "levels" | "kinds" | "who" | "envs" | "secrets" | "outcomes";
export const groups = ["who", "kinds", "envs", "secrets", "outcomes", "levels"] as const satisfies readonly Group[];
const levels: readonly AuditLevel[] = ["signed", "seen", "derived", "doubtful"];

/** A value of any group as text; secrets by their environment and id. */
export function secretKey(envId: string, secretId: string): string {
  return `${envId} ${secretId}`;
}

export function chosen(query: AuditQuery, group: Group): string[] {
  return group === "secrets" ? query.secrets.map((one) => secretKey(one.envId, one.secretId)) : query[group];
}

export function choose(query: AuditQuery, group: Group, values: readonly string[]): AuditQuery {
  if (group !== "secrets") return { ...query, [group]: [...values] };
  const secrets = values.map((value) => {
    const [envId = "", secretId = ""] = value.split(" ");
    return { envId, secretId };
  });
  return { ...query, secrets };
}

/** Levels are all chosen where none is named, so that a click takes one away. */
export function toggled(query: AuditQuery, group: Group, value: string): AuditQuery {
  const now = chosen(query, group);
  if (group === "levels") {
    const left = levels.filter((one) => (now.length === 0 || now.includes(one)) !== (one === value));
    return choose(query, group, left.length === levels.length ? [] : left);
  }
  return choose(query, group, now.includes(value) ? now.filter((one) => one !== value) : [...now, value]);
}

/** Only this value; the same again takes the filter away. */
export function only(query: AuditQuery, group: Group, value: string): AuditQuery {
  const now = chosen(query, group);
  return choose(query, group, now.length === 1 && now[0] === value ? [] : [value]);
}

export function filtered(query: AuditQuery): boolean {
  return query.text.trim() !== "" || query.from !== null || query.to !== null || groups.some((group) => query[group].length > 0);
}

/** The same question, whatever the order of its values. */
export function same(one: AuditQuery, other: AuditQuery): boolean {
  const plain = (query: AuditQuery) => JSON.stringify([...groups.map((group) => [...chosen(query, group)].sort()), query.text.trim(), query.from, query.to, query.quiet]);
  return plain(one) === plain(other);
}

const day = 86_400_000;

function midnight(at: number): boolean {
  return new Date(at).setHours(0, 0, 0, 0) === at;
}

function moment(at: number, now: number): string {
  return midnight(at) ? date(at, now) : `${date(at, now)}, ${clockTime(at, at)}`;
}

/** "since 18 Nov", "on 18 Nov", "18 Nov, 14:00 to 15:00", "before 20 Nov". */
export function rangeWords(from: number | null, to: number | null, now: number = Date.now()): string {
  if (from === null && to === null) return "";
  if (to === null) return `since ${moment(from ?? 0, now)}`;
  if (from === null) return `before ${moment(to, now)}`;
  if (midnight(from) && midnight(to)) return to - from <= day + 3_600_000 ? `on ${date(from, now)}` : `${date(from, now)} to ${date(to - 1, now)}`;
  const last = to - 1;
  if (new Date(from).toDateString() === new Date(last).toDateString()) return `${date(from, now)}, ${clockTime(from, from)} to ${clockTime(to, to)}`;
  return `${moment(from, now)} to ${moment(to, now)}`;
}

/** A span chosen in the chart. One that reaches an end of the chart is open there: new rows belong to it. */
export function spanOf(timeline: AuditTimeline, from: number, to: number): Pick<AuditQuery, "from" | "to"> {
  return { from: from <= timeline.from ? null : from, to: to >= timeline.to ? null : to };
}

/** "2 people": what a chip says of several values. */
export function several(group: Group, number: number): string {
  const words: Record<Group, string> = { who: "actors", kinds: "kinds", envs: "places", secrets: "secrets", outcomes: "outcomes", levels: "levels" };
  return `${count(number)} ${words[group]}`;
}
