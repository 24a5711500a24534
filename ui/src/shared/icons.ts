/** Names of the glyphs in the sprite. */
export const icons = [
  "alert", "app", "cert", "check", "clip", "clock", "copy", "door", "down", "download", "drop", "equal", "eye", "key", "keyboard",
  "laptop", "link", "lock", "minus", "more", "pencil", "plus", "print", "question", "rotate", "sample", "search", "server",
  "settings", "sign", "sun", "tilde", "trash", "undo", "unlock", "up", "verified", "x",
] as const;

export type IconName = (typeof icons)[number];
