import type { Vault } from "./vault";
export function fakeFromAddress(_query: URLSearchParams): Vault { throw new Error("later"); }
