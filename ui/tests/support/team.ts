import { vi } from "vitest";
import { waitFor } from "./app";

/** happy-dom has no width of its own: the window counts as wide. */
export function wideWindow(): void {
  vi.spyOn(window, "matchMedia").mockImplementation((query) => Object.assign(new EventTarget(), { matches: false, media: query, onchange: null, addListener: vi.fn(), removeListener: vi.fn() }));
}

/** The row of a list with that name, once it is drawn. */
export async function line(list: string, name: string): Promise<HTMLElement> {
  return waitFor(() => {
    const found = document.querySelector<HTMLElement>(`[data-testid="${list}-row"][data-name="${name}"]`);
    if (!found) throw new Error(`no ${name} in ${list}`);
    return found;
  });
}

/** A button inside an element, by its test id. */
export function within(element: HTMLElement, id: string): HTMLElement | null {
  return element.querySelector<HTMLElement>(`[data-testid="${id}"]`);
}
