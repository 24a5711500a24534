import { commands, events } from "./bindings";
import type { CommandError } from "./bindings";
import { teamCommands } from "./contract";
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

type Command = (...args: unknown[]) => Promise<Outcome>;
type Listen = (heard: (message: { payload: never }) => void) => Promise<() => void>;

/** A shell that is older than the window may lack a command; that is a refusal like any other. */
const absent: Command = async () => ({ status: "error", error: "absent" });

function makeTauriVault(): Vault {
  const known: Record<string, unknown> = commands;
  const heardOf: Record<string, { listen: unknown } | undefined> = events;
  const vault: Record<string, unknown> = {
    on(event: string, heard: (payload: never) => void) {
      const listening = (heardOf[event]?.listen as Listen | undefined)?.((message) => heard(message.payload));
      return () => void listening?.then((stop) => stop());
    },
  };
  for (const name of [...mainCommands, ...teamCommands]) {
    const command = (known[name] ?? absent) as Command;
    vault[name] = (...args: unknown[]) => settle(command(...args));
  }
  return vault as unknown as Vault;
}

export const tauriVault: Vault = makeTauriVault();
