// Measures WCAG 2.2 contrast of every pair of roles that occurs, from tokens.css. Exit code 1 if one falls short.
// node tools/contrast.mjs [--all]
import { readFileSync } from "node:fs";
const css = readFileSync(new URL("../src/styles/tokens.css", import.meta.url), "utf8");
const block = (head) => {
  const at = css.indexOf(head);
  const body = css.slice(css.indexOf("{", at), css.indexOf("}", at));
  return Object.fromEntries([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1], m[2]]));
};
const lin = (v) => ((v /= 255), v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const lum = (h) => [0.2126, 0.7152, 0.0722].reduce((s, w, i) => s + w * lin(parseInt(h.slice(1 + 2 * i, 3 + 2 * i), 16)), 0);
const ratio = (a, b) => ((x, y) => (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05))(lum(a), lum(b));

const grounds = ["bg", "bg-side", "bg-raised", "bg-field", "bg-sunken", "bg-hover", "bg-selected"];
const tones = ["accent", "ok", "warn", "danger", "staged", "info"];
const pairs = [
  ...["text", "text-2"].flatMap((f) => grounds.map((g) => [f, g, 7])),
  ...grounds.map((g) => ["text-3", g, 4.5]),
  ...tones.flatMap((f) => grounds.map((g) => [f, g, 4.5])),
  ...tones.map((f) => [f, `${f}-soft`, 4.5]),
  ...tones.flatMap((f) => ["text", "text-2"].map((t) => [t, `${f}-soft`, 4.5])),
  ["on-fill", "accent-fill", 4.5],
  ["on-fill", "danger-fill", 4.5],
  ...["bg", "bg-side", "bg-raised", "bg-field", "bg-sunken"].map((g) => ["control", g, 3]),
  ...grounds.map((g) => ["focus", g, 3]),
  ["accent-fill", "bg", 3],
  ["accent-fill", "bg-raised", 3],
];
let bad = 0;
for (const [name, head] of [["dark", '[data-theme="dark"] {'], ["light", '[data-theme="light"] {']]) {
  const v = block(head);
  for (const [f, g, need] of pairs) {
    const r = ratio(v[f], v[g]);
    const low = r < need;
    bad += low;
    if (low || process.argv.includes("--all")) console.log(`${low ? "LOW " : "ok  "}${name.padEnd(6)}${f.padEnd(12)} on ${g.padEnd(13)}${r.toFixed(2)} (needs ${need})`);
  }
}
// The system's light theme repeats the list of data-theme="light"; the two must not drift apart.
const twin = JSON.stringify(block('[data-theme="light"] {')) !== JSON.stringify(block(":root:not([data-theme]) {"));
if (twin) console.log("LOW  the two lists of light colours differ");
bad += twin;
console.log(bad ? `${bad} pairs fall short` : `all ${pairs.length * 2} pairs pass`);
process.exit(bad ? 1 : 0);
