import type { InsightKind, InsightSeverity, InsightsView } from "../../ipc/vault";
import type { IconName } from "../../shared/icons";
import { date, list, plural } from "../../shared/words";

export const severities = [
  { id: "act", label: "To do", icon: "alert", tone: "c-danger" },
  { id: "look", label: "To look at", icon: "eye", tone: "c-warn" },
  { id: "know", label: "Good to know", icon: "clock", tone: "t3" },
] as const satisfies readonly { id: InsightSeverity; label: string; icon: IconName; tone: string }[];

export const kindIcons: Record<InsightKind, IconName> = {
  unused: "history", stale: "rotate", neverRotated: "rotate", overGranted: "access", expiring: "token", firstReader: "key",
  offHours: "clock", massReveal: "eye", refusedByAddress: "x", decoyTouched: "alert", leaverQueue: "leave",
};

/** What goes on since its time, instead of having happened then. */
export const lasting: readonly InsightKind[] = ["unused", "stale", "neverRotated", "overGranted", "leaverQueue"];

/** What was looked at, so that nothing found means something. */
export function looked(view: InsightsView): string {
  const { entries, from, secrets, holders, tokens } = view.looked;
  const parts = [
    ...(entries > 0 ? [`${plural(entries, "entry", "entries")} of the log${from === null ? "" : ` since ${date(from)}`}`] : []),
    plural(secrets, "secret"),
    plural(holders, "holder of data keys", "holders of data keys"),
    plural(tokens, "living token"),
  ];
  return `Looked at: ${list(parts)}.`;
}

/** What could not be looked at, or counted for nothing; empty if there is nothing to say. */
export function beyond(view: InsightsView): string {
  const { doubtful, unseen } = view.looked;
  const sentences = [
    ...(unseen > 0 ? [`Of ${plural(unseen, "environment")} this computer sees no history, so the ages of values there are not known here.`] : []),
    ...(doubtful > 0 ? [`${plural(doubtful, "doubtful entry", "doubtful entries")} counted for nothing.`] : []),
  ];
  return sentences.join(" ");
}

/** The person's own clock, which days and hours are told by. */
export function ownClock(): { utcOffset: number } {
  return { utcOffset: -new Date().getTimezoneOffset() };
}
