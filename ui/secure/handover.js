// Windows that hand a code over: copying and saving happen in Rust, the page only says how it went.
import { byId, invoke, say, sentence } from "./frame.js";

/** Runs a command of the window and shows what `told` makes of its answer, or the error. */
export async function deed(command, told) {
  try {
    const text = told(await invoke(command));
    if (text) tell(text, "good");
    return Boolean(text);
  } catch (error) {
    if (error.code !== "cancelled") tell(sentence(error), "weak");
    return false;
  }
}

/** Shows one line beside the buttons. */
export function tell(text, tone) {
  byId("outcome").textContent = text;
  byId("outcome").title = text;
  byId("outcome").className = `hint cut grow end ${tone}`;
  say(text);
}

export const copied = ({ clearsAt }) => `Copied. Cleared in ${Math.max(0, Math.round((clearsAt - Date.now()) / 1000))} s.`;
export const saved = (path) => (path ? `Saved as ${path}` : "");

/** C and Ctrl C copy through Rust wherever the focus is. */
export function copyByKey(copy) {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "c" || event.altKey || event.shiftKey || event.repeat) return;
    event.preventDefault();
    copy();
  });
}
