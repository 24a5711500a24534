import { VaultError } from "../vault";
import type { TokenCommands, TokenRow } from "../vault";
import { day, hour, minute, people } from "./data";
import type { World } from "./world";

type Seed = [name: string, scopes: string[], endsIn: number | null, used: number | null, from: string | null, findings: TokenRow["findings"]];

const seeds: Seed[] = [
  ["deploy-prod", ["env_sf_prod", "env_edge_prod"], 61, 2 * hour, "runner-7", []],
  ["ci-staging", ["env_sf_stg", "env_pay_stg"], 22, 6 * minute, "runner-3", []],
  ["edge-build", ["env_edge_dev", "env_edge_prod"], 9, 40 * minute, "runner-2", ["endsSoon"]],
  ["nightly-backup", ["env_pay_prod", "env_sf_prod", "env_edge_prod"], null, null, null, ["broad", "neverUsed", "neverEnds"]],
  ["load-test", ["env_sf_stg"], 38, 91 * day, "10.8.0.31", ["stale"]],
  ["docs-preview", ["env_sf_dev"], 73, 26 * hour, "runner-1", []],
  ["pager-bridge", ["env_edge_dev"], 48, 4 * minute, "ops-1", []],
];

/** Service tokens in memory. */
export function fakeTokens(world: World): TokenCommands {
  let next = 1;
  const scope = (envId: string, rights = 1) => ({ envId, place: world.place(envId), rights });
  let living: TokenRow[] = world.scenario.alone
    ? []
    : seeds.map(([name, scopes, endsIn, used, from, findings], index) => ({
        id: `tok_${name}`, name, scopes: scopes.map((id) => scope(id)), endsAt: endsIn === null ? null : world.started + endsIn * day, revokedAt: null,
        issuedBy: index % 2 ? people.priya : people.mara, issuedAt: world.started - (30 + index * 9) * day, link: 240 + index * 12, lastUse: used === null ? null : world.started - used, from, findings,
      }));
  let ended: TokenRow[] = world.scenario.alone
    ? []
    : [
        { id: "tok_old", name: "legacy-ci", scopes: [scope("env_sf_stg")], endsAt: world.started - 40 * day, revokedAt: null, issuedBy: people.mara, issuedAt: world.started - 130 * day, link: 118, lastUse: world.started - 41 * day, from: "runner-1", findings: [] },
        { id: "tok_leak", name: "preview-bot", scopes: [scope("env_sf_dev"), scope("env_sf_stg")], endsAt: world.started + 12 * day, revokedAt: world.started - 6 * day, issuedBy: people.priya, issuedAt: world.started - 78 * day, link: 190, lastUse: world.started - 7 * day, from: "203.0.113.9", findings: [] },
      ];

  return {
    tokensView: async () => ({ living, ended, canManage: world.role() === "owner" || world.role() === "admin" }),
    async tokenNew(name, scopes, endsAt) {
      if (living.some((one) => one.name === name)) throw new VaultError({ code: "nameTaken", name });
      living = [{ id: `tok_new_${next++}`, name, scopes: scopes.map((one) => scope(one.envId, one.rights)), endsAt, revokedAt: null, issuedBy: world.me(), issuedAt: Date.now(), link: world.link() + 1, lastUse: null, from: null, findings: endsAt === null ? ["neverEnds"] : [] }, ...living];
      world.sign("token", 1 + scopes.length, name);
      return null;
    },
    async tokenRevoke(id) {
      const row = living.find((one) => one.id === id);
      if (!row) throw new VaultError({ code: "notFound" });
      living = living.filter((one) => one.id !== id);
      ended = [{ ...row, revokedAt: Date.now(), findings: [] }, ...ended];
      world.sign("tokenRevoke", 1, row.name);
      return null;
    },
  };
}
