import type { Vault } from "../ipc/vault";

const every = 5_000;

/** Tells Rust that the person is here, at most once in five seconds; it decides when to lock. */
export function watchActivity(vault: Vault, onping: (now: number) => void): () => void {
  let last = 0;
  const seen = () => {
    const now = Date.now();
    if (now - last < every) return;
    last = now;
    vault.activityPing().then(() => onping(now), () => undefined);
  };
  const kinds = ["keydown", "pointerdown", "pointermove", "wheel"] as const;
  for (const kind of kinds) window.addEventListener(kind, seen, { passive: true, capture: true });
  return () => kinds.forEach((kind) => window.removeEventListener(kind, seen, { capture: true }));
}
