import type { EnvClass, OrgView, PaletteHit, SettingsView } from "../../ipc/vault";
import type { IconName } from "../../shared/icons";

export type PaletteAction = "lock" | "new" | "import" | "app" | "settings" | "kit" | ScreenName | "insights" | "verifyLog" | "invite" | "token" | "agent" | "stop" | SettingsView["theme"];
/** The screens beside environments and settings. */
export type ScreenName = "access" | "members" | "tokens" | "agents" | "audit" | "trust";
export type At = "environment" | "settings" | "start" | "offboard" | ScreenName;

export type Entry =
  | { kind: "secret"; id: string; hit: PaletteHit }
  | { kind: "verb"; id: string; verb: "copy" | "reveal" | "edit" | "goto"; label: string; icon: IconName; key: string; hit: PaletteHit }
  | { kind: "place"; id: string; envId: string; appName: string; envName: string; class: EnvClass }
  | { kind: "action"; id: string; action: PaletteAction; label: string; icon: IconName; keys: string };

export type Section = { title: string; entries: Entry[] };

type Action = Extract<Entry, { kind: "action" }>;

function action(name: PaletteAction, label: string, icon: IconName, keys = ""): Action {
  return { kind: "action", id: `action-${name}`, action: name, label, icon, keys };
}

/** What can be done from the palette here. What would not work is not listed. */
export function actions(org: OrgView, at: At): Action[] {
  const list: Action[] = [];
  if (at === "environment") list.push(action("new", "New secret", "plus", "N"), action("import", "Import a .env file", "download"));
  if (org.role === "owner" || org.role === "admin") list.push(action("app", "New application", "app"), action("invite", "Invite somebody", "users"), action("token", "New service token", "token"), action("agent", "New agent", "agent"));
  list.push(
    action("access", "Access: who can read what", "access", "g a"),
    action("members", "Members", "users", "g m"),
    action("tokens", "Service tokens", "token", "g t"),
    action("agents", "Agents: what they do now", "agent", "g n"),
    action("stop", "Stop everything: end every session of every agent", "stop", "Ctrl ⇧ ."),
    action("audit", "Audit log: who did what", "audit", "g l"),
    action("insights", "Insights: what deserves a look", "eye"),
    action("verifyLog", "Verify the audit log", "verified"),
    action("trust", "Trust: what was verified", "verified", "g v"),
    action("lock", "Lock", "lock", "Ctrl L"),
    action("settings", "Settings", "settings", "g s"),
    action("kit", "Show the Emergency Kit", "print"),
    action("dark", "Use the dark theme", "sun"),
    action("light", "Use the light theme", "sun"),
    action("system", "Follow the system's theme", "sun"),
  );
  return list;
}

export function verbs(hit: PaletteHit): Entry[] {
  const all = [
    { verb: "reveal", label: "Reveal in a secure window", icon: "eye", key: "R" },
    { verb: "edit", label: "Edit in a secure window", icon: "pencil", key: "E" },
    { verb: "goto", label: `Go to ${hit.appName} / ${hit.envName}`, icon: "key", key: "G" },
  ] as const;
  return all.filter((one) => hit.readable || one.verb === "goto").map((one) => ({ kind: "verb", id: `verb-${one.verb}`, hit, ...one }));
}

/** Every word of the query occurs in the text. */
export function matches(query: string, text: string): boolean {
  const plain = text.toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => plain.includes(word));
}

/** The sections of the list, top to bottom; empty ones are left out. */
export function sections(query: string, hits: PaletteHit[], org: OrgView, at: At, chosen: PaletteHit | null): Section[] {
  const found: Section[] = [{ title: "Secrets", entries: hits.map((hit) => ({ kind: "secret", id: `secret-${hit.envId}-${hit.secretId}`, hit })) }];
  if (chosen) found.push({ title: `For ${chosen.name}`, entries: verbs(chosen) });
  const places: Entry[] = org.apps.flatMap((app) =>
    app.environments
      .filter((env) => matches(query, `${app.name} / ${env.name}`))
      .map((env) => ({ kind: "place", id: `place-${env.id}`, envId: env.id, appName: app.name, envName: env.name, class: env.class })),
  );
  found.push({ title: "Go to", entries: places.slice(0, query === "" ? 12 : 5) });
  found.push({ title: "Actions", entries: actions(org, at).filter((one) => matches(query, one.label)) });
  return found.filter((section) => section.entries.length > 0);
}
