import type { AgentRow, PolicySpec, ProviderSpec, ProviderView, AgentSecretRef, RuleSpec } from "../../ipc/vault";
import { count, list } from "../../shared/words";

/** Policies as the forms make and change them. What a rule means is decided in Rust; nothing here decides. */

export const emptyPolicy: PolicySpec = { rules: [], providers: [], onLock: "pause", sessionMinutes: 480, requests: null, bytes: null, rate: null };

export const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
const reading = ["GET", "HEAD"];

/** The provider of rules for requests without a credential. */
export const web = "web";

/** How much of a provider an agent gets to begin with. */
export type Grant = "read" | "ask" | "all";

export const grants: { value: Grant; label: string }[] = [
  { value: "read", label: "Read" },
  { value: "ask", label: "Read, ask before the rest" },
  { value: "all", label: "Everything" },
];

/** Where every call is a question and an answer, asking about each would stop the work. */
const talking = new Set(["openai", "anthropic", "gemini", "groq", "brave"]);

export function usualGrant(provider: ProviderSpec): Grant {
  return talking.has(provider.id) || provider.methods.every((one) => reading.includes(one)) ? "all" : "ask";
}

export function blankRule(provider: ProviderSpec | undefined, name: string): RuleSpec {
  return {
    name, effect: "ask", provider: provider?.id ?? "", capability: null, secrets: [], hosts: provider?.hosts ?? [], ports: provider?.ports ?? [443], methods: (provider?.methods ?? []).filter((one) => reading.includes(one)),
    paths: provider?.paths ?? [], process: null, uses: null, notAfterMs: null, rate: null, bytes: null, reason: false,
  };
}

/** A rule for what a provider calls by a name. */
function capabilityRule(provider: ProviderSpec, capability: string, name: string): RuleSpec {
  return { ...blankRule(provider, name), capability, hosts: [], ports: [], methods: [], paths: [] };
}

/**
 * The rules that a grant means, in the order in which they are asked. What reads is said by the
 * provider where it says so, since some read by POST, and by the method elsewhere.
 */
export function rulesFor(provider: ProviderView, secrets: AgentSecretRef[], grant: Grant): RuleSpec[] {
  const { id, methods: verbs } = provider;
  const rule = (name: string, effect: RuleSpec["effect"], some: string[]): RuleSpec => ({ ...blankRule(provider, name), effect, secrets, methods: some });
  if (grant === "all") return [rule(id, "allow", verbs)];
  const named = provider.capabilities.filter((one) => one.id === "read" || one.id.endsWith("-read"));
  const reads = verbs.filter((one) => reading.includes(one));
  const free = named.length > 0 ? named.map((one): RuleSpec => ({ ...capabilityRule(provider, one.id, `${one.id} ${id}`), effect: "allow", secrets })) : reads.length > 0 ? [rule(`read ${id}`, "allow", reads)] : [];
  const rest = named.length > 0 ? verbs : verbs.filter((one) => !reading.includes(one));
  return grant === "ask" && rest.length > 0 ? [...free, rule(named.length > 0 ? `anything else at ${id}` : `write ${id}`, "ask", rest)] : free;
}

/** Only what a person defined travels with a policy; the others are built in. */
export function ownProviders(policy: PolicySpec, providers: readonly ProviderView[]): ProviderSpec[] {
  const used = new Set(policy.rules.map((rule) => rule.provider));
  const kept = policy.providers.filter((one) => used.has(one.id));
  const missing = providers.filter((one) => !one.builtIn && used.has(one.id) && !kept.some((other) => other.id === one.id));
  return [...kept, ...missing.map(specOf)];
}

/** Without what the window knows beside it. */
export function specOf({ id, name, base, hosts, ports, methods: verbs, paths, auth, private: near, tokenVariable, baseVariable }: ProviderSpec): ProviderSpec {
  return { id, name, base, hosts, ports, methods: verbs, paths, auth, private: near, tokenVariable, baseVariable };
}

export function moved(rules: readonly RuleSpec[], from: number, to: number): RuleSpec[] {
  const rule = rules[from];
  if (!rule || to < 0 || to >= rules.length) return [...rules];
  const rest = rules.filter((_, index) => index !== from);
  return [...rest.slice(0, to), rule, ...rest.slice(to)];
}

/** "GET, HEAD api.github.com /repos/acme/**" */
export function summary(rule: RuleSpec): string {
  if (rule.capability !== null) return `${rule.provider}.${rule.capability}`;
  const verbs = rule.methods.length > 3 ? `${rule.methods.length} methods` : rule.methods.join(", ");
  const [path, ...more] = rule.paths;
  return [verbs || "no method", rule.hosts.join(", ") || "no host", path ? `${path}${more.length > 0 ? ` and ${more.length} more` : ""}` : "no path"].join(" · ");
}

/** What an empty list means, said where it stands: such a rule can never match. */
export function lacks(rule: RuleSpec): string | null {
  if (rule.capability !== null) return null;
  const missing = [rule.hosts.length === 0 && "host", rule.ports.length === 0 && "port", rule.methods.length === 0 && "method", rule.paths.length === 0 && "path"].filter((one) => typeof one === "string");
  return missing.length === 0 ? null : `It names no ${list(missing)}, so it matches nothing.`;
}

/** Lines or words of a field, without empty and double ones. */
export function entries(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}

/** A number from a field: null where it is empty, undefined where it is none. */
export function limit(text: string): number | null | undefined {
  const plain = text.replace(/[\s,'’]/g, "");
  if (plain === "") return null;
  const value = Number(plain);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

export function same(one: PolicySpec, other: PolicySpec): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** "2 rules changed and the order": what differs, in words. */
export function difference(before: PolicySpec, after: PolicySpec): string {
  const known = new Set(before.rules.map((rule) => JSON.stringify(rule)));
  const kept = after.rules.filter((rule) => known.has(JSON.stringify(rule)));
  const changed = Math.max(after.rules.length, before.rules.length) - kept.length;
  const order = kept.some((rule, index) => JSON.stringify(rule) !== JSON.stringify(before.rules.filter((one) => after.rules.some((other) => JSON.stringify(other) === JSON.stringify(one)))[index]));
  const limits = !same({ ...before, rules: [], providers: [] }, { ...after, rules: [], providers: [] });
  const parts = [changed > 0 && `${count(changed)} ${changed === 1 ? "rule" : "rules"}`, order && "the order", limits && "the limits of a session"].filter((one) => typeof one === "string");
  return parts.length === 0 ? "providers" : list(parts);
}

/** The providers that an agent has rules for, once each. */
export function providersOf(agent: AgentRow): string[] {
  return [...new Set(agent.policy.rules.filter((rule) => rule.effect !== "deny").map((rule) => rule.provider))];
}
