import { VaultError } from "../vault";
import type { OffboardCommands, OffboardRow, OffboardSecret, OffboardState, OffboardTab, OffboardView, PrincipalView, RotationCommands, RotationRow, UseKind } from "../vault";
import { day, hour, people } from "./data";
import type { World } from "./world";

type Case = {
  principal: PrincipalView;
  startedAt: number;
  firstLink: number;
  grants: number;
  rotations: RotationRow[];
  secrets: Record<OffboardTab, OffboardSecret[]>;
};

/** What the list of members must know of the leavers. */
export type OffboardingState = { of: (id: string) => OffboardState | null; onbegin: (begun: (id: string) => void) => void };

const uses: UseKind[] = ["revealed", "copied", "copied", "decrypted", "injected", "decrypted", "decrypted", "injected", "exported", "brokered"];
const owners = [people.lena, people.ines, people.mara, people.ines, null, people.mara, people.priya];

/** Leavers and the replacing of data keys, in memory. */
export function fakeOffboarding(world: World, rotated: (envId: string) => void): { commands: OffboardCommands & RotationCommands; state: OffboardingState } {
  const cases = new Map<string, Case>();
  const begun: ((id: string) => void)[] = [];
  const epochs = new Map<string, number>();
  let due: RotationRow[] = world.scenario.due ? [rotation("env_sf_stg", "due", "Oskar Vale lost the right to read it in link 411.")] : [];

  function rotation(envId: string, state: RotationRow["state"], why: string): RotationRow {
    const env = world.environments().find((one) => one.id === envId);
    return { envId, place: world.place(envId), cls: env?.cls ?? "other", secrets: env?.secrets.length ?? 0, epoch: (epochs.get(envId) ?? 7) + (state === "done" ? 1 : 0), state, why, holders: [people.mara, people.ines] };
  }

  function begin(principal: PrincipalView, startedAt: number, done: boolean): Case {
    const read = world.environments().filter((env) => /^env_(sf|pay)_/.test(env.id) && (env.name !== "prod" || env.app === "storefront"));
    const secrets: Case["secrets"] = { rotate: [], fetched: [], never: [] };
    let at = 0;
    for (const env of read) {
      for (const secret of env.secrets) {
        at += 1;
        const tab: OffboardTab = at % 4 === 0 ? "rotate" : at % 5 === 0 ? "never" : "fetched";
        const strongest = tab === "never" ? null : tab === "fetched" ? "fetched" : (uses[(at / 4) % uses.length] ?? "decrypted");
        const renewed = done && tab === "rotate" && at % 16 === 0;
        secrets[tab].push({
          envId: env.id, secretId: secret.id, name: secret.name, place: world.place(env.id), strongest, last: tab === "never" ? null : world.started - ((at * 7) % 80) * day - hour,
          owner: owners[at % owners.length] ?? null, newValueSince: renewed ? world.started - 2 * day : null, ticked: renewed ? world.started - day : null,
        });
      }
    }
    const rotations = read.map((env, index) => rotation(env.id, done ? (index < 3 ? "done" : "due") : "due", `${principal.name} could read it.`));
    const one: Case = { principal, startedAt, firstLink: world.link() + 1, grants: read.length + 1, rotations, secrets };
    cases.set(principal.id, one);
    return one;
  }

  if (world.scenario.leaver) begin({ kind: "person", ...people.oskar }, world.started - 3 * day, true);

  const find = (id: string): Case => {
    const one = cases.get(id);
    if (!one) throw new VaultError({ code: "notFound" });
    return one;
  };
  const ticked = (one: Case) => one.secrets.rotate.filter((secret) => secret.ticked !== null).length;
  const missing = (one: Case): string[] => {
    const open = one.rotations.filter((row) => row.state !== "done");
    const left = one.secrets.rotate.length - ticked(one);
    return [...open.map((row) => `The data key of ${row.place} is not replaced.`), ...(left > 0 ? [`${left} values are not rotated at the source.`] : [])];
  };
  const stateOf = (one: Case): OffboardState => (one.rotations.some((row) => row.state === "running") ? "running" : missing(one).length === 0 ? "done" : "queue");

  /** As in the product, all are claimed at once and one count runs over them; each is done when its share is. */
  async function rotateAll(envIds: string[]): Promise<null> {
    const weights = envIds.map((envId) => (world.environments().find((env) => env.id === envId)?.secrets.length ?? 0) + 1);
    const ends = weights.map((_, index) => weights.slice(0, index + 1).reduce((sum, one) => sum + one, 0));
    const open = new Set(envIds);
    const set = (envId: string, state: RotationRow["state"]) => {
      const put = (row: RotationRow): RotationRow => (row.envId === envId ? { ...row, state, epoch: row.epoch + (state === "done" ? 1 : 0) } : row);
      for (const one of cases.values()) one.rotations = one.rotations.map(put);
      due = state === "done" ? due.filter((row) => row.envId !== envId) : due.map(put);
    };
    const finish = (reached: number) => {
      envIds.forEach((envId, index) => {
        if (!open.has(envId) || reached < (ends[index] ?? 0)) return;
        open.delete(envId);
        epochs.set(envId, (epochs.get(envId) ?? 7) + 1);
        set(envId, "done");
        rotated(envId);
      });
    };
    for (const envId of envIds) set(envId, "running");
    world.changed();
    try {
      await world.work("rotate", ends[ends.length - 1] ?? 0, true, finish);
      finish(Infinity);
    } finally {
      for (const envId of open) set(envId, "due");
      world.changed();
    }
    return null;
  }

  const commands: OffboardCommands & RotationCommands = {
    rotationsView: async () => ({ rows: due }),
    rotationStart: (envIds) => rotateAll(envIds),
    async offboardBegin(id) {
      const person = Object.values(people).find((one) => one.id === id);
      const principal: PrincipalView = person ? { kind: "person", ...person } : { kind: "token", id, name: id.replace(/^tok_/, ""), initials: "", you: false };
      const one = begin(principal, Date.now(), false);
      for (const heard of begun) heard(id);
      world.sign(person ? "remove" : "tokenRevoke", one.grants, principal.name);
      void rotateAll(one.rotations.map((row) => row.envId)).catch(() => undefined);
      return null;
    },
    offboardList: async () =>
      [...cases.values()].map((one): OffboardRow => ({ principal: one.principal, startedAt: one.startedAt, state: stateOf(one), toRotate: one.secrets.rotate.length, rotated: ticked(one) })),
    async offboardView(id): Promise<OffboardView> {
      const one = find(id);
      const counts = { rotate: one.secrets.rotate.length, fetched: one.secrets.fetched.length, never: one.secrets.never.length };
      const open = missing(one);
      return {
        principal: one.principal, startedAt: one.startedAt, by: people.mara, revoke: { grants: one.grants, firstLink: one.firstLink, lastLink: one.firstLink + one.grants - 1 }, rotations: one.rotations,
        couldRead: counts.rotate + counts.fetched + counts.never, counts, ticked: ticked(one), certificate: { ready: open.length === 0, missing: open }, logComplete: true,
      };
    },
    async offboardRows(id, tab, offset, limit) {
      const all = find(id).secrets[tab];
      return { total: all.length, offset, rows: all.slice(offset, offset + limit) };
    },
    async offboardTick(id, secrets, done) {
      const one = find(id);
      const wanted = new Set(secrets.map((secret) => secret.secretId));
      one.secrets.rotate = one.secrets.rotate.map((secret) => (wanted.has(secret.secretId) ? { ...secret, ticked: done ? Date.now() : null } : secret));
      world.changed();
      return null;
    },
    offboardExport: async () => "/home/mara/offboard-oskar-vale.csv",
    async offboardCertificate(id) {
      if (missing(find(id)).length > 0) throw new VaultError({ code: "notAllowed" });
      return "/home/mara/oskar-vale.strongroom-certificate";
    },
  };
  return { commands, state: { of: (id) => (cases.has(id) ? stateOf(find(id)) : null), onbegin: (heard) => void begun.push(heard) } };
}
