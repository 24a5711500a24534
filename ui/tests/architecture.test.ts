import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const root = "src";
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => /\.(ts|svelte|css)$/.test(name));
const text = (name: string) => readFileSync(join(root, name), "utf8");
const code = files.filter((name) => /\.(ts|svelte)$/.test(name));

/** The modules a file imports, relative ones as paths below src. */
function imports(name: string): string[] {
  return [...text(name).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => {
    const target = match[1] ?? "";
    return target.startsWith(".") ? relative(root, join(root, dirname(name), target)) : target;
  });
}

/** The folder that decides what a file may import: app, ipc, shared, features/environment … */
function place(path: string): string {
  const [top, second] = path.split("/");
  return top === "features" ? `${top}/${second}` : (top ?? "");
}

describe("imports go app, features, shared", () => {
  it.each(code)("%s", (name) => {
    const here = place(name);
    for (const target of imports(name)) {
      if (target.startsWith("@tauri-apps/")) expect(here).toBe("ipc");
      const there = place(target);
      if (there === "app") expect(["app", "main.ts"]).toContain(here);
      if (there.startsWith("features/")) expect(["app", here]).toContain(there === here ? here : here === "app" ? "app" : `${here} imports ${there}`);
      if (target.includes("ipc/bindings") || target.includes("ipc/tauri")) expect(["ipc", "main.ts"]).toContain(here);
      if (target.includes("ipc/fake")) expect(["ipc", "main.ts"]).toContain(here);
    }
  });
});

describe("the content security policy allows no inline style, and no colour stands outside the tokens", () => {
  it.each(files.filter((name) => name !== "styles/tokens.css" && !name.startsWith("ipc/fake")))("%s", (name) => {
    const plain = text(name);
    if (name.endsWith(".svelte")) expect(plain).not.toMatch(/\sstyle="/);
    if (!name.endsWith(".ts")) expect(plain).not.toMatch(/#[0-9a-f]{3,8}\b(?=[;\s)])|rgba?\(|hsla?\(|oklch\(/i);
    expect(plain).not.toMatch(/\{@html/);
  });
});

it("files can be read in one sitting", () => {
  const long = code.filter((name) => !name.startsWith("ipc/bindings") && text(name).split("\n").length > 600);
  expect(long).toEqual([]);
});
