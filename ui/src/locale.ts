// WebKitGTK reports the language "C" under LANG=C, and Intl throws on it. Imported before anything
// else, because libraries format numbers while they are being loaded.
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { get: () => "en", configurable: true });
  Object.defineProperty(navigator, "languages", { get: () => ["en"], configurable: true });
}

export {};
