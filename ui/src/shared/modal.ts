/** A dialog, a menu or a list of choices is open, or the key comes from inside one: it takes the keys. */
export function inTheWay(event: Event): boolean {
  if (document.querySelector("dialog[open]")) return true;
  const { target } = event;
  return target instanceof Element && target.closest("[role=menu], [role=listbox], [data-popover]") !== null;
}
