import type { AuditQuery } from "./bindings";

export type AuditFormat = "csv" | "jsonl" | "cef" | "bundle";
export type WitnessView = { url: string; name: string; key: string; last: { at: number; size: number } | null; problem: string | null };

/** Commands of the log that the shell does not answer yet. */
export type AuditCommandsToCome = {
  auditExport: (query: AuditQuery, format: AuditFormat, names: boolean) => Promise<string | null>;
  auditRetain: (before: number) => Promise<null>;
  auditReset: () => Promise<null>;
  witnessView: () => Promise<WitnessView | null>;
  witnessSet: (url: string, key: string) => Promise<WitnessView>;
  witnessRemove: () => Promise<null>;
};
