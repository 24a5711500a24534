import type { AccessCell, AccessColumn, AccessRow, EnvClass } from "../../ipc/vault";
import { granted, idle, soon } from "./cells";

/** A saved question: which cells answer it. Rows and columns without one are not shown. */
export type Question = {
  id: string;
  label: string;
  /** What is said when no cell answers. */
  none: string;
  hit: (cell: AccessCell, row: AccessRow, column: AccessColumn, now: number) => boolean;
};

export const questions: readonly Question[] = [
  { id: "production", label: "Who can read production", none: "Nobody holds a key of a production environment.", hit: (cell, _row, column) => granted(cell) && column.cls === "production" },
  { id: "idle", label: "Keys nobody used for 60 days", none: "Every key was used in the last 60 days.", hit: (cell, _row, _column, now) => cell.state === "key" && (cell.lastDecrypt === null || now - cell.lastDecrypt > idle) },
  { id: "ending", label: "Grants that end within 30 days", none: "No grant ends within 30 days.", hit: (cell, _row, _column, now) => granted(cell) && cell.endsAt !== null && cell.endsAt - now < soon },
  { id: "unverified", label: "Unverified people with keys", none: "The key of everybody who holds a data key was compared.", hit: (cell, row) => granted(cell) && row.trust === "unverified" },
  { id: "few", label: "Keys held by two people or fewer", none: "Three people or more hold every key.", hit: (cell, _row, column) => granted(cell) && column.people <= 2 },
  { id: "waiting", label: "Grants whose key is not there yet", none: "Every grant has its key.", hit: (cell) => cell.state === "waits" },
];

/** Which columns are shown. */
export type Columns = { kind: "class"; cls: EnvClass; label: string } | { kind: "app"; appId: string; label: string };

export function inColumns(column: AccessColumn, shown: Columns | null): boolean {
  if (shown === null) return true;
  return shown.kind === "class" ? column.cls === shown.cls && !column.group : column.appId === shown.appId;
}

export const classes: readonly { cls: EnvClass; label: string }[] = [
  { cls: "production", label: "Production" },
  { cls: "staging", label: "Staging" },
  { cls: "development", label: "Development" },
  { cls: "other", label: "Other" },
];
