import type { ImportIssue, ImportReport, ImportRow } from "../vault";

type Line = { line: number; name: string };

/** A dry run over a made-up file: enough of the real reader for the window to be tried against. */
export class FakeImport {
  #lines: Line[] = [];
  #bad = new Map<number, string>();
  #kept = new Map<string, number>();

  constructor(readonly id: string, readonly envId: string, readonly fileName: string, text: string, readonly known: ReadonlySet<string>) {
    text.split(/\r?\n/).forEach((raw, index) => {
      const match = /^\s*(?:export\s+)?([^=#\s]+)\s*=/.exec(raw);
      if (!match?.[1]) return;
      if (/^[A-Za-z_]/.test(match[1])) this.#lines.push({ line: index + 1, name: match[1] });
      else this.#bad.set(index + 1, match[1]);
    });
  }

  rename(line: number, name: string): void {
    this.#bad.delete(line);
    this.#lines.push({ line, name });
    this.#lines.sort((a, b) => a.line - b.line);
  }

  keep(name: string, line: number): void {
    this.#kept.set(name, line);
  }

  /** The rows that count, by name: the last line wins unless another was chosen. */
  rows(): ImportRow[] {
    const last = new Map<string, Line>();
    for (const one of this.#lines) {
      const chosen = this.#kept.get(one.name);
      if (chosen === undefined || chosen === one.line) last.set(one.name, one);
    }
    return [...last.values()].map(({ line, name }) => ({ line, name, op: this.known.has(name) ? "change" : "add" }));
  }

  report(): ImportReport {
    const rows = this.rows();
    const issues: ImportIssue[] = [...this.#bad].map(([line, name]) => ({ line, otherLine: null, name, kind: "badName", canRename: true, canChoose: false }));
    const seen = new Map<string, number>();
    for (const { line, name } of this.#lines) {
      const before = seen.get(name);
      if (before !== undefined) issues.push({ line: before, otherLine: line, name, kind: "duplicate", canRename: false, canChoose: true });
      seen.set(name, line);
    }
    const read = this.#lines.length + this.#bad.size;
    return {
      id: this.id, envId: this.envId, fileName: this.fileName, read,
      added: rows.filter((row) => row.op === "add").length,
      changed: rows.filter((row) => row.op === "change").length,
      same: 0, skipped: read - rows.length,
      rows: rows.slice(0, 500), issues: issues.slice(0, 500),
    };
  }
}

/** 840 lines with one bad name and one name twice. */
export function exampleFile(): string {
  const lines = Array.from({ length: 840 }, (_, index) => `SERVICE_${String(index + 1).padStart(3, "0")}_TOKEN=value-${index}`);
  lines[3] = "REDIS_URL=redis://cache";
  lines[9] = "SENTRY_DSN=https://errors";
  lines[117] = "2FA_SEED=seed";
  lines[401] = "API_URL=one";
  lines[610] = "API_URL=two";
  return lines.join("\n");
}
