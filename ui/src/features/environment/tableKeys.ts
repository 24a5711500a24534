import { bare, inText, withMod } from "../../shared/keys";
import type { Environment } from "./environment.svelte";

type Around = {
  env: Environment;
  grid: HTMLElement;
  perPage: number;
  singleKeys: boolean;
  inspect: () => void;
  focusRow: () => void;
};

/** What a key does while focus is in the table. True if it did something. */
export function gridKey(event: KeyboardEvent, around: Around): boolean {
  if (inText(event)) return false;
  if (withMod(event) && event.key.toLowerCase() === "a") {
    void around.env.markAll();
    return true;
  }
  if (!bare(event)) return false;
  return sideways(event, around) || moved(event, around) || opened(event, around) || (around.singleKeys && letter(event, around)) || cleared(event, around);
}

function moved({ key, target }: KeyboardEvent, { env, grid, perPage, focusRow }: Around): boolean {
  const inHead = target instanceof HTMLElement && target.classList.contains("sort");
  const last = env.rows.matched - 1;
  const to: Record<string, number> = {
    ArrowDown: inHead ? env.current : env.current + 1,
    ArrowUp: env.current - 1,
    PageDown: env.current + perPage,
    PageUp: env.current - perPage,
    Home: 0,
    End: last,
  };
  const index = to[key];
  if (index === undefined || (inHead && key === "ArrowUp")) return false;
  if (key === "ArrowUp" && env.current === 0) {
    grid.querySelector<HTMLElement>(".sort")?.focus();
    return true;
  }
  env.move(index);
  focusRow();
  return true;
}

/** Left and right walk through the actions of the row, or through the heads of the columns. */
function sideways({ key, target }: KeyboardEvent, { grid, focusRow }: Around): boolean {
  if (!(target instanceof HTMLElement) || !grid.contains(target) || (key !== "ArrowLeft" && key !== "ArrowRight")) return false;
  const head = target.classList.contains("sort");
  const row = target.closest<HTMLElement>("[data-index]");
  const stops = [...(head ? grid : (row ?? grid)).querySelectorAll<HTMLElement>(head ? ".sort" : ".acts button")];
  const at = stops.indexOf(target) + (key === "ArrowRight" ? 1 : -1);
  if (at >= 0) stops[Math.min(at, stops.length - 1)]?.focus();
  else if (!head) focusRow();
  return true;
}

function opened({ key, target }: KeyboardEvent, { inspect }: Around): boolean {
  if (target instanceof HTMLButtonElement || (key !== "Enter" && key !== " ")) return false;
  inspect();
  return true;
}

function letter(event: KeyboardEvent, { env }: Around): boolean {
  const { row } = env;
  if (!row) return false;
  switch (event.key) {
    case "c":
      void env.copy(row.id);
      return true;
    case "r":
      void env.reveal(row.id);
      return true;
    case "e":
      void env.edit(row.id);
      return true;
    case "d":
      void env.remove(row);
      return true;
    case "x":
    case "X":
      env.mark(env.current, event.shiftKey);
      return true;
    default:
      return false;
  }
}

function cleared({ key }: KeyboardEvent, { env }: Around): boolean {
  if (key === "Delete") {
    void env.remove(env.row);
    return true;
  }
  if (key !== "Escape") return false;
  if (env.rows.filter !== "") env.rows.setFilter("");
  else if (env.marked.size > 0) env.unmark();
  else return false;
  return true;
}
