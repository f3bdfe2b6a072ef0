// Notes on the customer in the sale, chosen from the box's list: a tap says one, another tap takes it back. Each tap is
// kept by the box and there on every lane. (WIRE.md, section 12, "Forms of the lane".)

import { post } from "./post.js";

const ANSWER_MS = 8000; // for the box to keep it

const $ = (id) => document.getElementById(id);
const form = { id: null, seconds: 0, timer: 0, busy: false, api: "" };

function say(message) {
  $("notes-error").textContent = message;
  $("notes-error").hidden = message === "";
}

// Which notes there are is shown as briefly as by Details.
function touch() {
  clearTimeout(form.timer);
  form.timer = setTimeout(closeNotes, form.seconds * 1000);
}

function closeNotes() {
  clearTimeout(form.timer);
  if (!form.id) return;
  form.id = null;
  $("notes-keys").replaceChildren();
  say("");
  $("notes").close();
}

async function press(key) {
  if (form.busy) return;
  const stands = key.getAttribute("aria-pressed") === "true";
  const id = form.id;
  form.busy = true;
  key.setAttribute("aria-busy", "true");
  say("");
  touch();
  try {
    const { ok, said } = await post(`${form.api}/correct`, { details: id, [stands ? "no_note" : "note"]: key.dataset.code }, ANSWER_MS);
    if (form.id !== id) return; // nobody looks any more
    if (ok) key.setAttribute("aria-pressed", String(!stands));
    else say(said.error.message);
  } catch {
    say("The box did not answer. Please press again.");
  } finally {
    form.busy = false;
    key.removeAttribute("aria-busy");
  }
}

function keyOf({ code, words }, standing) {
  const key = Object.assign(document.createElement("button"), { type: "button", className: "key", textContent: words });
  key.dataset.code = code;
  key.setAttribute("aria-pressed", String(standing.has(code)));
  key.addEventListener("click", () => press(key));
  return key;
}

export function openNotes({ details, seconds, notes, choices }) {
  Object.assign(form, { id: details, seconds });
  const standing = new Set(notes.map((n) => n.code));
  $("notes-keys").replaceChildren(...choices.map((c) => keyOf(c, standing)));
  $("notes").showModal();
  touch();
}

export function drawNotes(view) {
  if (form.id && form.id !== (view?.person.details ?? null)) closeNotes();
}

export function startNotes(api) {
  form.api = api;
  $("notes-done").addEventListener("click", closeNotes);
  $("notes").addEventListener("cancel", (e) => {
    e.preventDefault();
    closeNotes();
  });
}
