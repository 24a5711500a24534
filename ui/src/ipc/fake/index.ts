export { FakeVault } from "./vault";
export type { Scenario } from "./scenario";
import { FakeVault } from "./vault";
import type { Scenario } from "./scenario";
import type { Vault } from "../vault";

const phases = ["welcome", "locked", "open"] as const;
const states = ["verified", "checking", "behind", "stopped"] as const;
const logs = ["empty", "unread", "hidden", "reading", "retired", "bad", "back", "anew"] as const;
const brokers = ["off", "starting", "locked", "stopped", "failed"] as const;
const roles = ["owner", "admin", "member", "reviewer"] as const;

/** `?fake=1&phase=locked&theme=light&state=behind&staged=1&big=50000&empty=1&sample=1&conflict=1&role=reviewer&alone=1&due=1&lost=1&reset=1&leaver=1&waiting=1&audit=1204911&log=bad&broker=failed&alarm=1&still=1` */
export function fakeFromAddress(query: URLSearchParams): Vault {
  const scenario: Scenario = {
    phase: phases.find((one) => one === query.get("phase")) ?? "open",
    state: states.find((one) => one === query.get("state")) ?? "verified",
    big: Number(query.get("big") ?? 0),
    staged: query.has("staged"),
    conflict: query.has("conflict"),
    empty: query.has("empty"),
    sample: query.has("sample"),
    matrix: Number(query.get("matrix") ?? 0),
    alone: query.has("alone"),
    due: query.has("due"),
    lost: query.has("lost"),
    reset: query.has("reset"),
    waiting: query.has("waiting"),
    leaver: query.has("leaver"),
    slow: Number(query.get("slow") ?? 0),
    acts: !query.has("still"),
    alarm: query.has("alarm"),
  };
  const log = logs.find((one) => one === query.get("log"));
  if (log) scenario.log = log;
  const broker = brokers.find((one) => one === query.get("broker"));
  if (broker) scenario.broker = broker;
  const audit = Number(query.get("audit") ?? 0);
  if (audit > 0) scenario.audit = audit;
  const role = roles.find((one) => one === query.get("role"));
  if (role) scenario.role = role;
  const theme = query.get("theme");
  if (theme === "dark" || theme === "light") scenario.theme = theme;
  const vault = new FakeVault(scenario);
  Object.assign(window, { fakeVault: vault });
  return vault;
}
