import { commands, events } from "./bindings";
import type { CommandError } from "./bindings";
import { mainCommands, VaultError } from "./vault";
import type { MainCommand, Vault, VaultEvent } from "./vault";

type Outcome = { status: "ok"; data: unknown } | { status: "error"; error: unknown };

/** A refusal by the shell itself (a command that is not granted) arrives as a plain text. */
function detailOf(error: unknown): CommandError {
  if (typeof error === "object" && error !== null && "code" in error) return error as CommandError;
  return { code: "internal", reportId: "ipc" };
}

async function settle(outcome: Promise<Outcome>): Promise<unknown> {
  const settled = await outcome;
  if (settled.status === "error") throw new VaultError(detailOf(settled.error));
  return settled.data;
}

const calls = commands as unknown as Record<MainCommand, (...args: unknown[]) => Promise<Outcome>>;
const heardBy = events as unknown as Partial<Record<VaultEvent, { listen: (heard: (message: { payload: unknown }) => void) => Promise<() => void> }>>;

function makeTauriVault(): Vault {
  const vault: Record<string, unknown> = {
    on(event: VaultEvent, heard: (payload: never) => void) {
      const listening = heardBy[event]?.listen((message) => heard(message.payload as never));
      return () => void listening?.then((stop) => stop());
    },
  };
  for (const name of mainCommands) {
    vault[name] = (...args: unknown[]) => settle(calls[name](...args));
  }
  return vault as Vault;
}

export const tauriVault: Vault = makeTauriVault();
