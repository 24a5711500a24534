import { VaultError } from "../vault";
import type { GrantSpec, InviteRow, LeftRow, MemberCommands, MemberRow, MembersView, PendingRow, PersonView, Role, Trust } from "../vault";
import { day, hour, minute, people } from "./data";
import type { OffboardingState } from "./offboard";
import type { World } from "./world";

type Seed = [who: PersonView, role: Role, trust: Trust, fingerprint: string, environments: number, seen: number, devices: number, link: number];

const seeds: Seed[] = [
  [people.mara, "owner", "you", "c4wn-81ad-t0qe-57hj-mk2r", 9, 0, 3, 1],
  [people.priya, "admin", "code", "91xm-p0va-33dj-w8ht-q5ne", 6, 12 * minute, 2, 14],
  [people.ines, "member", "code", "t7rb-2n9k-c1wz-84mq-h6va", 7, hour, 1, 31],
  [people.teo, "member", "words", "0hzt-6wq1-m8nd-kc3r-52vx", 6, 3 * hour, 2, 58],
  [people.jun, "member", "code", "wn5d-7j2c-x9ka-q4rt-03me", 4, 20 * minute, 1, 77],
  [people.lena, "member", "code", "5vqh-k8tz-1d6n-2xwa-r9mc", 4, 26 * hour, 1, 140],
  [people.noor, "member", "unverified", "7kq2-mx4t-az5e-pdqs-r6vz", 2, 5 * hour, 1, 398],
  [people.sam, "member", "words", "d3nr-x0wm-98ct-zq5h-7vak", 3, 7 * hour, 1, 204],
  [people.ada, "reviewer", "code", "hx2m-4c7v-n1wd-q8zt-65ka", 0, 2 * hour, 1, 233],
  [people.oskar, "member", "code", "z9wt-3dqa-75nk-m0xv-c2rh", 6, 50 * hour, 2, 96],
];

const rightsWords = ["", "read", "write", "read and write", "grant", "read and grant", "write and grant", "read, write and grant"];

/** Members, invites and what waits, in memory. Every secure window says yes at once. */
export function fakeTeam(world: World, offboarding: OffboardingState): { commands: MemberCommands; waiting: () => number } {
  const { alone, leaver, reset } = world.scenario;
  const at = (ago: number) => world.started - ago;
  let grantsToUnverified = true;
  let next = 1;
  let rows: MemberRow[] = seeds.slice(0, alone ? 1 : undefined).map(([person, role, trust, fingerprint, environments, seen, devices, link]) => ({
    person, role, trust, fingerprint, environments, lastSeen: at(seen), devices, joinedAt: at((420 - link) * day), joinedLink: link, waitsForKeys: [],
    reset: reset && person.id === people.teo.id ? { link: 409, at: at(9 * hour), by: people.priya } : null,
  }));
  let invites: InviteRow[] = alone
    ? []
    : [
        { id: "inv_kit", label: "Kit Marlow, contractor", role: "member", grants: ["storefront / dev: read", "storefront / staging: read"], madeBy: people.priya, madeAt: at(2 * day), link: 407, expires: at(-5 * day), state: "asked", codeHere: false, resets: null },
        { id: "inv_ops", label: "Dana at ops", role: "admin", grants: [], madeBy: people.mara, madeAt: at(5 * hour), link: 411, expires: at(-6 * day - 19 * hour), state: "open", codeHere: true, resets: null },
        { id: "inv_old", label: "Sam Ferro", role: "member", grants: ["payments / dev: read"], madeBy: people.mara, madeAt: at(120 * day), link: 202, expires: at(113 * day), state: "used", codeHere: false, resets: null },
      ];
  let left: LeftRow[] = alone ? [] : [{ person: people.rolf, at: at(41 * day), link: 371, by: people.mara, offboard: "done" }];
  if (leaver) leave(people.oskar.id, 3 * day);

  function leave(id: string, ago = 0): void {
    const row = rows.find((one) => one.person.id === id);
    rows = rows.filter((one) => one.person.id !== id);
    if (row) left = [{ person: row.person, at: at(ago), link: world.link(), by: world.me(), offboard: "queue" }, ...left];
  }

  function pending(): PendingRow[] {
    if (alone || world.role() === "reviewer" || world.role() === "member") return [];
    const waits: PendingRow[] = invites
      .filter((one) => one.state === "asked")
      .map((one) => ({ kind: "join", subject: "Kit Marlow", why: "The code is on Priya Sand's computer. Either she comes online, or you paste the code.", inviteId: one.id, userId: people.kit.id, action: "takeCode" }));
    return waits;
  }

  function changeRow(userId: string, change: Partial<MemberRow>): void {
    if (!rows.some((one) => one.person.id === userId)) throw new VaultError({ code: "notFound" });
    rows = rows.map((one) => (one.person.id === userId ? { ...one, ...change } : one));
  }

  function view(): MembersView {
    const manages = world.role() === "owner" || world.role() === "admin";
    const seen = manages || world.role() === "reviewer";
    return {
      canManage: manages, canOwn: world.role() === "owner", grantsToUnverified,
      people: rows.map((row) => ({ ...row, role: row.person.you ? world.role() : row.role, lastSeen: seen ? row.lastSeen : null, devices: seen ? row.devices : null })),
      invites: manages ? invites : [],
      left: left.map((row) => ({ ...row, offboard: offboarding.of(row.person.id) ?? row.offboard })),
      pending: pending(),
    };
  }

  offboarding.onbegin((id) => leave(id));

  const commands: MemberCommands = {
    membersView: async () => view(),
    async inviteNew(label: string, role: Role, grants: GrantSpec[], days: number) {
      const told = grants.map((one) => `${world.place(one.envId)}: ${rightsWords[one.rights] ?? ""}`);
      invites = [{ id: `inv_${next++}`, label, role, grants: told, madeBy: world.me(), madeAt: Date.now(), link: world.link() + 1, expires: Date.now() + days * day, state: "open", codeHere: true, resets: null }, ...invites];
      world.sign("invite", 1, label);
      return null;
    },
    async memberRole(userId, role) {
      changeRow(userId, { role });
      world.sign("role", 1, rows.find((one) => one.person.id === userId)?.person.name);
      return null;
    },
    async memberLeave() {
      if (world.role() === "owner") throw new VaultError({ code: "notAllowed" });
      world.sign("leave", 1);
      return null;
    },
    async resetSign(inviteId) {
      invites = invites.map((one) => (one.id === inviteId ? { ...one, state: "used" as const } : one));
      world.sign("reset", 1);
      return null;
    },
    async policySet(on) {
      grantsToUnverified = on;
      world.sign("policy", 1);
      return null;
    },
    inviteShow: async () => null,
    async inviteForget(id) {
      invites = invites.map((one) => (one.id === id ? { ...one, codeHere: false } : one));
      world.changed();
      return null;
    },
    async inviteTake() {
      invites = invites.map((one) => (one.state === "asked" ? { ...one, state: "used" as const } : one));
      rows = [...rows, { person: people.kit, role: "member", trust: "code", fingerprint: "m4xv-92qd-0tnh-6rwk-z8ca", environments: 2, lastSeen: Date.now(), devices: 1, joinedAt: Date.now(), joinedLink: world.link() + 1, reset: null, waitsForKeys: [] }];
      world.sign("join", 3, people.kit.name);
      return null;
    },
    async memberWords(userId) {
      changeRow(userId, { trust: "words" });
      world.changed();
      return null;
    },
    async resetAcknowledge(userId) {
      changeRow(userId, { reset: null });
      world.changed();
      return null;
    },
  };
  return { commands, waiting: () => pending().length };
}
