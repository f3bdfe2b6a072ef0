// More of the customer in the sale, on a tap: notes and contact. Each look is kept by the box before it is shown; here
// it stands for ten seconds, and then nothing of it is left in the page. (WIRE.md, section 12, "Looking".)

import { openCorrect } from "./correct.js";
import { openNotes } from "./notes.js";
import { post } from "./post.js";

const ANSWER_MS = 5000; // for the box to keep that somebody looked

const $ = (id) => document.getElementById(id);
const shown = { id: null, said: null, timer: 0, offered: null, name: "", busy: false, api: "", fault: () => {} };

const KIND = { phone: "Phone", email: "E-mail" };
const STATE = { bounced: "does not arrive", wrong_person: "is somebody else's" };

const day = (iso) => new Date(`${iso}T00:00`).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });

function element(name, className, textContent) {
  return Object.assign(document.createElement(name), { className, textContent, dir: "auto" });
}

function entry(head, value, more, kind = "details-value") {
  const li = document.createElement("li");
  if (head) li.append(element("span", "details-head", head));
  li.append(element("span", kind, value));
  if (more) li.append(element("span", "details-more", more));
  return li;
}

function list(title, entries, nothing) {
  const part = document.createElement("div");
  part.append(element("h3", "", title));
  if (entries.length) {
    const ul = document.createElement("ul");
    ul.append(...entries);
    part.append(ul);
  } else part.append(element("p", "details-none", nothing));
  return part;
}

const noteEntry = (n) =>
  n.code === "text" ? entry("", n.words, `from the manager, ${day(n.since)}`, "details-text") : entry("", n.words, day(n.since));
const contactEntry = (c) => entry(KIND[c.kind] ?? c.kind, c.value, STATE[c.state] ?? (c.verified ? "" : "not verified"));

// Behind what is read: nobody who looks for a phone number has to get past it.
function changeKey(said) {
  if (!said.choices.length) return [];
  const key = Object.assign(document.createElement("button"), { type: "button", id: "details-change", className: "key key-plain details-change", textContent: "Add or remove a note" });
  key.addEventListener("click", () => {
    closeDetails();
    openNotes(said);
  });
  return [key];
}

export function closeDetails() {
  clearTimeout(shown.timer);
  if (!shown.id) return;
  const focused = $("details").contains(document.activeElement);
  shown.id = shown.said = null;
  $("details").hidden = true;
  $("details-body").replaceChildren();
  $("details-left").getAnimations().forEach((a) => a.cancel());
  $("details-open").setAttribute("aria-expanded", "false");
  if (focused && !$("details-open").hidden) $("details-open").focus();
}

function open(said) {
  shown.id = said.details;
  shown.said = said;
  // What several people use says nothing of who stands there: nothing is corrected by it.
  $("details-correct").hidden = Boolean(said.notes_refused);
  $("details-body").replaceChildren(
    list("Notes", said.notes.map(noteEntry), said.notes_refused ?? "None"),
    list("Contact", said.contact.map(contactEntry), said.contact_refused ?? "None"),
    ...changeKey(said),
  );
  $("details").hidden = false;
  $("details-body").scrollTop = 0;
  $("details-open").setAttribute("aria-expanded", "true");
  $("details-left").animate([{ transform: "scaleX(1)" }, { transform: "scaleX(0)" }], { duration: said.seconds * 1000, fill: "forwards" });
  shown.timer = setTimeout(closeDetails, said.seconds * 1000);
}

async function ask() {
  if (shown.busy || !shown.offered) return;
  shown.busy = true;
  $("details-open").setAttribute("aria-busy", "true");
  try {
    const { ok, said } = await post(`${shown.api}/details`, { details: shown.offered }, ANSWER_MS);
    if (!ok) shown.fault(said.error.message);
    else if (said.details === shown.offered) open(said); // else somebody else is the customer by now
  } catch {
    shown.fault("The box did not answer. Please press again.");
  } finally {
    shown.busy = false;
    $("details-open").removeAttribute("aria-busy");
  }
}

// A second tap on the key closes it: the thumb is there already.
const press = () => (shown.id ? closeDetails() : ask());

// After a change: as it is now.
export function lookAgain() {
  closeDetails();
  ask();
}

export function drawDetails(view) {
  shown.offered = view?.person.details ?? null;
  shown.name = view?.person.first_name ?? "";
  $("details-open").hidden = !shown.offered;
  if (shown.id !== shown.offered) closeDetails();
}

export function startDetails(api, fault) {
  Object.assign(shown, { api, fault });
  $("details-open").addEventListener("click", press);
  $("details-close").addEventListener("click", closeDetails);
  $("details-correct").addEventListener("click", () => {
    const { said, name } = shown;
    closeDetails();
    openCorrect(said, name);
  });
  addEventListener("keydown", (e) => {
    if (e.key === "Escape") closeDetails();
  });
}
