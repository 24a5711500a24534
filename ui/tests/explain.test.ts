import { describe, expect, it } from "vitest";
import { explain, explainThrown } from "../src/ipc/explain";
import { VaultError } from "../src/ipc/vault";
import type { CommandError } from "../src/ipc/vault";

const stop = { code: "fork", what: "", pinned: "", shown: "", evidence: null, canReset: false } as const;
const errors: CommandError[] = [
  { code: "locked" }, { code: "wrongPassphrase" }, { code: "keyringMissing" }, { code: "keyringBusy" }, { code: "secretKeyNeeded" },
  { code: "offline", since: null }, { code: "offline", since: 0 }, { code: "refused", status: 403, server: "not_allowed" }, { code: "garbage" }, { code: "stopped", stop },
  { code: "badName", reason: "it is empty" }, { code: "nameTaken", name: "prod" }, { code: "tooLarge", limit: 65_536 }, { code: "fileUnreadable" }, { code: "diskFull" },
  { code: "cacheCorrupt" }, { code: "cancelled" }, { code: "notAllowed" }, { code: "notFound" }, { code: "notAnEnvFile" }, { code: "badAddress", insecure: true }, { code: "badAddress", insecure: false },
  { code: "wrongAddress", other: "https://other.example" }, { code: "registrationClosed" }, { code: "browserFailed" }, { code: "badCode", problem: "mistyped" }, { code: "badCode", problem: "used" }, { code: "badCode", problem: "expired" },
  { code: "badCode", problem: "foreign" }, { code: "badCode", problem: "unknown" }, { code: "alreadyHere" }, { code: "summaryChanged" }, { code: "lastOwner" }, { code: "policyForbids" },
  { code: "keyDue" }, { code: "removed" }, { code: "unreadable", count: 1 }, { code: "unreadable", count: 3 }, { code: "signIn", problem: "unsafe" }, { code: "signIn", problem: "provider" }, { code: "signIn", problem: "denied" },
  { code: "signIn", problem: "timedOut" }, { code: "signIn", problem: "noBrowser" }, { code: "notReady", missing: "two data keys are due" }, { code: "internal", reportId: "r-7" },
  { code: "badPolicy", place: "Rule 2", problem: "a path begins with /." }, { code: "noBroker", why: "it is starting" },
];

describe("every error", () => {
  it.each(errors)("$code has a sentence in the house's words", (error) => {
    const text = explain(error);
    expect(text).toMatch(/^[A-Z“].*\.$/);
    expect(text).not.toMatch(/!|please|oops|simply|undefined/i);
  });

  it("has a sentence of its own", () => {
    const texts = errors.map(explain);
    expect(new Set(texts).size).toBe(texts.length);
  });
});

it("text of a server is cut", () => {
  const text = explain({ code: "refused", status: 400, server: "x".repeat(5_000) });
  expect(text.length).toBeLessThan(260);
});

it("anything else that is thrown is an internal error, not its text", () => {
  expect(explainThrown(new Error("stack with a path"))).not.toContain("path");
  expect(explainThrown(new VaultError({ code: "diskFull" }))).toContain("disk is full");
});
