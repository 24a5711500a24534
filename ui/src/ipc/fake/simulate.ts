import type { PolicySpec, RuleSpec, SimulatedRequest, SimulationView } from "../vault";

/** The rules of a policy over one typed request, as far as tests and pictures need them. Rust decides for real. */
export function simulate(policy: PolicySpec, request: SimulatedRequest): SimulationView {
  const none = { rule: null, ruleName: null, uses: null, steps: [] };
  let url: URL;
  try {
    url = new URL(request.url);
  } catch {
    return { ...none, decision: "deny", sentence: "Nothing", why: "That is not an address. It looks like https://api.example.com/v1/items." };
  }
  const steps: SimulationView["steps"] = [];
  const sentence = `${request.method} ${url.pathname} at ${url.host}`;
  for (const [index, rule] of policy.rules.entries()) {
    const why = mismatch(rule, url, request);
    steps.push({ rule: index, name: rule.name, matched: why === null, why: why ?? "everything it names is so" });
    if (why !== null) continue;
    if (rule.reason && !request.reason) return { ...none, steps, rule: index, ruleName: rule.name, decision: "deny", sentence, why: `The rule “${rule.name}” wants a reason, and there is none.` };
    const whys = { allow: "It is sent at once.", ask: "It waits until a person answers.", deny: "The rule denies it." };
    return { decision: rule.effect, rule: index, ruleName: rule.name, sentence, why: whys[rule.effect], steps, uses: rule.effect === "deny" ? null : (rule.secrets[0]?.name ?? null) };
  }
  return { ...none, decision: "deny", sentence, steps, why: "No rule allows it." };
}

function mismatch(rule: RuleSpec, url: URL, request: SimulatedRequest): string | null {
  if (!rule.hosts.includes(url.hostname)) return `another host than ${url.hostname}`;
  if (!rule.methods.includes(request.method)) return `another method than ${request.method}`;
  if (!rule.paths.some((pattern) => pathMatches(pattern, url.pathname))) return "another path";
  if (rule.process?.path && rule.process.path !== request.process) return "another process";
  return null;
}

function pathMatches(pattern: string, path: string): boolean {
  const wanted = pattern.split("/").slice(1);
  const has = path.split("/").slice(1);
  for (const [index, segment] of wanted.entries()) {
    if (segment === "**") return true;
    if (has[index] === undefined || (segment !== "*" && segment !== has[index])) return false;
  }
  return wanted.length === has.length;
}
