/** Names of the glyphs in the sprite. */
export const icons = [
  "access", "agent", "alert", "app", "audit", "back", "bolt", "cert", "check", "clip", "clock", "copy", "door", "down",
  "download", "drop", "equal", "eye", "globe", "grip", "group", "hand", "history", "key", "keyboard", "laptop", "leave", "link",
  "lock", "minus", "more", "pause", "pencil", "play", "plus", "print", "question", "rotate", "sample", "search", "server",
  "settings", "shield", "sign", "stop", "sun", "tilde", "token", "trash", "undo", "unlock", "up", "upload", "users",
  "verified", "words", "x",
] as const;

export type IconName = (typeof icons)[number];
