/** Which rows of a list of equal rows are to be drawn. */

export type Range = { from: number; to: number };

/** Rows `from` up to but without `to`, with `overscan` rows beyond either edge of the view. */
export function visibleRange(scrollTop: number, height: number, rowHeight: number, total: number, overscan: number): Range {
  const first = Math.floor(Math.max(0, scrollTop) / rowHeight) - overscan;
  const last = Math.ceil((Math.max(0, scrollTop) + height) / rowHeight) + overscan;
  const to = Math.min(total, Math.max(0, last));
  return { from: Math.min(Math.max(0, first), to), to };
}

/** Where to scroll so that a row is wholly in view, or the same place when it is. */
export function scrollTo(index: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + height) return top + rowHeight - height;
  return scrollTop;
}

/** The drawn rows, and the focused one even where it is out of view: focus must not be lost by scrolling. */
export function drawnRows(range: Range, focused: number, total: number): number[] {
  const rows = Array.from({ length: range.to - range.from }, (_, index) => range.from + index);
  if (focused < 0 || focused >= total || (focused >= range.from && focused < range.to)) return rows;
  return focused < range.from ? [focused, ...rows] : [...rows, focused];
}
