import { configure } from "@testing-library/svelte";
import { vi } from "vitest";
import type { FakeVault, Scenario } from "../../src/ipc/fake";
import { byId, open } from "./app";

// What is typed is answered after a pause, and a machine may be busy.
configure({ asyncUtilTimeout: 5_000 });
vi.setConfig({ testTimeout: 30_000 });

/** Opens the screen of agents, at one of its tabs. */
export async function agents(scenario: Scenario = {}, tab?: "agents" | "policies" | "providers"): Promise<FakeVault> {
  const vault = open(scenario);
  (await byId("agents-open")).click();
  await byId("broker");
  if (tab) (await byId(`agents-${tab}`)).click();
  return vault;
}
