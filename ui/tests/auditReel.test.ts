import { describe, expect, it } from "vitest";
import { Reel, tallest } from "../src/shared/reel";

const view = 540;
const many = 1_200_000;

function reel(total: number, opens: (index: number) => boolean = () => false): Reel {
  const made = new Reel(32, 24, opens);
  made.resize(total, view);
  return made;
}

/** Where a row is drawn, from the upper edge of the view. */
function seen(list: Reel, index: number): number | undefined {
  const row = list.placed(8).find((one) => one.index === index);
  return row && row.y - list.scrollTop;
}

/** One row per step of 32 pixels: the wheel, as the browser reports it. */
function wheel(list: Reel, by: number): void {
  list.scrolled(list.scrollTop + by);
}

describe("a list of 1,200,000 rows", () => {
  it("is no higher than an engine can draw, and reaches its last row", () => {
    const list = reel(many);
    expect(list.height).toBe(tallest);
    list.scrolled(tallest - view);
    expect(seen(list, many - 1)).toBe(view - 32);
    list.scrolled(0);
    expect(seen(list, 0)).toBe(0);
  });

  it("moves one row per row of the wheel, wherever it is", () => {
    const list = reel(many);
    list.scrolled(5_000_000);
    const before = list.first;
    expect(before).toBeGreaterThan(400_000);
    const at = seen(list, before + 3) ?? NaN;
    wheel(list, 32);
    expect(seen(list, before + 3)).toBeCloseTo(at - 32, 6);
    wheel(list, -32);
    expect(seen(list, before + 3)).toBeCloseTo(at, 6);
  });

  it("stays under the eye when the scroll bar comes back into step", () => {
    const list = reel(many);
    list.scrolled(5_000_000);
    for (let step = 0; step < 900; step += 1) wheel(list, 100);
    const row = list.first + 2;
    const at = seen(list, row) ?? NaN;
    const bar = list.scrollTop;
    expect(list.settle()).not.toBe(bar);
    expect(seen(list, row)).toBeCloseTo(at, 6);
  });

  it("never gets stuck: the wheel alone reaches both ends", () => {
    const list = reel(many, (index) => index > 0 && index % 90 === 0);
    list.show(900);
    for (let step = 0; step < 400; step += 1) wheel(list, -120);
    expect([list.first, list.scrollTop]).toEqual([0, 0]);
    list.show(many - 900);
    for (let step = 0; step < 400; step += 1) wheel(list, 120);
    expect(seen(list, many - 1)).toBeCloseTo(view - 32, 6);
    expect(list.scrollTop).toBe(list.height - view);
  });

  it("shows any row, near ones by the shortest way", () => {
    const list = reel(many);
    list.show(700_001);
    expect(seen(list, 700_001)).toBe(180);
    list.show(700_012);
    expect(seen(list, 700_012)).toBe(view - 32);
    list.show(700_011);
    expect(seen(list, 700_012)).toBe(view - 32);
    list.show(many - 1);
    expect(seen(list, many - 1)).toBe(view - 32);
    list.show(0);
    expect(seen(list, 0)).toBe(0);
  });

  it("keeps what is in view when rows come in above", () => {
    const list = reel(many);
    wheel(list, 320);
    const at = seen(list, 12);
    list.inserted(7);
    expect(seen(list, 19)).toBe(at);
    for (let step = 0; step < 10; step += 1) wheel(list, -100);
    expect([list.first, list.scrollTop]).toEqual([0, 0]);
  });
});

describe("labels between the rows", () => {
  it("take their own height, and rows follow below them", () => {
    const list = reel(100, (index) => index === 3);
    expect(list.height).toBe(100 * 32 + 24);
    expect([seen(list, 2), seen(list, 3), seen(list, 4)]).toEqual([64, 120, 152]);
    list.show(99);
    expect(seen(list, 99)).toBe(view - 32);
  });

  it("that turn up above the view move nothing in it", () => {
    let known = false;
    const list = reel(100_000, (index) => known && index % 10 === 0 && index < 50_000);
    list.show(50_004);
    const at = seen(list, 50_004);
    known = true;
    expect(seen(list, 50_004)).toBe(at);
  });
});

it("a list that fits stands still, and an empty one has no rows", () => {
  const short = reel(3);
  expect(short.scrolled(40)).toBe(0);
  expect(short.placed(8).length).toBe(3);
  expect(reel(0).placed(8)).toEqual([]);
});

it("a list that became shorter ends where it ends", () => {
  const list = reel(10_000);
  list.show(9_999);
  list.resize(50, view);
  expect(seen(list, 49)).toBe(view - 32);
});
