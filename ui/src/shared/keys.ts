/** Keys as they are pressed and as they are printed. */

const apple = /Mac|iP(hone|ad)/.test(navigator.platform ?? "");

/** "Ctrl K", or "⌘ K" where that is the key. */
export function printed(key: string): string {
  return apple ? key.replace("Ctrl", "⌘") : key;
}

/** The modifier of commands is held, and no other that would change its meaning. */
export function withMod(event: KeyboardEvent): boolean {
  return (apple ? event.metaKey : event.ctrlKey) && !event.altKey;
}

/** A single key without any modifier but Shift. */
export function bare(event: KeyboardEvent): boolean {
  return !event.ctrlKey && !event.metaKey && !event.altKey;
}

/** The event comes from something that takes text: single letters belong to it. */
export function inText(event: Event): boolean {
  const target = event.target;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.getAttribute("type") !== "checkbox");
}
