const glyphs = new Map<string, Element>();

/** Puts a glyph of the sprite before the text of a node, or takes it away. */
export function glyph(into: HTMLElement, name: string | null, size: 12 | 14 = 12): void {
  const before = into.firstElementChild;
  if (before instanceof SVGElement) before.remove();
  if (name === null) return;
  const key = `${name} ${size}`;
  let made = glyphs.get(key);
  if (!made) {
    made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    made.setAttribute("class", `i i-${size}`);
    made.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#i-${name}`);
    made.append(use);
    glyphs.set(key, made);
  }
  into.prepend(made.cloneNode(true));
}
