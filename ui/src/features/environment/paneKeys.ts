import type { OrgView } from "../../ipc/vault";
import { bare, inText, withMod } from "../../shared/keys";
import { inTheWay } from "../../shared/modal";
import type { Environment } from "./environment.svelte";

type Around = {
  env: Environment;
  org: OrgView;
  singleKeys: boolean;
  signable: boolean;
  busy: boolean;
  filter: () => void;
  back: () => void;
  table: () => void;
  go: (envId: string) => void;
  cancel: () => void;
};

/** What a key does anywhere in the pane of an environment. True if it did something. */
export function paneKey(event: KeyboardEvent, around: Around): boolean {
  if (event.defaultPrevented || inTheWay(event)) return false;
  return withMod(event) ? command(event, around) : bare(event) && single(event, around);
}

function command(event: KeyboardEvent, { env, signable, filter }: Around): boolean {
  switch (event.key.toLowerCase()) {
    case "f":
      filter();
      return true;
    case "z":
      if (inText(event)) return false;
      void (event.shiftKey ? env.redo() : env.undo());
      return true;
    case "enter":
      if (env.sheet === "import") void env.applyImport();
      else if (!signable) return false;
      else if (env.sheet === "review") void env.sign();
      else env.sheet = "review";
      return true;
    default:
      return false;
  }
}

function single(event: KeyboardEvent, { env, org, singleKeys, busy, filter, back, go, cancel }: Around): boolean {
  if (event.key === "Escape") {
    if (env.sheet !== "none") back();
    else if (busy) cancel();
    else return false;
    return true;
  }
  if (inText(event) || !singleKeys) return false;
  switch (event.key) {
    case "/":
      filter();
      return true;
    case "n":
      void env.add();
      return true;
    case "[":
    case "]": {
      const next = neighbour(org, env.id, event.key === "]" ? 1 : -1);
      if (next) go(next);
      return next !== null;
    }
    default:
      return false;
  }
}

/** The environment before or after this one, in the order of the side bar, across applications. */
export function neighbour(org: OrgView, envId: string, step: 1 | -1): string | null {
  const all = org.apps.flatMap((app) => app.environments.map((one) => one.id));
  return all[all.indexOf(envId) + step] ?? null;
}
