import type { PaletteAction } from "../features/palette/entries";
import type { Form } from "../features/organisation/forms";
import type { Vault } from "../ipc/vault";
import { notices } from "../shared/notices.svelte";
import type { Session } from "./session.svelte";

/** A form that the palette asked for, by what it makes. */
export type Asked = "invite" | "token" | "agent";

type Around = { vault: Vault; session: Session; settings: (section?: string) => void; lock: () => void; form: (form: Form) => void; importFile: () => void; ask: (request: Asked) => void; stopEverything: () => void };

/** Does what an entry of the palette says. */
export function act(action: PaletteAction, { vault, session, settings, lock, form, importFile, ask, stopEverything }: Around): void {
  const { place } = session;
  switch (action) {
    case "lock":
      return lock();
    case "new":
      if (place.at === "environment") void notices.attempt(vault.secretNew(place.envId));
      return;
    case "import":
      return importFile();
    case "app":
      return form({ kind: "app" });
    case "settings":
      return settings();
    case "kit":
      return settings("kit");
    case "insights":
      return session.go({ at: "audit", tab: "insights" });
    case "verifyLog":
      return session.go({ at: "audit", verify: true });
    case "stop":
      return stopEverything();
    case "access":
    case "agents":
    case "audit":
    case "members":
    case "tokens":
    case "trust":
      return session.go({ at: action });
    case "invite":
    case "token":
    case "agent":
      return ask(action);
    case "dark":
    case "light":
    case "system":
      void session.saveSettings({ theme: action });
      return;
  }
}
