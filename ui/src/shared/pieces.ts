export type Piece = { text: string; hit: boolean };

/** Cuts a text at ranges `[from, to)` in UTF-16 units; ranges outside the text are ignored. */
export function pieces(text: string, ranges: readonly (readonly [number, number])[]): Piece[] {
  const cut: Piece[] = [];
  let at = 0;
  for (const [from, to] of ranges) {
    if (from < at || to <= from || to > text.length) continue;
    if (from > at) cut.push({ text: text.slice(at, from), hit: false });
    cut.push({ text: text.slice(from, to), hit: true });
    at = to;
  }
  if (at < text.length) cut.push({ text: text.slice(at), hit: false });
  return cut;
}
