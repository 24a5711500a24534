/** Names of the glyphs in the sprite. */
export const icons = [
  "access", "agent", "alert", "app", "audit", "back", "cert", "check", "clip", "clock", "copy", "door", "down",
  "download", "drop", "equal", "eye", "globe", "group", "history", "key", "keyboard", "laptop", "leave", "link",
  "lock", "minus", "more", "pause", "pencil", "plus", "print", "question", "rotate", "sample", "search", "server",
  "settings", "shield", "sign", "sun", "tilde", "token", "trash", "undo", "unlock", "up", "upload", "users",
  "verified", "words", "x",
] as const;

export type IconName = (typeof icons)[number];
