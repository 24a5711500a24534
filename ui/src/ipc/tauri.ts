import { commands, events } from "./bindings";
import type { CommandError } from "./bindings";
import { mainCommands, VaultError } from "./vault";
import type { Vault } from "./vault";

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

function makeTauriVault(): Vault {
  const vault: Record<string, unknown> = {
    on(event: keyof typeof events, heard: (payload: never) => void) {
      const listening = events[event].listen((message) => heard(message.payload as never));
      return () => void listening.then((stop) => stop());
    },
  };
  for (const name of mainCommands) {
    const command = commands[name] as (...args: unknown[]) => Promise<Outcome>;
    vault[name] = (...args: unknown[]) => settle(command(...args));
  }
  return vault as Vault;
}

export const tauriVault: Vault = makeTauriVault();
