import "./locale";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import { mount } from "svelte";
import App from "./app/App.svelte";
import type { Vault } from "./ipc/vault";

async function backend(): Promise<Vault> {
  if (__FAKE__ && new URLSearchParams(location.search).has("fake")) {
    const { fakeFromAddress } = await import("./ipc/fake");
    return fakeFromAddress(new URLSearchParams(location.search));
  }
  return (await import("./ipc/tauri")).tauriVault;
}

const target = document.getElementById("app");
if (target) mount(App, { target, props: { vault: await backend() } });
