// A new customer: name, phone or e-mail, two questions. Nothing is ticked beforehand, "No" is as big as "Yes", and an
// answer that is not given is not recorded. (WIRE.md, section 12, "Forms of the lane".)

import { post } from "./post.js";

const TEXT_VERSION = "lane-2026-11"; // of the two questions as they stand in lane.html
const ANSWER_MS = 8000; // for the box to keep it
const IDLE_MS = 120000; // a half-written form does not stay for the next customer to read

const $ = (id) => document.getElementById(id);
const form = { open: false, busy: false, answers: {}, known: null, timer: 0, api: "" };

const isEmail = () => $("enrol-contact").value.includes("@");
const contactField = () => (isEmail() ? "email" : "phone");

function say(message, field) {
  const at = $("enrol-error");
  at.textContent = message;
  at.hidden = message === "";
  for (const [name, id] of [["first_name", "enrol-name"], ["phone", "enrol-contact"], ["email", "enrol-contact"]])
    if (field === name) $(id).setAttribute("aria-invalid", "true");
  if (field === "first_name") $("enrol-name").focus();
  else if (field === "phone" || field === "email") $("enrol-contact").focus();
}

function clean() {
  say("", "");
  for (const input of document.querySelectorAll("#enrol input")) input.removeAttribute("aria-invalid");
}

function drawAnswers() {
  for (const key of document.querySelectorAll("#enrol .answer"))
    key.setAttribute("aria-pressed", String(form.answers[key.dataset.purpose] === key.dataset.value));
}

function drawKnown() {
  const { known } = form;
  $("enrol-known").hidden = !known;
  $("enrol-fields").hidden = Boolean(known);
  $("enrol-save").hidden = Boolean(known);
  if (!known) return;
  const what = { phone: "phone number", email: "e-mail address", card: "card" }[known.field] ?? "number";
  const who = known.several ? "Several customers have" : `${known.first_name} has`;
  $("enrol-known-text").textContent = `${who} this ${what} already.`;
  $("enrol-attach").hidden = !known.attach;
  $("enrol-attach").textContent = `It is ${known.first_name}`;
  $("enrol-new").textContent = known.attach ? "Somebody else" : "A second customer";
}

function touch() {
  clearTimeout(form.timer);
  form.timer = setTimeout(closeForm, IDLE_MS);
}

export function closeForm() {
  clearTimeout(form.timer);
  if (!form.open) return;
  form.open = false;
  form.known = null;
  form.answers = {};
  for (const input of document.querySelectorAll("#enrol input")) input.value = "";
  clean();
  $("enrol").close();
}

function openForm() {
  if (form.open) return;
  form.open = true;
  form.known = null;
  form.answers = {};
  clean();
  drawAnswers();
  drawKnown();
  $("enrol").showModal();
  $("enrol-name").focus();
  touch();
}

function body(known) {
  const contact = $("enrol-contact").value.trim();
  const said = { first_name: $("enrol-name").value.trim() };
  if (contact) said[contactField()] = contact;
  const choice = (purpose, channel, value) => ({ purpose, channel, value, text_version: TEXT_VERSION, language: document.documentElement.lang });
  const { marketing, personalisation } = form.answers;
  const consents = [];
  if (marketing) consents.push(choice("marketing", contact ? (isEmail() ? "email" : "sms") : "any", marketing));
  if (personalisation) consents.push(choice("personalisation", "any", personalisation));
  if (consents.length) said.consents = consents;
  if (known) said.known = known;
  return said;
}

async function save(known) {
  if (form.busy) return;
  form.busy = true;
  clean();
  $("enrol").setAttribute("aria-busy", "true");
  try {
    const { ok, said } = await post(`${form.api}/enrol`, body(known), ANSWER_MS);
    if (ok) closeForm();
    else if (said.known && !known) form.known = { ...said.known, field: said.error.field };
    else {
      form.known = null;
      say(said.error.message, said.error.field);
    }
  } catch {
    say("The box did not answer. Please press again.", "");
  } finally {
    form.busy = false;
    $("enrol").removeAttribute("aria-busy");
    if (form.open) drawKnown();
    if (form.open && form.known) $(form.known.attach ? "enrol-attach" : "enrol-new").focus();
  }
}

const isNobody = (view) => Boolean(view) && ["none", "unknown"].includes(view.person.state) && !view.person.asking;
export const mayAsk = (view) => isNobody(view) && !view.question && ["idle", "basket", "tender"].includes(view.state);

// The key is there while nobody is; a form that is open goes when somebody comes by another way, or the box is lost.
export function drawForm(view) {
  const nobody = isNobody(view);
  $("enrol-open").hidden = !mayAsk(view);
  $("enrol-card").hidden = !view?.new_card;
  $("enrol-contact").placeholder = view?.new_card ? "not needed" : "";
  if (!nobody && form.open && !form.busy) closeForm();
}

export function startForm(api) {
  form.api = api;
  $("enrol-open").addEventListener("click", openForm);
  $("enrol-cancel").addEventListener("click", closeForm);
  $("enrol").addEventListener("cancel", (e) => {
    e.preventDefault();
    closeForm();
  });
  $("enrol").addEventListener("input", touch);
  $("enrol-form").addEventListener("submit", (e) => {
    e.preventDefault();
    if (!form.known) save(null);
  });
  $("enrol-attach").addEventListener("click", () => save("attach"));
  $("enrol-new").addEventListener("click", () => save("new"));
  for (const key of document.querySelectorAll("#enrol .answer"))
    key.addEventListener("click", () => {
      const { purpose, value } = key.dataset;
      form.answers[purpose] = form.answers[purpose] === value ? undefined : value;
      drawAnswers();
      touch();
    });
}
