/** A straight line from one span to another. */
export type Scale = ((value: number) => number) & { invert: (place: number) => number };
type Span = readonly [number, number];

export function linear([low, high]: Span, [from, to]: Span): Scale {
  const length = high - low || 1;
  const scale = (value: number) => from + ((value - low) / length) * (to - from);
  return Object.assign(scale, { invert: (place: number) => low + ((place - from) / (to - from || 1)) * length });
}

/** As many bands as asked for side by side, with a fifth of a step between them. */
export function bands(count: number, width: number): { width: number; x: (index: number) => number } {
  const step = width / Math.max(1, count - 0.2);
  return { width: step * 0.8, x: (index) => index * step };
}
