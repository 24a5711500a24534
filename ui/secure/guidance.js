// Guidance on a passphrase while it is typed: length and plain repetition, no dictionary and no score.

/** Characters a passphrase has at least. */
export const SHORTEST = 10;
const COMFORTABLE = 20;

/** A sentence and its tone ("weak", "good" or "" ) for what is typed so far. */
export function guidance(passphrase) {
  const letters = [...passphrase];
  const words = passphrase.split(/[\s\-_.,]+/).filter((word) => word.length > 2).length;
  if (letters.length === 0) return { text: `At least ${SHORTEST} characters.`, tone: "" };
  if (letters.length < SHORTEST) return { text: `${letters.length} of at least ${SHORTEST} characters.`, tone: "weak" };
  if (new Set(letters).size < 6) return { text: "Few different characters: easy to guess.", tone: "weak" };
  if (letters.length >= COMFORTABLE && words >= 3) return { text: `${letters.length} characters, several words.`, tone: "good" };
  if (letters.length >= COMFORTABLE) return { text: `${letters.length} characters, long.`, tone: "good" };
  return { text: `${letters.length} characters. Longer is better.`, tone: "" };
}
