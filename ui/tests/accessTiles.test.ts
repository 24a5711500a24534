import { describe, expect, it, vi } from "vitest";
import { side, Tiles } from "../src/features/access/tiles";
import type { AccessCell, AccessTile } from "../src/ipc/vault";

const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};
const key = (row: number, col: number, rights = 1): AccessCell => ({ row, col, state: "key", rights, endsAt: null, lastDecrypt: null, staged: null });

/** A vault of 500 by 500 whose answers come when the test says so. */
function slow(version = 1) {
  const asked: { row: number; col: number; version: number; answer: (tile?: Partial<AccessTile>) => Promise<void>; fail: () => Promise<void> }[] = [];
  const hooks = { arrived: vi.fn(), stale: vi.fn(), failed: vi.fn() };
  const tiles = new Tiles(
    (of, row, col) =>
      new Promise((resolve, reject) => {
        asked.push({
          row, col, version: of,
          answer: async (tile = {}) => {
            resolve({ version: of, cells: [key(row * side, col * side)], ...tile });
            await settled();
          },
          fail: async () => {
            reject(new Error("offline"));
            await settled();
          },
        });
      }),
    hooks,
  );
  tiles.begin(version, 500, 500, false);
  const answerAll = async () => {
    for (let at = 0; at < asked.length; at += 1) await asked[at]?.answer();
  };
  return { tiles, asked, hooks, answerAll };
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
const names = (asked: { row: number; col: number }[]) => asked.map(({ row, col }) => `${row}:${col}`);

describe("tiles of the matrix", () => {
  it("are asked for what is in view first, then for the neighbours, and nothing else", async () => {
    const { tiles, asked, answerAll } = slow();
    tiles.look(range(200, 222), range(100, 110));
    expect(names(asked.slice(0, 1))).toEqual(["6:3"]);
    await answerAll();
    expect(names(asked).sort()).toEqual(["5:2", "5:3", "5:4", "6:2", "6:3", "6:4", "7:2", "7:3", "7:4"]);
  });

  it("that lie over an edge are asked for on both sides, and each once", async () => {
    const { tiles, asked, answerAll } = slow();
    tiles.look(range(20, 40), range(0, 10));
    tiles.look(range(21, 41), range(0, 10));
    await answerAll();
    expect(new Set(names(asked)).size).toBe(asked.length);
    expect(names(asked.slice(0, 2)).sort()).toEqual(["0:0", "1:0"]);
  });

  it("are known, empty or not here yet, and these three differ", async () => {
    const { tiles, asked } = slow();
    tiles.look([0], [0]);
    expect(tiles.cell(0, 0)).toBeUndefined();
    await asked[0]?.answer();
    expect(tiles.cell(0, 0)?.rights).toBe(1);
    expect(tiles.cell(5, 5)).toBeNull();
  });

  it("of another version say so once, and nothing more is asked until the axes are new", async () => {
    const { tiles, asked, hooks } = slow();
    tiles.look([0], [0]);
    const before = asked.length;
    await asked[0]?.answer({ version: 2 });
    await asked[1]?.answer({ version: 2 });
    expect(hooks.stale).toHaveBeenCalledOnce();
    expect(asked).toHaveLength(before);
    tiles.begin(2, 500, 500, true);
    await asked[before]?.answer({ cells: [key(0, 0, 7)] });
    expect(asked[before]?.version).toBe(2);
    expect(tiles.cell(0, 0)?.rights).toBe(7);
  });

  it("stay in view until the new ones are here, and a late answer of an older round is dropped", async () => {
    const { tiles, asked } = slow();
    tiles.look([0], [0]);
    await asked[0]?.answer();
    const late = asked[1];
    tiles.refresh();
    expect(tiles.cell(0, 0)?.rights).toBe(1);
    const again = asked.filter((one) => one.row === 0 && one.col === 0)[1];
    await again?.answer({ cells: [key(0, 0, 3)] });
    await late?.answer({ cells: [key(late.row * side, late.col * side, 7)] });
    expect(tiles.cell(0, 0)?.rights).toBe(3);
    expect(tiles.cell((late?.row ?? 0) * side, (late?.col ?? 0) * side)).toBeUndefined();
  });

  it("are dropped when rows or columns are others", async () => {
    const { tiles, asked } = slow();
    tiles.look([0], [0]);
    await asked[0]?.answer();
    tiles.begin(2, 499, 500, false);
    expect(tiles.cell(0, 0)).toBeUndefined();
  });

  it("that failed are asked for again when they come into view again", async () => {
    const { tiles, asked, hooks } = slow();
    tiles.look([490], [490]);
    await asked[0]?.fail();
    expect(hooks.failed).toHaveBeenCalledOnce();
    const before = asked.length;
    tiles.look([490], [490]);
    expect(names(asked.slice(before))).toContain("15:15");
  });

  it("are all fetched for a question, and no more than six at once", async () => {
    const { tiles, asked, answerAll } = slow();
    tiles.look([0], [0]);
    tiles.everything = true;
    expect(asked).toHaveLength(6);
    await answerAll();
    expect(asked).toHaveLength(16 * 16);
    expect(tiles.share).toBe(1);
  });
});
