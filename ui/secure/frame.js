// What every secure window shares: the one door to Rust, the frame with its two words, and sentences for errors.
//
// Invariants: nothing here writes markup, everything shown is set as text; a window wipes its fields before it goes;
// what a server wrote is never shown in a secure window.

const SENTENCES = {
  locked: "The vault is locked. Unlock it in the main window, then try again.",
  wrongPassphrase: "That passphrase does not open this vault. Try again.",
  keyringMissing: "This system offers no keyring. Choose another place for the Secret Key.",
  keyringBusy: "The system's keyring is locked. Unlock it, then try again.",
  secretKeyNeeded: "This computer's keyring does not hold the Secret Key. Type it from the Emergency Kit.",
  offline: "The server cannot be reached. Check the connection, then try again.",
  garbage: "The server's answer is not understood. Nothing was changed.",
  stopped: "The server shows a history that differs from the one this computer verified. Nothing was changed. The main window says more.",
  tooLarge: "That is too long. Shorten it, then try again.",
  fileUnreadable: "The file cannot be read or written. Choose another place.",
  diskFull: "The disk is full. Nothing was changed. Free some space, then try again.",
  cacheCorrupt: "The copy on this computer is damaged and has to be fetched again. Try again when the server can be reached.",
  cancelled: "Cancelled. Nothing was changed.",
  notAllowed: "You do not have the right to do that.",
  notFound: "That no longer exists.",
  notAnEnvFile: "That file holds no lines of the form NAME=value.",
  registrationClosed: "This server takes no new account without an invitation.",
  wrongAddress: "The server calls itself by another address. Type the address exactly as its owner gave it to you.",
  browserFailed: "The browser did not come back with a sign-in. Try again in the main window.",
  signIn: "Nobody was signed in through the browser. Sign in again in the main window.",
  alreadyHere: "This computer has that vault already. Unlock it in the main window.",
  summaryChanged: "What would be signed has changed meanwhile. Read it again, then sign.",
  lastOwner: "An organisation keeps one owner. Make somebody else an owner first.",
  policyForbids: "The policy of this organisation forbids that. Compare words with the person first.",
  keyDue: "The data key there has to be replaced first. Replace it in the main window, then try again.",
  removed: "You are no longer a member of this organisation.",
};

const CODES = {
  mistyped: "That is no such code, or a letter of it is missing or wrong. Paste the whole of it again.",
  used: "This code was used already. Ask for a new one.",
  expired: "The time of this code is over. Ask for a new one.",
  foreign: "This code belongs to another organisation.",
  unknown: "The server does not know this code. It was taken back, or the server is not the one it was made for.",
};

/** The codes that have a fixed sentence; the others are worded by `sentence` from their details. */
export const KNOWN_CODES = [...Object.keys(SENTENCES), "refused", "badName", "nameTaken", "badAddress", "badCode", "unreadable", "notReady", "badPolicy", "noBroker", "internal"];

/** What to tell a person about an error of a command. Text that a server wrote is left out on purpose. */
export function sentence(error) {
  switch (error?.code) {
    case "refused": return `The server refused this (${Number(error.status) || "no status"}). Nothing was changed.`;
    case "nameTaken": return `${clip(error.name)} exists here already. Choose another name.`;
    case "badName": return "That name cannot be used. Names are letters, digits and _, and do not begin with a digit.";
    case "badAddress": return error.insecure
      ? "Between two computers only an address that begins with https is safe. Nothing was sent."
      : "That is not the address of a server. It looks like https://vault.example.com.";
    case "badCode": return CODES[error.problem] ?? CODES.mistyped;
    case "unreadable": return Number(error.count) === 1
      ? "One secret there does not open. Nothing was changed. The main window shows which."
      : `${Number(error.count) || "Some"} secrets there do not open. Nothing was changed. The main window shows which.`;
    case "badPolicy": return `This policy cannot be used. ${clip(error.place)}: ${clip(error.problem)}.`;
    case "noBroker": return `The broker cannot be reached: ${clip(error.why)}.`;
    case "notReady": return `Something has to be done first: ${clip(error.missing)}.`;
    case "internal": return `Something in Strongroom failed. Nothing was changed. Report ${clip(error.reportId)}.`;
    default: return SENTENCES[error?.code] ?? "This window could not reach Strongroom. Close it, then open it again.";
  }
}

const clip = (text) => String(text ?? "").slice(0, 120);

export const byId = (id) => document.getElementById(id);

/** Calls a command of this window. Rejects with the command's error, `{ code, … }`; a refusal of the shell itself has no code. */
export async function invoke(command, args = {}) {
  try {
    return await window.__TAURI_INTERNALS__.invoke(command, args);
  } catch (error) {
    throw typeof error === "object" && error !== null ? error : {};
  }
}

/**
 * Opens the page: asks `command` for the window's context, dresses the frame and hands the context to `show`.
 * `leave` decides what Esc, Cancel and the cross do; the default closes.
 */
export async function open({ command, args, show, leave = close }) {
  keepInside();
  for (const id of ["close", "cancel"]) byId(id)?.addEventListener("click", () => leave());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    leave();
  });
  window.addEventListener("pagehide", wipe);
  window.addEventListener("beforeunload", wipe);
  try {
    const context = await invoke(command, args);
    dress(context);
    await show(context);
  } catch (error) {
    fail(error);
  }
}

/** Theme and words. The words are known to Strongroom's own windows only, so they prove where the page came from. */
export function dress({ theme, words }) {
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  if (words) byId("words").textContent = words.join(" ");
  byId("mark").hidden = !words;
  document.body.removeAttribute("aria-busy");
}

/** The page cannot do its work: only the sentence and the cross are left. */
function fail(error) {
  document.body.removeAttribute("aria-busy");
  byId("work").hidden = true;
  byId("failed").hidden = false;
  byId("failed-text").textContent = sentence(error);
  byId("close").focus();
}

/** Empties every field and every shown value of the page. */
export function wipe() {
  for (const field of document.querySelectorAll("input:not([type=checkbox]):not([type=radio]), textarea")) field.value = "";
  for (const shown of document.querySelectorAll("[data-secret]")) {
    shown.textContent = "";
    shown.removeAttribute("src");
  }
}

let closing = false;

/** Wipes and closes. Rust destroys the window; a second call does nothing. */
export function close() {
  if (closing) return;
  closing = true;
  wipe();
  invoke("secure_close").catch(() => { closing = false; });
}

/** Values leave only by Rust's own copy, which hides them from clipboard histories and clears them again. */
function keepInside() {
  const mayLeave = (target) => target?.closest?.("[data-open]");
  for (const type of ["copy", "cut", "dragstart"]) {
    document.addEventListener(type, (event) => {
      if (mayLeave(event.target)) return;
      event.preventDefault();
      if (type !== "dragstart" && event.target?.closest?.("input, textarea")) say("This field cannot be copied. Stage it, then copy it in the main window.");
    });
  }
  document.addEventListener("contextmenu", (event) => {
    if (!event.target?.closest?.("input, textarea")) event.preventDefault();
  });
}

/** One polite line for screen readers. */
export function say(text) {
  byId("status").textContent = text;
}

/** Shows a sentence under `field` and marks it, or takes both away when `text` is empty. */
export function complain(text, field) {
  for (const marked of document.querySelectorAll(".field.wrong")) marked.classList.remove("wrong");
  for (const marked of document.querySelectorAll("[aria-invalid]")) marked.removeAttribute("aria-invalid");
  byId("error-text").textContent = text;
  byId("error").hidden = !text;
  rest(Boolean(text));
  if (!text || !field) return;
  field.setAttribute("aria-invalid", "true");
  field.closest(".field")?.classList.add("wrong");
  field.focus();
}

/** While Rust works: fields and the primary act rest, closing stays possible, a bar moves (or the word "Working" stands). */
export function work(on, what = "") {
  byId("working").hidden = !on;
  byId("working").setAttribute("aria-label", what);
  if (on) byId("working").querySelector(".moving").textContent = what;
  rest(on || !byId("error").hidden);
  for (const control of document.querySelectorAll("#work input, #work textarea, #work button")) {
    if (control.id !== "cancel") control.disabled = on;
  }
  say(on ? what : "");
}

/** Hints give their place to errors and progress. */
function rest(on) {
  for (const hint of document.querySelectorAll("[data-rest]")) hint.hidden = on || hint.dataset.rest === "off";
}

/** Shows the hint while Caps Lock is on; only key and pointer events tell. */
export function watchCaps(field, hint) {
  const look = (event) => {
    if (typeof event.getModifierState === "function") hint.hidden = !event.getModifierState("CapsLock");
  };
  for (const type of ["keydown", "keyup", "pointerdown"]) field.addEventListener(type, look);
  field.addEventListener("blur", () => { hint.hidden = true; });
}

/** A check box that turns password fields into readable ones. */
export function showWhileTyping(box, ...fields) {
  box.addEventListener("change", () => {
    for (const field of fields) field.type = box.checked ? "text" : "password";
  });
}

/**
 * Counts down from `seconds`. `tick` gets the seconds left and the share left; `end` runs once.
 * Both clocks are read and the one that ran further counts, so neither sleep nor a clock set back gives more time.
 */
export function countdown(seconds, { tick, end }) {
  let total = seconds;
  const wall = Date.now();
  const steady = performance.now();
  let timer = null;
  const look = () => {
    const passed = Math.max(Date.now() - wall, performance.now() - steady) / 1000;
    const left = Math.max(0, total - passed);
    tick(Math.ceil(left), left / total);
    if (left > 0) return;
    clearInterval(timer);
    end();
  };
  timer = setInterval(look, 100);
  look();
  return {
    add(more) { total += more; look(); },
    stop() { clearInterval(timer); },
  };
}

/** "24 characters", counted as people count them, not as UTF-16 units. */
export function characters(text) {
  const n = [...text].length;
  return n === 1 ? "1 character" : `${n.toLocaleString("en")} characters`;
}

/** "8 s ago", "2 d ago", or a date. `at` and `now` in milliseconds since 1970. */
export function ago(at, now = Date.now()) {
  const s = Math.max(0, Math.round((now - at) / 1000));
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  if (s < 30 * 86400) return `${Math.floor(s / 86400)} d ago`;
  return day(at, now);
}

/** "22 Nov", with the year if it is not that of `now`; without `now` always with the year. */
export function day(at, now = Date.now()) {
  const date = new Date(at);
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const short = `${date.getDate()} ${months[date.getMonth()]}`;
  return now !== null && date.getFullYear() === new Date(now).getFullYear() ? short : `${short} ${date.getFullYear()}`;
}

/** "29 Nov, in 7 d", or that it is over. */
export function until(at, now = Date.now()) {
  const s = Math.round((at - now) / 1000);
  if (s <= 0) return `${day(at, now)}, over`;
  const rest = s < 3600 ? `${Math.ceil(s / 60)} min` : s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
  return `${day(at, now)}, in ${rest}`;
}

/** A picture of the page's own sprite, made without markup. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG from Rust as the source of a picture: there it cannot run anything. */
export function picture(svg) {
  return `data:image/svg+xml;base64,${btoa(Array.from(new TextEncoder().encode(svg), (byte) => String.fromCharCode(byte)).join(""))}`;
}

/**
 * A window that opens under a hand which is still clicking or typing must not take that for an answer: what decides
 * something wakes only after this many seconds.
 */
export const CALM = 0.6;

/** Fills the chip that says which environment a value belongs to. */
export function place(path, environmentClass) {
  byId("path").textContent = path;
  byId("path").title = path;
  byId("dot").classList.add(["development", "staging", "production"].includes(environmentClass) ? environmentClass : "other");
}
