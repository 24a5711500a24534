import type { EnvClass } from "../../ipc/vault";

/** Which of the small forms is open, and for what. */
export type Form = { kind: "org" | "orgRename" | "app"; id?: string } | { kind: "appRename" | "env" | "envRename"; id: string };

export const classes: { value: EnvClass; label: string; dot: string }[] = [
  { value: "development", label: "Development", dot: "development" },
  { value: "staging", label: "Staging", dot: "staging" },
  { value: "production", label: "Production", dot: "production" },
  { value: "other", label: "Other", dot: "other" },
];

/** The environments that a new application starts with, unless unticked. */
export const usual: { name: string; class: EnvClass }[] = [
  { name: "dev", class: "development" },
  { name: "staging", class: "staging" },
  { name: "prod", class: "production" },
];

/** The class that a name suggests. */
export function classOf(name: string): EnvClass {
  const plain = name.trim().toLowerCase();
  if (/^(dev|develop|development|local|test|ci)$/.test(plain)) return "development";
  if (/^(stag|stage|staging|qa|uat|preview|pre-?prod)$/.test(plain)) return "staging";
  if (/^(prod|production|live)$/.test(plain)) return "production";
  return "other";
}
