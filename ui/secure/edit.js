// Edit: a new or changed value goes from here to Rust and waits there, staged; the main window never sees it.
import { byId, characters, close, complain, invoke, open, place, say, sentence, work } from "./frame.js";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const name = byId("name");
const value = byId("value");
const note = byId("note");
let isNew = false;
/** A value exists already, signed or staged: an empty field then leaves it alone. */
let holdsValue = false;
let before = { name: "", note: "" };
let asked = false;
let emptyMeant = false;

open({
  command: "edit_context",
  show(context) {
    isNew = context.isNew;
    holdsValue = !isNew || context.name !== "";
    before = { name: context.name, note: context.note };
    name.value = context.name;
    note.value = context.note;
    place(context.path, context.class);
    byId("subject").textContent = isNew ? "New secret" : context.name;
    byId("subject").title = byId("subject").textContent;
    byId("becomes").textContent = isNew ? "Becomes version 1 after you sign" : `Becomes version ${context.nextVersion} after you sign`;
    byId("name-part").hidden = !isNew;
    byId("value-label").textContent = holdsValue ? "New value" : "Value";
    value.placeholder = holdsValue ? "Empty leaves the value as it is" : " ";
    count();
    (holdsValue ? value : name).focus();
  },
  leave,
});

name.addEventListener("input", lookAtName);
value.addEventListener("input", count);
byId("upper").addEventListener("click", () => {
  name.value = name.value.toUpperCase();
  lookAtName();
  name.focus();
});
byId("show").addEventListener("change", ({ target }) => value.classList.toggle("masked", !target.checked));
byId("generate").addEventListener("click", () => {
  byId("recipe").hidden = false;
  byId("generate").setAttribute("aria-expanded", "true");
  generate();
});
byId("generate-again").addEventListener("click", generate);
byId("gen-symbols").addEventListener("change", generate);
byId("work").addEventListener("submit", (event) => event.preventDefault());
byId("submit").addEventListener("click", submit);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") return;
  asked = false;
  byId("ask").hidden = true;
  if (event.key !== "Enter" || event.isComposing) return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    submit();
  } else if (event.target === byId("gen-length")) {
    event.preventDefault();
    generate();
  } else if (event.target === name) {
    event.preventDefault();
    value.focus();
  }
});

function lookAtName() {
  byId("upper").hidden = name.value === name.value.toUpperCase();
  const wrong = name.value !== "" && !NAME.test(name.value);
  byId("name-hint").classList.toggle("weak", wrong);
  byId("name-hint").textContent = wrong ? nameTrouble(name.value) : "Letters, digits and _, usually upper case.";
}

function nameTrouble(text) {
  if (/^[0-9]/.test(text)) return "A name does not begin with a digit.";
  return "Only letters A to Z, digits and _.";
}

function count() {
  emptyMeant = false;
  byId("length").textContent = value.value ? characters(value.value) : "";
}

async function generate() {
  const field = byId("gen-length");
  const length = Math.min(1024, Math.max(8, Math.round(Number(field.value)) || 32));
  field.value = String(length);
  try {
    value.value = await invoke("edit_generate", { length, symbols: byId("gen-symbols").checked });
    complain("");
    count();
    say(`Generated ${characters(value.value)}.`);
  } catch (error) {
    complain(sentence(error));
  }
}

async function submit() {
  if (byId("submit").disabled) return;
  if (isNew && !NAME.test(name.value)) return complain(name.value ? nameTrouble(name.value) : "Type a name.", name);
  if (!holdsValue && !value.value && !emptyMeant) {
    complain("The value is empty. Stage again to store an empty value.", value);
    emptyMeant = true;
    return;
  }
  complain("");
  work(true, "Staging");
  try {
    const changed = holdsValue && !value.value ? null : value.value;
    await invoke("edit_submit", { name: isNew ? name.value : before.name, value: changed, note: note.value });
    close();
  } catch (error) {
    work(false);
    complain(sentence(error), ["nameTaken", "badName"].includes(error.code) && isNew ? name : value);
  }
}

/** Esc discards only what was never typed; anything typed is asked about once. */
function leave() {
  const typed = value.value !== "" || note.value !== before.note || (isNew && name.value !== before.name);
  if (!typed || asked) return close();
  asked = true;
  byId("ask").hidden = false;
}
