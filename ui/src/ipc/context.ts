import { createContext } from "svelte";
import type { Vault } from "./vault";

/** The vault that the components below talk to: the real one, or the one in memory. */
export const [useVault, provideVault] = createContext<Vault>();
