import type { AgentRow, AgentState, AuthSpec, BrokerView, LiveDecision, LiveRow, RateSpec, RuleEffect } from "../../ipc/vault";
import type { IconName } from "../../shared/icons";
import { age, count, countdown, date, plural } from "../../shared/words";

/** The words of agents. Nothing here knows the window. */

type Sign = { text: string; icon: IconName; tone: string };

export const decisions: Record<LiveDecision, Sign> = {
  held: { text: "Held", icon: "hand", tone: "c-warn" },
  allowed: { text: "Allowed", icon: "check", tone: "c-ok" },
  approved: { text: "Approved", icon: "verified", tone: "c-ok" },
  denied: { text: "Denied", icon: "x", tone: "c-danger" },
  failed: { text: "Failed", icon: "alert", tone: "c-danger" },
};

export const effects: Record<RuleEffect, Sign> = {
  allow: { text: "Allow", icon: "check", tone: "c-ok" },
  ask: { text: "Ask", icon: "hand", tone: "c-warn" },
  deny: { text: "Deny", icon: "x", tone: "c-danger" },
};

const states: Record<AgentState, Sign> = {
  running: { text: "Running", icon: "bolt", tone: "ok" },
  idle: { text: "Idle", icon: "pause", tone: "" },
  stopped: { text: "Stopped", icon: "stop", tone: "danger" },
  ended: { text: "Ended", icon: "minus", tone: "" },
  broken: { text: "Broken", icon: "alert", tone: "danger" },
};

/** What waits is said before that it runs. */
export function stateOf(agent: AgentRow): Sign {
  return agent.held > 0 ? { text: `${count(agent.held)} held`, icon: "hand", tone: "warn" } : states[agent.state];
}

/** "for Mara Lind · session 2 h 10 min" */
export function about(agent: AgentRow, now: number): string {
  const whom = `for ${agent.responsible.you ? "you" : agent.responsible.name}`;
  const [first, ...others] = agent.sessions;
  if (!first) return agent.state === "idle" ? `${whom} · no session` : whom;
  return others.length > 0 ? `${whom} · ${plural(others.length + 1, "session")}` : `${whom} · session ${longAge(first.since, now)}`;
}

/** "2 h 10 min" where "2 h" would hide too much. */
function longAge(from: number, now: number): string {
  const minutes = Math.max(0, Math.floor((now - from) / 60_000));
  if (minutes < 60 || minutes >= 600) return age(from, now);
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** "61 KiB", "4.2 MiB" */
export function size(bytes: number): string {
  let scaled = bytes;
  let unit = 0;
  while (scaled >= 1_024 && unit < units.length - 1) {
    scaled /= 1_024;
    unit += 1;
  }
  return `${unit === 0 || scaled >= 10 ? count(Math.round(scaled)) : new Intl.NumberFormat(navigator.language, { maximumFractionDigits: 1 }).format(scaled)} ${units[unit]}`;
}

/** "84 ms", "6.1 s" */
export function took(millis: number): string {
  return millis < 1_000 ? `${count(millis)} ms` : `${new Intl.NumberFormat(navigator.language, { maximumFractionDigits: 1 }).format(millis / 1_000)} s`;
}

/** What became of a request, in a narrow column. */
export function result(row: LiveRow, waitsUntil: number | null, now: number): string {
  if (row.decision === "held") return waitsUntil === null ? "waits" : `waits ${countdown(waitsUntil, now)}`;
  if (row.decision === "denied" || row.decision === "failed") return row.why ?? (row.status === null ? "" : `status ${row.status}`);
  const time = row.millis === null ? "under way" : took(row.millis);
  return row.status !== null && row.status >= 400 ? `status ${row.status} · ${time}` : time;
}

/** How a credential is sent. */
export function authWords(auth: AuthSpec): string {
  switch (auth.kind) {
    case "bearer":
      return "Bearer token";
    case "header":
      return auth.template === "{}" ? `Header ${auth.name}` : `Header ${auth.name}: ${auth.template}`;
    case "basic":
      return `Basic, as ${auth.user}`;
    case "path":
      return "In the path";
    case "sigV4":
      return "AWS Signature 4";
    case "oAuth2":
      return "OAuth 2, renewed";
    default:
      return auth satisfies never;
  }
}

/** "60 in 1 min" */
export function rateWords(rate: RateSpec): string {
  const { count: most, perSeconds } = rate;
  const per = perSeconds % 3_600 === 0 ? `${perSeconds / 3_600} h` : perSeconds % 60 === 0 ? `${perSeconds / 60} min` : `${perSeconds} s`;
  return `${count(most)} in ${per}`;
}

export function brokerWords(broker: BrokerView): string {
  const words: Record<BrokerView["state"], string> = {
    off: "Broker off",
    starting: "Broker starting",
    running: broker.address === null ? "Broker on" : `Broker on ${broker.address}`,
    locked: "Broker locked",
    stopped: "Everything stopped",
    failed: "Broker failed",
  };
  return words[broker.state];
}

export function endWords(endsAt: number | null): string {
  return endsAt === null ? "never" : date(endsAt);
}

/** The line that starts a program as this agent. */
export function startLine(name: string): string {
  return `strongroom agent run --agent ${/^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`} -- `;
}
