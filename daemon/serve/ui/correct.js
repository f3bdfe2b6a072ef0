// What is wrong of the customer in the sale: names, phone or e-mail, two answers. Nothing is ticked beforehand, "No more"
// is as big as "Yes", and what is left empty stays as it is. (WIRE.md, section 12, "Forms of the lane".)

import { post } from "./post.js";

const TEXT_VERSION = "lane-correct-2026-11"; // of the two questions as they stand in lane.html
const ANSWER_MS = 8000; // for the box to keep it
const IDLE_MS = 120000; // a half-written form does not stay for the next customer to read

const $ = (id) => document.getElementById(id);
// id: person.details of whom the form is about; has: kinds of contact that are known, never the values.
const form = { id: null, busy: false, has: new Set(), answers: {}, gone: {}, fate: null, timer: 0, api: "", kept: () => {} };

const WORD = { phone: "number", email: "address" };
const CHANNEL = { phone: "sms", email: "email" };
const FIELDS = { first_name: "correct-first", last_name: "correct-last", phone: "correct-contact", email: "correct-contact", fate: "correct-contact" };

const contact = () => $("correct-contact").value.trim();
const kind = () => (contact().includes("@") ? "email" : "phone");
const asksFate = () => contact() !== "" && form.has.has(kind());

function say(message, field) {
  $("correct-error").textContent = message;
  $("correct-error").hidden = message === "";
  for (const input of document.querySelectorAll("#correct input")) input.removeAttribute("aria-invalid");
  if (!FIELDS[field]) return;
  $(FIELDS[field]).setAttribute("aria-invalid", "true");
  $(FIELDS[field]).focus();
}

const press = (key, is) => key.setAttribute("aria-pressed", String(is));

// What happens to the number that is known is asked only where there is one, and that it is gone only where none is typed.
function draw() {
  if (!asksFate()) form.fate = null;
  $("correct-fate").hidden = !asksFate();
  $("correct-replace").textContent = `Replaces the ${WORD[kind()]} we have`;
  press($("correct-replace"), form.fate === "replace");
  press($("correct-add"), form.fate === "add");
  for (const of of ["phone", "email"]) {
    const key = $(`correct-no-${of}`);
    key.hidden = !form.has.has(of) || contact() !== "";
    if (key.hidden) form.gone[of] = false;
    press(key, Boolean(form.gone[of]));
  }
  for (const key of document.querySelectorAll("#correct .answer")) press(key, form.answers[key.dataset.purpose] === key.dataset.value);
}

function touch() {
  clearTimeout(form.timer);
  form.timer = setTimeout(closeCorrect, IDLE_MS);
}

function closeCorrect() {
  clearTimeout(form.timer);
  if (!form.id) return;
  form.id = null;
  for (const input of document.querySelectorAll("#correct input")) input.value = "";
  $("correct-title").textContent = "";
  say("", "");
  $("correct").close();
}

// An address's own channel: of the one that is typed, or of those that stay. Without any it is about the person.
function channels() {
  if (contact()) return [CHANNEL[kind()]];
  const stay = [...form.has].filter((of) => !form.gone[of]);
  return stay.length ? stay.map((of) => CHANNEL[of]) : ["any"];
}

function consents() {
  const { marketing, personalisation } = form.answers;
  const choice = (purpose, channel, value) => ({ purpose, channel, value, text_version: TEXT_VERSION, language: document.documentElement.lang });
  // "No more" is for every number and address.
  const list = !marketing ? [] : (marketing === "granted" ? channels() : ["any"]).map((channel) => choice("marketing", channel, marketing));
  return personalisation ? [...list, choice("personalisation", "any", personalisation)] : list;
}

function body() {
  const said = { details: form.id };
  const first = $("correct-first").value.trim(), last = $("correct-last").value.trim();
  if (first) said.first_name = first;
  if (last) said.last_name = last;
  if (contact()) said[kind()] = contact();
  for (const of of ["phone", "email"]) if (form.gone[of] || (form.fate === "replace" && kind() === of)) said[`no_${of}`] = true;
  const list = consents();
  if (list.length) said.consents = list;
  return said;
}

async function save() {
  if (form.busy) return;
  if (asksFate() && !form.fate) return say(`Say whether this replaces the ${WORD[kind()]} we have, or is added.`, "fate");
  const said = body(), { id } = form;
  if (Object.keys(said).length === 1) return say("Nothing is changed yet.", "");
  form.busy = true;
  say("", "");
  touch();
  $("correct").setAttribute("aria-busy", "true");
  try {
    const answer = await post(`${form.api}/correct`, said, ANSWER_MS);
    if (form.id !== id) return; // somebody else is the customer by now
    if (!answer.ok) say(answer.said.error.message, answer.said.error.field);
    else {
      closeCorrect();
      if (["phone", "email", "no_phone", "no_email"].some((member) => member in said)) form.kept();
    }
  } catch {
    if (form.id === id) say("The box did not answer. Please press again.", "");
  } finally {
    form.busy = false;
    $("correct").removeAttribute("aria-busy");
  }
}

// `said`: what Details was answered. `name`: as it stands on the screen.
export function openCorrect(said, name) {
  if (form.id) return;
  Object.assign(form, { id: said.details, has: new Set(said.contact.map((c) => c.kind)), answers: {}, gone: {}, fate: null });
  $("correct-title").textContent = name ? `Correct ${name}` : "Correct this customer";
  $("correct-contacts").hidden = Boolean(said.contact_refused);
  $("correct-refused").textContent = said.contact_refused ?? "";
  $("correct-refused").hidden = !said.contact_refused;
  draw();
  $("correct").showModal();
  $("correct").scrollTop = 0;
  $("correct-first").focus();
  touch();
}

export function drawCorrect(view) {
  if (form.id && form.id !== (view?.person.details ?? null)) closeCorrect();
}

function toggle(key, of, name, value) {
  key.addEventListener("click", () => {
    const now = of === null ? form : form[of];
    now[name] = now[name] === value ? undefined : value;
    draw();
    touch();
  });
}

// `kept`: what Details shows has changed.
export function startCorrect(api, kept) {
  Object.assign(form, { api, kept });
  $("correct-cancel").addEventListener("click", closeCorrect);
  $("correct").addEventListener("cancel", (e) => {
    e.preventDefault();
    closeCorrect();
  });
  $("correct").addEventListener("input", () => {
    draw();
    touch();
  });
  $("correct-form").addEventListener("submit", (e) => {
    e.preventDefault();
    save();
  });
  toggle($("correct-replace"), null, "fate", "replace");
  toggle($("correct-add"), null, "fate", "add");
  toggle($("correct-no-phone"), "gone", "phone", true);
  toggle($("correct-no-email"), "gone", "email", true);
  for (const key of document.querySelectorAll("#correct .answer")) toggle(key, "answers", key.dataset.purpose, key.dataset.value);
}
