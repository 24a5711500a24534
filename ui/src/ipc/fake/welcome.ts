import { VaultError } from "../vault";
import type { ServerView, WelcomeCommands } from "../vault";
import type { World } from "./world";

type Arrive = (label: string, server: string, organisation: string) => void;

function look(address: string): ServerView {
  const host = address.trim().replace(/^https?:\/\//, "").replace(/\/$/, "");
  if (!/^[\w.:-]+$/.test(host) || host === "nobody.example") throw new VaultError({ code: "offline", since: null });
  const issuers = host.startsWith("open") ? [] : [{ name: "Acme sign-in", issuer: "https://login.acme.example" }, { name: "Partners", issuer: "https://id.partner.example" }];
  return { address: `https://${host}`, version: "0.1.0", registration: host.startsWith("open") ? "open" : host.startsWith("closed") ? "closed" : "invited", issuers };
}

/** Servers that answer by their names: "open…" lets everybody in, "closed…" nobody, "nobody.example" is away. */
export function fakeWelcome(world: World, arrive: Arrive): WelcomeCommands {
  return {
    serverLook: async (address) => look(address),
    async serverSignIn(_address, issuer) {
      await world.work("signIn", 20, true);
      return { known: issuer.includes("acme") };
    },
    async vaultCreateOn(address, label, _person, organisation) {
      arrive(label, address.replace(/^https?:\/\//, ""), organisation);
      return null;
    },
    async vaultJoin() {
      arrive("Acme", "vault.acme.example", "Acme");
      return null;
    },
    vaultRestore: async () => null,
  };
}
