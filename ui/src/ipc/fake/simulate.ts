import { VaultError } from "../vault";
import type { PolicySpec, RuleSpec, SimulatedRequest, SimulationView } from "../vault";

const says = { allow: "It matches and allows.", ask: "It matches; a person decides.", deny: "It matches and denies." };

/** The rules of a policy over one typed request, as far as tests and pictures need them. Rust decides for real. */
export function simulate(policy: PolicySpec, request: SimulatedRequest): SimulationView {
  const none = { rule: null, ruleName: null, uses: null, steps: [] };
  let url: URL;
  try {
    url = new URL(request.url);
  } catch {
    throw new VaultError({ code: "badPolicy", place: `address, ${request.url}`, problem: "it is no address; write it as https://api.example.com" });
  }
  const steps: SimulationView["steps"] = [];
  const sentence = `${request.method} ${url.pathname} at ${url.host}`;
  for (const [index, rule] of policy.rules.entries()) {
    const why = mismatch(rule, url, request);
    steps.push({ rule: index, name: rule.name, matched: why === null, why: why ?? says[rule.effect] });
    if (why !== null) continue;
    if (rule.reason && !request.reason) return { ...none, steps, rule: index, ruleName: rule.name, decision: "deny", sentence, why: `The rule “${rule.name}” wants a reason, and there is none.` };
    const whys = { allow: "It is sent at once.", ask: "It waits until a person answers.", deny: "The rule denies it." };
    return { decision: rule.effect, rule: index, ruleName: rule.name, sentence, why: whys[rule.effect], steps, uses: rule.effect === "deny" ? null : (rule.secrets[0]?.name ?? null) };
  }
  return { ...none, decision: "deny", sentence, steps, why: "No rule allows it." };
}

function mismatch(rule: RuleSpec, url: URL, request: SimulatedRequest): string | null {
  if (!rule.hosts.includes(url.hostname)) return "It is for other hosts.";
  if (!rule.methods.includes(request.method)) return "It is for other methods.";
  if (!rule.paths.some((pattern) => pathMatches(pattern, url.pathname))) return "It is for other paths.";
  if (rule.process?.path && rule.process.path !== request.process) return "It is for another program.";
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
