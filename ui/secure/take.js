// Take over: the code of an invitation that another manager made, so that this computer can finish the join too.
import { byId, complain, invoke, open, sentence, work } from "./frame.js";

const code = byId("code");

open({ command: "take_context", show: () => code.focus() });

byId("work").addEventListener("submit", submit);
code.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});

async function submit(event) {
  event.preventDefault();
  if (byId("submit").disabled) return;
  if (!code.value.trim()) return complain("Paste the code.", code);
  complain("");
  work(true, "Checking the code");
  try {
    await invoke("take_submit", { code: code.value });
    code.value = "";
  } catch (error) {
    work(false);
    complain(sentence(error), code);
  }
}
