import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = dirname(fileURLToPath(import.meta.url));
const secureRoot = join(here, "secure");
const tokens = join(here, "src/styles/tokens.css");

/** The content security policy of the shell, so that a preview breaks where the real window would. */
const csp: unknown = JSON.parse(readFileSync(join(here, "../tauri.conf.json"), "utf8")).app.security.csp;

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

function filesBelow(folder: string): string[] {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (!stat) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => extname(path) in types && !/\.test\./.test(path));
}

/**
 * The secure windows are static pages: they are copied as they are, never bundled, and read the
 * colours from the same tokens.
 */
function secureWindows(): Plugin {
  return {
    name: "secure-windows",
    configureServer(server) {
      server.middlewares.use("/secure", (request, response, next) => {
        const path = (request.url ?? "/").split("?")[0] ?? "/";
        const file = path === "/tokens.css" ? tokens : filesBelow(secureRoot).find((one) => `/${relative(secureRoot, one)}` === path);
        if (!file) return next();
        response.setHeader("Content-Type", types[extname(file)] ?? "application/octet-stream");
        response.end(readFileSync(file));
      });
    },
    generateBundle() {
      for (const file of filesBelow(secureRoot)) {
        this.emitFile({ type: "asset", fileName: `secure/${relative(secureRoot, file)}`, source: readFileSync(file) });
      }
      this.emitFile({ type: "asset", fileName: "secure/tokens.css", source: readFileSync(tokens) });
    },
  };
}

/** The in-memory vault is for tests and pictures. A production bundle that holds it is an error. */
function noFakeInProduction(allowed: boolean): Plugin {
  return {
    name: "no-fake-in-production",
    generateBundle(_options, bundle) {
      if (allowed) return;
      for (const chunk of Object.values(bundle)) {
        const fake = chunk.type === "chunk" && chunk.moduleIds.find((id) => id.includes("/ipc/fake"));
        if (fake) this.error(`${fake} is part of a production bundle`);
      }
    },
  };
}

export default defineConfig(({ command, mode }) => {
  const fake = command === "serve" || mode === "fake";
  return {
    plugins: [svelte(), svelteTesting(), secureWindows(), noFakeInProduction(fake)],
    define: { __FAKE__: JSON.stringify(fake) },
    clearScreen: false,
    server: { port: 1420, strictPort: true, host: "127.0.0.1" },
    preview: { port: 1430, strictPort: true, host: "127.0.0.1", headers: { "Content-Security-Policy": String(csp) } },
    build: {
      target: "safari16",
      sourcemap: false,
      outDir: mode === "fake" ? "dist-fake" : "dist",
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 900,
      modulePreload: { polyfill: false },
    },
    test: {
      environment: "happy-dom",
      experimental: { fsModuleCache: true },
      include: ["tests/**/*.test.{ts,js}"],
      setupFiles: ["tests/setup.ts"],
    },
  };
});
