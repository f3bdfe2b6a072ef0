// Who has this phone number or address: in an open sale, or for a reason that is written. Each look-up is kept by the
// box, found or not, and so many are allowed in an hour. (WIRE.md, section 12, "Looking".)

import { mayAsk } from "./enrol.js";
import { post } from "./post.js";

const ANSWER_MS = 8000; // for the box to keep it
const IDLE_MS = 60000; // a half-written form does not stay for the next customer to read

const $ = (id) => document.getElementById(id);
const form = { open: false, busy: false, sale: false, asked: null, timer: 0, api: "" };

const FIELDS = { phone: "find-contact", email: "find-contact", reason: "find-reason" };

function say(message, field) {
  $("find-error").textContent = message;
  $("find-error").hidden = message === "";
  for (const input of document.querySelectorAll("#find input")) input.removeAttribute("aria-invalid");
  if (!FIELDS[field]) return;
  $(FIELDS[field]).setAttribute("aria-invalid", "true");
  $(FIELDS[field]).focus();
}

// form.asked: the identifier of who was found and can be the customer of this sale.
function draw(found) {
  $("find-fields").hidden = $("find-send").hidden = Boolean(found);
  $("find-found").hidden = !found;
  $("find-attach").hidden = !(found && form.asked);
  $("find-cancel").textContent = found ? "Close" : "Cancel";
  $("find-why").hidden = form.sale;
}

function touch(ms = IDLE_MS) {
  clearTimeout(form.timer);
  form.timer = setTimeout(closeFind, ms);
}

function closeFind() {
  clearTimeout(form.timer);
  if (!form.open) return;
  form.open = false;
  form.asked = null;
  for (const input of document.querySelectorAll("#find input")) input.value = "";
  $("find-found").replaceChildren();
  say("", "");
  $("find").close();
}

function openFind() {
  if (form.open) return;
  form.open = true;
  draw(false);
  $("find").showModal();
  $("find-contact").focus();
  touch();
}

const identifier = () => {
  const value = $("find-contact").value.trim();
  return value.includes("@") ? { email: value } : { phone: value };
};

function facts({ tier, points }) {
  const said = [tier, Number.isInteger(points) ? `${points} ${points === 1 ? "point" : "points"}` : ""];
  return said.filter(Boolean).join(" · ");
}

function answered(said, asked) {
  const known = said.state === "known";
  const name = Object.assign(document.createElement("p"), { dir: "auto", textContent: known ? said.first_name || "Member" : said.words });
  const more = Object.assign(document.createElement("span"), { className: "find-facts", textContent: known ? facts(said) : "" });
  form.asked = known && form.sale ? asked : null;
  $("find-found").replaceChildren(name, more);
  for (const input of document.querySelectorAll("#find input")) input.value = "";
  draw(true);
  $(form.asked ? "find-attach" : "find-cancel").focus();
  touch(said.seconds * 1000);
}

async function send(path, body, then) {
  if (form.busy) return;
  form.busy = true;
  say("", "");
  $("find").setAttribute("aria-busy", "true");
  try {
    const { ok, said } = await post(`${form.api}/${path}`, body, ANSWER_MS);
    if (!form.open) return; // nobody looks any more
    if (ok) then(said);
    else say(said.error.message, said.error.field);
  } catch {
    say("The box did not answer. Please press again.", "");
  } finally {
    form.busy = false;
    $("find").removeAttribute("aria-busy");
  }
}

function find() {
  const asked = identifier();
  const reason = $("find-reason").value.trim();
  touch();
  send("find", form.sale || !reason ? asked : { ...asked, reason }, (said) => answered(said, asked));
}

// The key is there while nobody is; what is open goes when somebody comes by another way, or the box is lost.
export function drawFind(view) {
  const may = mayAsk(view);
  const sale = ["basket", "tender"].includes(view?.state);
  $("find-open").hidden = !may;
  if (form.open && (!may || (form.asked && !sale)) && !form.busy) closeFind();
  form.sale = sale;
  if (form.open) $("find-why").hidden = sale;
}

export function startFind(api) {
  form.api = api;
  $("find-open").addEventListener("click", openFind);
  $("find-cancel").addEventListener("click", closeFind);
  $("find").addEventListener("cancel", (e) => {
    e.preventDefault();
    closeFind();
  });
  $("find").addEventListener("input", () => touch());
  $("find-form").addEventListener("submit", (e) => {
    e.preventDefault();
    if (!$("find-send").hidden) find();
  });
  $("find-attach").addEventListener("click", () => send("enrol", { ...form.asked, known: "attach" }, closeFind));
}
