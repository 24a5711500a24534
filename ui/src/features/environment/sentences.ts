import type { ImportIssue, StagedRow, StagedSummary } from "../../ipc/vault";
import { count } from "../../shared/words";

/** "1 added, 1 changed, 1 deleted." Only the parts that are there. */
export function staging({ added, changed, deleted }: Pick<StagedSummary, "added" | "changed" | "deleted">): string {
  const parts = [
    [added, "added"],
    [changed, "changed"],
    [deleted, "deleted"],
  ] as const;
  const said = parts.filter(([number]) => number > 0).map(([number, word]) => `${count(number)} ${word}`);
  return said.length === 0 ? "" : `${said.join(", ")}.`;
}

/** What a staged row does: "new", "4 → 5, value and note", "deletes version 2". */
export function becomes(row: StagedRow): string {
  if (row.op === "add") return "new";
  if (row.op === "delete") return row.fromVersion === null ? "deletes" : `deletes version ${row.fromVersion}`;
  return `${row.fromVersion ?? 0} → ${row.toVersion}`;
}

/** What is wrong with a line of a file, as a sentence after "Line 118, NAME:". */
export function trouble(issue: ImportIssue, kept: number | undefined): string {
  switch (issue.kind) {
    case "badName":
      return /^[0-9]/.test(issue.name ?? "") ? "a name cannot begin with a digit." : "this cannot be a name.";
    case "duplicate": {
      const skipped = kept === issue.line ? issue.otherLine : issue.line;
      return `twice: line ${count(skipped ?? issue.line)} is skipped.`;
    }
    case "unterminatedQuote":
      return "the quote is never closed.";
    case "noEquals":
      return "there is no = in this line.";
    case "tooLong":
      return "the value is longer than 64 KiB.";
    case "notText":
      return "this line is not text.";
  }
}
