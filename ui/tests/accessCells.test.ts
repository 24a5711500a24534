import { describe, expect, it } from "vitest";
import { day, drawn, nameOf } from "../src/features/access/cells";
import { endOfDay, isoDay } from "../src/features/access/dates";
import { questions } from "../src/features/access/questions";
import { effect } from "../src/features/access/sentences";
import type { AccessCell, AccessColumn, AccessRow } from "../src/ipc/vault";

const now = 1_000 * day;
const hour = day / 24;
const teo: AccessRow = { principal: { kind: "person", id: "usr_teo", name: "Teo Varga", initials: "TV", you: false }, role: "member", trust: "words", leaving: false };
const prod: AccessColumn = { envId: "env_prod", name: "prod", cls: "production", appId: "app_sf", app: "storefront", group: false, secrets: 38, people: 5, due: false, canGrant: true };
const held = (change: Partial<AccessCell> = {}): AccessCell => ({ row: 0, col: 0, state: "key", rights: 1, endsAt: null, lastDecrypt: now - 9 * hour, staged: null, ...change });

describe("a cell", () => {
  it("shows rights and the last decrypt, or that there was none", () => {
    expect(drawn(held({ rights: 7 }), now)).toMatchObject({ tile: "has", letters: "RWG", text: "9 h", tone: "" });
    expect(drawn(held({ lastDecrypt: null }), now)).toMatchObject({ text: "never", tone: "nvr" });
    expect(drawn(held({ lastDecrypt: now - 61 * day }), now)).toMatchObject({ text: "61 d", tone: "old" });
  });

  it("shows its end in place of the last decrypt only under 30 days", () => {
    expect(drawn(held({ endsAt: now + 3 * day }), now)).toMatchObject({ tile: "has exp", text: "3d", clock: true });
    expect(drawn(held({ endsAt: now + 31 * day }), now)).toMatchObject({ tile: "has exp", text: "9 h", clock: false });
  });

  it("tells a role, a use, a reviewer, a key on its way and nothing apart", () => {
    expect(drawn(held({ state: "role", rights: 0 }), now).letters).toBe("role");
    expect(drawn(held({ state: "use", rights: 0 }), now)).toMatchObject({ letters: "use", icon: "agent" });
    expect(drawn(held({ state: "never", rights: 0 }), now)).toMatchObject({ ground: "never", tile: "", text: "" });
    expect(drawn(held({ state: "waits" }), now)).toMatchObject({ tile: "waits", text: "waits" });
    expect(drawn(null, now).text).toBe("·");
    expect(drawn(undefined, now).text).toBe("");
  });

  it("shows what is staged with a sign, not by colour alone", () => {
    expect(drawn(held({ rights: 3, staged: { rights: 0, endsAt: null } }), now)).toMatchObject({ tile: "rem", sign: "− ", letters: "RW" });
    expect(drawn(held({ rights: 0, lastDecrypt: null, staged: { rights: 1, endsAt: null } }), now)).toMatchObject({ tile: "add", sign: "+ ", text: "new" });
    expect(drawn(held({ staged: { rights: 3, endsAt: null } }), now)).toMatchObject({ tile: "add", sign: "→ ", letters: "RW" });
    expect(drawn(held({ state: "role", rights: 0, staged: { rights: 1, endsAt: now + 14 * day } }), now)).toMatchObject({ text: "14d", clock: true });
  });

  it("has a full name for readers", () => {
    expect(nameOf(held({ endsAt: now + 3 * day }), teo, prod, now)).toBe("Teo Varga, storefront prod, read, ends in 3 days, last decrypt 9 hours ago");
    expect(nameOf(held({ lastDecrypt: null, rights: 3 }), teo, prod, now)).toBe("Teo Varga, storefront prod, read and write, never decrypted");
    expect(nameOf(null, teo, prod, now)).toBe("Teo Varga, storefront prod, no access");
    expect(nameOf(held({ state: "never", rights: 0 }), teo, prod, now)).toBe("Teo Varga, storefront prod, reviewer, can never hold a key");
    expect(nameOf(held({ staged: { rights: 0, endsAt: null } }), teo, prod, now)).toBe("Teo Varga, storefront prod, staged: revoke read");
    expect(nameOf(held({ staged: { rights: 3, endsAt: now + 14 * day } }), teo, prod, now)).toBe("Teo Varga, storefront prod, staged: read and write, ends in 14 days, now read");
    expect(nameOf(held(), teo, { ...prod, group: true, name: "observability" }, now)).toContain("Teo Varga, observability, read");
  });
});

describe("saved questions", () => {
  const answers = (cell: AccessCell, row = teo, column = prod) => questions.filter((one) => one.hit(cell, row, column, now)).map((one) => one.id);

  it("find what they are named for", () => {
    expect(answers(held())).toEqual(["production"]);
    expect(answers(held({ lastDecrypt: null }))).toContain("idle");
    expect(answers(held({ lastDecrypt: now - 61 * day }))).toContain("idle");
    expect(answers(held({ endsAt: now + 29 * day }))).toContain("ending");
    expect(answers(held({ endsAt: now + 31 * day }))).not.toContain("ending");
    expect(answers(held(), { ...teo, trust: "unverified" })).toContain("unverified");
    expect(answers(held(), teo, { ...prod, people: 2 })).toContain("few");
    expect(answers(held({ state: "waits" }))).toContain("waiting");
  });

  it("do not take a role for a key", () => {
    expect(answers(held({ state: "role", rights: 0, lastDecrypt: null }))).toEqual([]);
  });
});

describe("an end written as a day", () => {
  it("is the last second of that day", () => {
    const end = endOfDay("2026-12-06", new Date(2026, 10, 22).getTime());
    expect(end).toBe(new Date(2026, 11, 6, 23, 59, 59).getTime());
    expect(isoDay(end ?? 0)).toBe("2026-12-06");
  });

  it("is refused when there is no such day, or it is over", () => {
    const at = new Date(2026, 10, 22).getTime();
    for (const written of ["2026-02-30", "2026-13-01", "2026-11-21", "tomorrow", "", "12026-01-01"]) expect(endOfDay(written, at)).toBeNull();
  });
});

it("the effect of what is staged is one plain sentence", () => {
  const staged = { count: 8, gains: 2, loses: 1, keysReplaced: 6, canUndo: true, canRedo: false };
  expect(effect(staged)).toBe("2 gain, 1 loses access. 6 data keys will be replaced.");
  expect(effect({ ...staged, loses: 0, keysReplaced: 0 })).toBe("2 gain access. No data key changes.");
});
