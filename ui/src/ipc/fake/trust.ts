import type { HolderRow, TrustCommands, TrustView } from "../vault";
import { day, people } from "./data";
import type { World } from "./world";

const headCode = "7kq2 mx4t az5e pdqs";

/** What was verified, and who holds the keys, in memory. */
export function fakeTrust(world: World): TrustCommands {
  const proven = new Map<string, number>();

  function holders(): HolderRow[] {
    return world.environments().map((env, index) => {
      const others = world.scenario.alone ? 0 : index % 4 === 2 ? 0 : 2 + (index % 3);
      const drills: HolderRow["drills"] = [
        ...(others > 0 ? [{ person: people.ines, at: world.started - (20 + index * 17) * day, valid: true }] : []),
        ...(index % 3 === 1 ? [{ person: people.teo, at: world.started - 200 * day, valid: false }] : []),
      ];
      const mine = proven.get(env.id);
      if (mine !== undefined) drills.unshift({ person: people.mara, at: mine, valid: true });
      return { envId: env.id, place: world.place(env.id), cls: env.cls, people: others + 1, drills, you: true };
    });
  }

  return {
    async trustView(): Promise<TrustView> {
      const stopped = world.scenario.state === "stopped";
      return {
        device: "mara-laptop", verifiedAt: world.started - 12_000, server: "vault.acme.example", link: world.link(), headCode,
        commits: world.environments().map((env, index) => ({ envId: env.id, place: world.place(env.id), seq: 1847 - index * 211, code: "c1wz 84mq h6va t7rb", complete: index !== 4 })),
        audit: { size: 1_204_911, code: "q5ne 91xm p0va 33dj", complete: false },
        notCovered: [
          "That the server shows you the newest state. It can stay silent, but it cannot go back behind what this computer saw.",
          "That other people's computers are sound. Who may read can also copy.",
          "What the server learns anyway: who syncs when, how many secrets there are, and about how long they are. It learns no name and no value.",
          "A program on this computer that runs as you while the vault is open.",
        ],
        stop: stopped ? { code: "fork", what: "Link 410 differs from the one pinned on 21 November.", pinned: "link 410 · 6be1 0c9f … a2d7", shown: "link 410 · e03d 55b8 … 91c4", evidence: null, canReset: false } : null,
        holders: holders(),
      };
    },
    async headsCompare(link, code) {
      if (link > world.link()) return "unknown";
      return code.replace(/[\s-]/g, "").toLowerCase() === headCode.replaceAll(" ", "") ? "same" : "differs";
    },
    async drillRun(envIds) {
      await world.work("sign", envIds.length);
      for (const id of envIds) proven.set(id, Date.now());
      world.changed();
      return envIds.length;
    },
    lockFileSave: async () => "/home/mara/storefront/strongroom.lock",
  };
}
