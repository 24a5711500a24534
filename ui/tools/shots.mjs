// Takes pictures of every screen with the vault in memory, under the content security policy of the product.
// Each is also checked by axe (WCAG 2.2 AA) and for messages on the console.
// node tools/shots.mjs [folder] [name filter]      needs Chromium (CHROMIUM=path, default /usr/bin/chromium)
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { build, preview } from "vite";
import { scenes } from "./scenes.mjs";

const folder = process.argv[2] ?? "shots";
const only = process.argv[3] ?? "";
mkdirSync(folder, { recursive: true });

await build({ mode: "fake", logLevel: "warn" });
const server = await preview({ mode: "fake", build: { outDir: "dist-fake" }, logLevel: "warn" });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--force-color-profile=srgb"] });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], rules: { region: { enabled: false } } };
let complaints = 0;

for (const { name, query, size = [1280, 800], run } of scenes) {
  if (!name.includes(only)) continue;
  for (const theme of ["dark", "light"]) {
    const page = await browser.newPage({ viewport: { width: size[0], height: size[1] }, deviceScaleFactor: 1 });
    const complain = (text) => {
      complaints += 1;
      console.log(`${name} ${theme}: ${text}`);
    };
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complain(message.text()));
    page.on("pageerror", (error) => complain(error.stack ?? error.message));
    await page.goto(`http://127.0.0.1:1430/?fake=1&theme=${theme}&${query}`);
    try {
      await run?.(page);
    } catch (error) {
      complain(error.message);
    }
    await page.waitForTimeout(350);
    await page.screenshot({ path: `${folder}/${name}-${theme}.png` });
    await page.evaluate(axe);
    const found = await page.evaluate((options) => window.axe.run(document, options), rules);
    for (const { id, nodes } of found.violations) complain(`axe ${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join("  |  ")} (${nodes.length})`);
    await page.close();
  }
}
await browser.close();
await server.close();
console.log(complaints === 0 ? "no complaint" : `${complaints} complaints`);
process.exit(complaints === 0 ? 0 : 1);
