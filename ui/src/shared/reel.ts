/**
 * Where the rows of a very long list stand while it is scrolled.
 *
 * An element cannot be as high as a million rows, so beyond `tallest` the scroll bar stands for the
 * list without measuring it. What always holds: a row near the view moves exactly as far as the wheel
 * or a key moved the list, and never jumps while the scroll bar is brought back into step.
 *
 * Rows before which a label stands (`opens`) are higher by it. That is known only of rows that are
 * loaded, so places are counted from the first row in view, up and down.
 */

/** Pixels. Engines hold between 17 and 33 million. */
export const tallest = 12_000_000;
/** Near both ends the scroll bar is exact, so that the first and the last row are always reached. */
const exactEnds = 60_000;
/** A list this short is measured wholly. */
const fewRows = 400;

export type Placed = { index: number; y: number; opens: boolean };

export class Reel {
  #total = 0;
  #view = 0;
  /** The first row in view, and where its upper edge is in the scrolled content. */
  #anchor = 0;
  #edge = 0;
  #at = 0;

  constructor(
    readonly rowHeight: number,
    readonly labelHeight: number,
    /** A label stands before this row. */
    readonly opens: (index: number) => boolean,
  ) {}

  /** The height of what is scrolled. */
  get height(): number {
    return Math.min(this.#natural(), tallest);
  }

  get scrollTop(): number {
    return this.#at;
  }

  get first(): number {
    return this.#anchor;
  }

  /** Rows that fit, for a page up or down. */
  get page(): number {
    return Math.max(1, Math.floor(this.#view / this.rowHeight) - 1);
  }

  resize(total: number, view: number): number {
    this.#total = total;
    this.#view = view;
    return this.#anchor >= total ? this.#jump(this.#room()) : this.#walk(this.#at);
  }

  /** To the very start, for another question. */
  rewind(): number {
    this.#anchor = 0;
    this.#edge = 0;
    this.#at = 0;
    return 0;
  }

  /** The person scrolled there. Answers where the list must stand instead, most often the same. */
  scrolled(to: number): number {
    if (Math.abs(to - this.#at) <= 3 * this.#view) return this.#walk(to);
    return this.#jump(to);
  }

  /** Nothing moves any more: the scroll bar is brought into step without moving a row. */
  settle(): number {
    const to = this.#unmap(this.#position());
    if (Math.abs(to - this.#at) < this.#view / 2) return this.#at;
    this.#edge += to - this.#at;
    this.#at = to;
    return to;
  }

  /** Brings a row wholly into view, by the shortest way when it is near. */
  show(index: number): number {
    const near = Math.abs(index - this.#anchor) <= 4 * this.page;
    if (!near) {
      const lead = index === 0 ? 0 : index === this.#total - 1 ? this.#view - this.rowHeight : Math.floor(this.#view / 3);
      const to = Math.max(0, Math.min(this.#room(), this.#unmap(index * this.rowHeight - lead)));
      this.#anchor = index;
      this.#edge = to + lead - (this.opens(index) ? this.labelHeight : 0);
      return this.#walk(to);
    }
    const top = this.#edgeOf(index);
    const bottom = top + this.#heightOf(index);
    if (top < this.#at) return this.#walk(top);
    if (bottom > this.#at + this.#view) return this.#walk(bottom - this.#view);
    return this.#at;
  }

  /** Rows came in before the first: what is in view stays where it is. */
  inserted(count: number): number {
    this.#total += count;
    this.#anchor += count;
    const to = Math.min(this.#room(), this.#unmap(this.#position()));
    this.#edge += to - this.#at;
    this.#at = to;
    return to;
  }

  /** The rows in view, and `more` beyond either edge. */
  placed(more: number): Placed[] {
    const rows: Placed[] = [];
    const from = Math.max(0, this.#anchor - more);
    let edge = this.#edgeOf(from);
    for (let index = from; index < this.#total && edge < this.#at + this.#view + more * this.rowHeight; index += 1) {
      const opens = this.opens(index);
      rows.push({ index, y: edge + (opens ? this.labelHeight : 0), opens });
      edge += this.#heightOf(index);
    }
    return rows;
  }

  #natural(): number {
    if (this.#total > fewRows) return this.#total * this.rowHeight;
    let height = 0;
    for (let index = 0; index < this.#total; index += 1) height += this.#heightOf(index);
    return height;
  }

  #heightOf(index: number): number {
    return this.rowHeight + (this.opens(index) ? this.labelHeight : 0);
  }

  #edgeOf(index: number): number {
    let edge = this.#edge;
    for (let row = this.#anchor; row < index; row += 1) edge += this.#heightOf(row);
    for (let row = this.#anchor; row > index; row -= 1) edge -= this.#heightOf(row - 1);
    return edge;
  }

  #room(): number {
    return Math.max(0, this.height - this.#view);
  }

  /** Pixels from the start of the list, if its rows were all of one height. */
  #position(): number {
    return this.#anchor * this.rowHeight + (this.#at - this.#edge);
  }

  #walk(wanted: number): number {
    if (this.#total === 0) return this.rewind();
    const to = Math.max(0, Math.min(this.#room(), wanted));
    while (this.#edge + this.#heightOf(this.#anchor) <= to && this.#anchor < this.#total - 1) {
      this.#edge += this.#heightOf(this.#anchor);
      this.#anchor += 1;
    }
    while (this.#edge > to && this.#anchor > 0) {
      this.#anchor -= 1;
      this.#edge -= this.#heightOf(this.#anchor);
    }
    this.#at = to;
    return this.#endBelow() ?? this.#endAbove() ?? to;
  }

  /** At the start of the list the bar must be at its start, and nowhere else. */
  #endAbove(): number | null {
    if (this.#anchor === 0 && this.#edge >= this.#at) {
      this.#edge = 0;
      this.#at = 0;
      return 0;
    }
    if (this.#at > 0) return null;
    return this.#shift(Math.min(this.#room(), Math.max(1, this.#unmap(this.#position()))));
  }

  #endBelow(): number | null {
    const most = Math.ceil(this.#view / this.rowHeight) + 1;
    const room = this.#room();
    if (room === 0) return null;
    if (this.#total - this.#anchor > most) return this.#at >= room ? this.#shift(Math.max(1, Math.min(room - 1, this.#unmap(this.#position())))) : null;
    const end = this.#edgeOf(this.#total);
    const left = end - (this.#at + this.#view);
    if (left <= 0) {
      this.#edge += this.height - end;
      this.#at = room;
      return this.#walkUp();
    }
    return this.#at >= room ? this.#shift(room - left) : null;
  }

  /** After the end was aligned, the first row in view may be another. */
  #walkUp(): number {
    while (this.#edge > this.#at && this.#anchor > 0) {
      this.#anchor -= 1;
      this.#edge -= this.#heightOf(this.#anchor);
    }
    return this.#at;
  }

  #shift(to: number): number {
    this.#edge += to - this.#at;
    this.#at = to;
    return to;
  }

  #jump(to: number): number {
    const room = this.#room();
    if (this.#total > 0 && to >= room) {
      this.#anchor = Math.max(0, this.#total - 1);
      this.#edge = this.height - this.#heightOf(this.#anchor);
      return this.#walk(room);
    }
    const position = this.#map(to);
    this.#anchor = Math.max(0, Math.min(this.#total - 1, Math.floor(position / this.rowHeight)));
    this.#edge = to - (position - this.#anchor * this.rowHeight);
    return this.#walk(to);
  }

  /** From the scroll bar to the place in the list, and back. */
  #map(to: number): number {
    const [room, whole, exact] = this.#scale();
    if (to <= exact) return to;
    if (to >= room - exact) return whole - (room - to);
    return Math.round(exact + ((to - exact) * (whole - 2 * exact)) / (room - 2 * exact));
  }

  #unmap(position: number): number {
    const [room, whole, exact] = this.#scale();
    if (position <= exact) return position;
    if (position >= whole - exact) return room - (whole - position);
    return Math.round(exact + ((position - exact) * (room - 2 * exact)) / (whole - 2 * exact));
  }

  #scale(): [room: number, whole: number, exact: number] {
    const room = this.#room();
    const whole = Math.max(room, this.#total > fewRows ? this.#total * this.rowHeight - this.#view : room);
    return [room, whole, Math.min(exactEnds, room / 4)];
  }
}
