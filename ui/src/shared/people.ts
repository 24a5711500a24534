import type { PrincipalKind, Role, Trust } from "../ipc/vault";
import type { IconName } from "./icons";

/** How the key of a person was checked: the word, the shape and the tone, and what it means. */
export const trusts: Record<Trust, { text: string; icon: IconName; tone: string; why: string }> = {
  you: { text: "Your key", icon: "verified", tone: "ok", why: "Your own key: this computer holds its private half." },
  code: { text: "Verified by code", icon: "verified", tone: "ok", why: "The invite code proved this key when its owner joined." },
  words: { text: "Verified by words", icon: "words", tone: "info", why: "You compared six words with its owner, on this computer." },
  unverified: { text: "Unverified", icon: "question", tone: "warn", why: "Nobody here has checked that this key belongs to this person. Compare words with them." },
};

/** What each role may manage. None of them opens anything: only a data key does. */
export const roles: { value: Role; label: string; text: string }[] = [
  { value: "owner", label: "Owner", text: "Everything, other owners included." },
  { value: "admin", label: "Admin", text: "Members, applications and environments." },
  { value: "member", label: "Member", text: "What is granted to them." },
  { value: "reviewer", label: "Reviewer", text: "The audit log and the names of people. Never a key." },
];

/** "R", "RW", "RWG": the letters of the rights in their order. */
export function rightsLetters(rights: number): string {
  return `${rights & 1 ? "R" : ""}${rights & 2 ? "W" : ""}${rights & 4 ? "G" : ""}`;
}

/** "read", "read and write", "read, write and grant". */
export function rightsWords(rights: number): string {
  const words = [rights & 1 && "read", rights & 2 && "write", rights & 4 && "grant"].filter((word) => typeof word === "string");
  return words.length < 2 ? (words[0] ?? "nothing") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

/** The glyph of what is no person. */
export function principalIcon(kind: PrincipalKind): IconName {
  return kind === "token" ? "token" : kind === "agent" ? "agent" : "users";
}
