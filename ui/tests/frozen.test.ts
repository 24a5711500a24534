import { expect, test } from "vitest";

// The real window freezes Object.prototype, so that nothing can be planted there for everybody. A library that
// assigns what Object.prototype has too (d3-color's `constructor`, for one) then fails as it is loaded, and the
// window stays empty.
test("everything that the window is made of can be loaded beside a frozen Object.prototype", async () => {
  Object.freeze(Object.prototype);
  expect(() => Object.assign(Object.create({}), { constructor: 1 })).toThrow(TypeError);
  const app = await import("../src/app/App.svelte");
  expect(app.default).toBeTypeOf("function");
}, 60_000);
