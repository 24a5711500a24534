import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classOf } from "../src/features/organisation/forms";
import { icons } from "../src/shared/icons";
import { pieces } from "../src/shared/pieces";
import { drawnRows, scrollTo, visibleRange } from "../src/shared/virtual";
import { age, ago, countdown, differsAt, list, plural, secondsLeft, span } from "../src/shared/words";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

describe("the virtual list", () => {
  it("draws what is in view and a few rows beyond", () => {
    expect(visibleRange(0, 320, 32, 50_000, 4)).toEqual({ from: 0, to: 14 });
    expect(visibleRange(32_000, 320, 32, 50_000, 4)).toEqual({ from: 996, to: 1_014 });
  });

  it("never asks for rows that do not exist", () => {
    expect(visibleRange(1_600_000, 320, 32, 50_000, 4)).toEqual({ from: 49_996, to: 50_000 });
    expect(visibleRange(99_999, 320, 32, 3, 4)).toEqual({ from: 3, to: 3 });
    expect(visibleRange(-40, 320, 32, 0, 4)).toEqual({ from: 0, to: 0 });
  });

  it("scrolls just far enough to show a row", () => {
    expect(scrollTo(2, 320, 320, 32)).toBe(64);
    expect(scrollTo(12, 320, 320, 32)).toBe(320);
    expect(scrollTo(25, 320, 320, 32)).toBe(25 * 32 + 32 - 320);
  });

  it("keeps the focused row in the document when it is scrolled away", () => {
    expect(drawnRows({ from: 10, to: 12 }, 3, 50)).toEqual([3, 10, 11]);
    expect(drawnRows({ from: 10, to: 12 }, 40, 50)).toEqual([10, 11, 40]);
    expect(drawnRows({ from: 10, to: 12 }, 11, 50)).toEqual([10, 11]);
    expect(drawnRows({ from: 10, to: 12 }, 60, 50)).toEqual([10, 11]);
  });
});

describe("words", () => {
  it("say how long ago something was", () => {
    const now = 1_000 * day;
    expect(age(now - 8_000, now)).toBe("8 s");
    expect(age(now - 5 * minute, now)).toBe("5 min");
    expect(age(now - 47 * hour, now)).toBe("47 h");
    expect(age(now - 41 * day, now)).toBe("41 d");
    expect(ago(now - 500, now)).toBe("just now");
    expect(ago(now + 5_000, now)).toBe("just now");
  });

  it("round a span that is still to come", () => {
    expect(span(0, 3 * day - 1)).toBe("3 d");
    expect(span(0, 40_000)).toBe("40 s");
  });

  it("count down to zero and not beyond", () => {
    expect(secondsLeft(21_400, 0)).toBe(22);
    expect(secondsLeft(0, 5_000)).toBe(0);
    expect(countdown(581_000, 0)).toBe("9:41");
  });

  it("make a sentence of the place where a history differs, once", () => {
    expect(differsAt("audit entry 12730")).toBe("It differs at audit entry 12730.");
    expect(differsAt("Link 410 differs.")).toBe("Link 410 differs.");
  });

  it("join and count", () => {
    expect(list(["value", "note"])).toBe("value and note");
    expect(list([])).toBe("");
    expect(plural(1, "name")).toBe("1 name");
    expect(plural(1_204, "name")).toBe("1,204 names");
  });
});

describe("marked matches", () => {
  it("cut the name at its ranges", () => {
    expect(pieces("STRIPE_KEY", [[0, 4], [7, 10]])).toEqual([
      { text: "STRI", hit: true },
      { text: "PE_", hit: false },
      { text: "KEY", hit: true },
    ]);
  });

  it("ignore ranges that do not fit the text", () => {
    expect(pieces("KEY", [[1, 9]])).toEqual([{ text: "KEY", hit: false }]);
  });
});

it("the class of an environment follows from its usual names", () => {
  expect([classOf("dev"), classOf("QA"), classOf("Production"), classOf("eu-2")]).toEqual(["development", "staging", "production", "other"]);
});

it("every icon has a glyph in the sprite, and every glyph a name", () => {
  const sprite = readFileSync("src/shared/Sprite.svelte", "utf8");
  const drawn = [...sprite.matchAll(/id="i-(\w+)"/g)].map((match) => match[1]);
  expect(drawn.sort()).toEqual([...icons].sort());
});
