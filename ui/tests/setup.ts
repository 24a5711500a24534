// happy-dom has no layout: every element would be 0 pixels high, and a virtual list would draw nothing.
Object.defineProperty(HTMLElement.prototype, "clientHeight", { configurable: true, get: () => 540 });

if (!("animate" in Element.prototype)) {
  Object.defineProperty(Element.prototype, "animate", { configurable: true, value: () => ({ cancel() {}, finished: Promise.resolve() }) });
}

export {};
