// Takes pictures of every secure page in its real size, dark and light, under the page's own policy. Each is checked by
// axe (WCAG 2.2 AA) and for messages on the console.
// node secure-tests/pictures.mjs [folder] [name filter]      needs Chromium (CHROMIUM=path, default /usr/bin/chromium)
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname } from "node:path";
import { chromium } from "playwright-core";
import { scenes } from "./scenes.mjs";

const folder = process.argv[2] ?? "shots-secure";
const only = process.argv[3] ?? "";
mkdirSync(folder, { recursive: true });

const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
const server = createServer((request, response) => {
  const name = request.url.split("?")[0].replace(/^.*\//, "");
  const file = new URL(name === "tokens.css" ? "../src/styles/tokens.css" : `../secure/${name}`, import.meta.url);
  try {
    response.setHeader("Content-Type", `${types[extname(name)]}; charset=utf-8`);
    response.end(readFileSync(file));
  } catch {
    // Chromium asks for an icon by itself.
    response.writeHead(name === "favicon.ico" ? 204 : 404).end();
  }
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const { port } = server.address();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--force-color-profile=srgb"] });
let complaints = 0;

for (const { name, page: label, size, answers, run } of scenes) {
  if (!name.includes(only)) continue;
  for (const theme of ["dark", "light"]) {
    const page = await browser.newPage({ viewport: { width: size[0], height: size[1] } });
    const complain = (text) => {
      complaints += 1;
      console.log(`${name} ${theme}: ${text}`);
    };
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complain(message.text()));
    page.on("pageerror", (error) => complain(error.message));
    await page.addInitScript(({ replies, words }) => {
      window.__TAURI_INTERNALS__ = { invoke: async (command) => (command.endsWith("_context") ? { ...words, ...replies[command] } : replies[command] ?? null) };
    }, { replies: answers, words: { words: ["copper", "heron"], theme } });
    await page.goto(`http://127.0.0.1:${port}/${label}.html`);
    try {
      await page.waitForTimeout(700);
      await run?.(page);
    } catch (error) {
      complain(error.message);
    }
    await page.waitForTimeout(200);
    await page.screenshot({ path: `${folder}/${name}-${theme}.png` });
    const wide = await page.evaluate(() => document.querySelector(".body").scrollWidth - document.querySelector(".body").clientWidth);
    if (wide > 0) complain(`is ${wide} px too wide`);
    await page.evaluate(axe).catch(() => complain("axe did not load"));
    const found = await page.evaluate((options) => window.axe.run(document, options), rules);
    for (const { id, nodes } of found.violations) complain(`axe ${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join("  |  ")} (${nodes.length})`);
    await page.close();
  }
}
await browser.close();
server.close();
console.log(complaints === 0 ? "no complaint" : `${complaints} complaints`);
process.exit(complaints === 0 ? 0 : 1);
