import { describe, expect, it, vi } from "vitest";
import { pageSize, Rows } from "../src/features/environment/rows.svelte";
import type { RowsQuery, RowsView, SecretRow } from "../src/ipc/vault";

type Query = Omit<RowsQuery, "envId">;

function secret(index: number, name = `NAME_${index}`): SecretRow {
  const me = { id: "usr_me", name: "Me", initials: "M", you: true };
  return { id: `sec_${name}`, name, version: 1, changedBy: me, changedAt: 0, note: null, matches: [], kind: "text", staged: null, nextVersion: null };
}

function answer(query: Query, total: number, prefix = ""): RowsView {
  const length = Math.max(0, Math.min(query.limit, total - query.offset));
  return { total, matched: total, offset: query.offset, rows: Array.from({ length }, (_, at) => secret(query.offset + at, `${prefix}NAME_${query.offset + at}`)) };
}

/** A vault whose answers come when the test says so, in any order. */
function slow(total: number) {
  const calls: { query: Query; answer: (prefix?: string, total?: number) => Promise<void>; fail: () => Promise<void> }[] = [];
  const failed = vi.fn();
  const rows = new Rows(
    (query) =>
      new Promise((resolve, reject) => {
        calls.push({
          query,
          answer: async (prefix = "", now = total) => {
            resolve(answer(query, now, prefix));
            await Promise.resolve();
            await Promise.resolve();
          },
          fail: async () => {
            reject(new Error("offline"));
            await Promise.resolve();
            await Promise.resolve();
          },
        });
      }),
    failed,
  );
  return { rows, calls, failed };
}

describe("rows of an environment", () => {
  it("are fetched in pages around what is in view, and each page once", async () => {
    const { rows, calls } = slow(50_000);
    rows.refresh();
    await calls[0]?.answer();
    expect(rows.matched).toBe(50_000);
    rows.look(40_000, 40_030);
    rows.look(40_001, 40_031);
    expect(calls).toHaveLength(2);
    const asked = calls[1]?.query;
    expect(asked && asked.offset <= 40_000 && asked.offset + asked.limit >= 40_030).toBe(true);
    await calls[1]?.answer();
    expect(rows.row(40_007)?.name).toBe("NAME_40007");
    expect(rows.row(20_000)).toBeUndefined();
    rows.look(40_000, 40_030);
    expect(calls).toHaveLength(2);
  });

  it("ask for both pages at once where the view lies over an edge", async () => {
    const { rows, calls } = slow(1_000);
    rows.refresh();
    await calls[0]?.answer();
    rows.look(2 * pageSize - 5, 2 * pageSize + 20);
    expect(calls[1]?.query).toMatchObject({ offset: pageSize, limit: 2 * pageSize });
  });

  it("drop the answer to an older filter, however late it comes", async () => {
    const { rows, calls } = slow(300);
    rows.refresh();
    await calls[0]?.answer();
    rows.setFilter("S");
    rows.setFilter("ST");
    expect(calls.map((call) => call.query.filter)).toEqual(["", "S", "ST"]);
    await calls[2]?.answer("ST_", 2);
    await calls[1]?.answer("S_", 90);
    expect(rows.matched).toBe(2);
    expect(rows.row(0)?.name).toBe("ST_NAME_0");
  });

  it("stay on screen until the new answer is here", async () => {
    const { rows, calls } = slow(300);
    rows.refresh();
    await calls[0]?.answer("OLD_");
    rows.setFilter("x");
    expect(rows.row(0)?.name).toBe("OLD_NAME_0");
    await calls[1]?.answer("NEW_", 1);
    expect(rows.row(0)?.name).toBe("NEW_NAME_0");
    expect(rows.row(1)).toBeUndefined();
  });

  it("can be asked for again after a failure", async () => {
    const { rows, calls, failed } = slow(1_000);
    rows.refresh();
    await calls[0]?.answer();
    rows.look(900, 910);
    await calls[1]?.fail();
    expect(failed).toHaveBeenCalledOnce();
    rows.look(900, 910);
    expect(calls).toHaveLength(3);
  });

  it("sort by time with the latest first, and turn round the second time", () => {
    const { rows, calls } = slow(10);
    rows.sortBy("changedAt");
    rows.sortBy("changedAt");
    rows.sortBy("name");
    expect(calls.map(({ query }) => [query.sort, query.descending])).toEqual([["changedAt", true], ["changedAt", false], ["name", false]]);
  });
});
