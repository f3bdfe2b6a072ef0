// The lane screen: shows the lane view (WIRE.md, section 12) and sends back what the cashier presses.

import { drawCorrect, startCorrect } from "./correct.js";
import { drawDetails, lookAgain, startDetails } from "./details.js";
import { drawForm, startForm } from "./enrol.js";
import { drawFind, startFind } from "./find.js";
import { drawNotes, startNotes } from "./notes.js";
import { post } from "./post.js";

const RECONNECT_MS = 1000; // a restarted box shows names again after about this long
const BLANK_AFTER_MS = 30000; // nobody's name stays on a screen that has lost its box
const SETTLE_MS = 300; // a key that has just appeared under a finger is not pressed yet
const ANSWER_MS = 5000; // for the box to take a key press
const FAULT_SHOWN_MS = 6000;
const CHOICES = [0, 1, 2, 3, 4]; // keys of a question: four people and "Somebody else"

const lane = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const api = `/api/v1/lanes/${encodeURIComponent(lane)}`;
const $ = (id) => document.getElementById(id);

const page = { view: null, lost: false, late: false, fault: "", asked: null, askedAt: 0 };

// ---- words ----

const SALE = { idle: "", basket: "Sale open", tender: "Paying", done: "Sale complete", starting: "" };

// Why the sale on this screen was interrupted; whatever the cause, it goes on.
const CONTINUED = { power: "after power cut", crash: "after a restart", restart: "after a restart", upgrade: "after an upgrade" };
const continued = (view) => (view.restored ? `Continued ${CONTINUED[view.restored_cause] ?? CONTINUED.restart} at ${view.restored}` : "");

// Who was scanned and is nobody's customer here; what to do stands in the notice.
const NOBODY = {
  unknown: "Card not known",
  refused_card: "Payment card",
  conflict: "Several match",
  shared: "Used by several",
  blocked: "Not accepted",
  stale: "Still theirs?",
  staff: "Your own card",
};

function headline(view) {
  const { state, first_name: name } = view.person;
  if (state === "known") return name || "Member";
  if (state === "unknown" && view.person.asking) return "One moment";
  if (state === "staff" && view.person.staff) return "Staff card";
  if (NOBODY[state]) return NOBODY[state];
  if (view.state === "starting") return "Starting";
  if (["held", "last"].includes(view.question?.kind)) return "Whose card?";
  if (view.state === "idle") return "Ready";
  return view.state === "done" ? "Thank you" : "No card yet";
}

// The one state that the cashier has to know of, as a sign and a word that always stand in the same place.
const MARK = {
  starting: "Starting",
  held: "Card held",
  hq: "HQ differs",
  suggested: "Same person?",
  asking: "Asking HQ",
  unknown: "Unknown",
  refused: "Refused",
  conflict: "Several",
  shared: "Shared",
  blocked: "Blocked",
  stale: "Long unused",
  staff: "Staff",
  expired: "Locked",
  confidential: "Protected",
  provisional: "New here",
  known: "Known",
};

function markOfKnown({ person, fresh }) {
  if (fresh.level === "locked") return "expired";
  if (person.staff) return "staff";
  if (person.confidential) return "confidential";
  if (person.shared) return "shared";
  return person.new ? "provisional" : "known";
}

function mark(view) {
  const { state, struck, asking } = view.person;
  if (view.state === "starting") return "starting";
  if (struck) return "refused";
  if (view.question && view.question.kind !== "which") return "held";
  if (view.change) return "hq";
  if (view.suggestion) return "suggested";
  if (asking) return "asking";
  if (state === "known") return markOfKnown(view);
  if (view.fresh.level === "locked") return "expired";
  return { none: "", refused_card: "refused" }[state] ?? state;
}

// What is special about the person who is shown.
function special(view) {
  if (view.person.struck) return "";
  if (view.person.staff) return "Staff sale";
  if (view.person.state !== "known") return "";
  if (view.fresh.level === "locked") return "Names are locked: the data is too old";
  if (view.person.confidential) return "The name is protected";
  return view.person.shared ? "Several people use this: points only" : "";
}

function notice(view) {
  if (page.fault) return page.fault;
  if (view.person.asking) return "";
  if (view.person.struck && !view.notice) return "Not saved. Please scan again.";
  return view.notice && view.notice !== headline(view) ? view.notice : special(view);
}

function prompt(view) {
  if (view.question || view.change || view.suggestion) return "";
  if (view.state === "starting") return view.prompt || "Cards are kept, names in a moment";
  return view.prompt || "";
}

const showsPoints = (view) =>
  view.person.state === "known" && Number.isInteger(view.person.points) && !["no_points", "locked"].includes(view.fresh.level);

const isAbout = (view) => ["amber", "no_prompts"].includes(view.fresh.level);

function freshText({ level, text: said }) {
  if (level === "now" || !said) return "";
  return said.startsWith("as of") ? `Data ${said}` : said[0].toUpperCase() + said.slice(1);
}

// Groups of three with a narrow space: 12 345. Four digits stand better undivided.
const grouped = (n) => (Math.abs(n) < 10000 ? String(n) : String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f"));

function symbol(currency) {
  try {
    const parts = new Intl.NumberFormat("en", { style: "currency", currency, currencyDisplay: "narrowSymbol" }).formatToParts(0);
    return parts.find((p) => p.type === "currency").value;
  } catch {
    return currency ?? "";
  }
}

const times = (l) => {
  const unit = l.unit === "piece" ? "" : `\u00a0${l.unit}`;
  return l.quantity === "1" && !unit ? "" : `${l.quantity}${unit} × ${l.price}`;
};

// ---- drawing: only what differs is touched, so that nothing flickers and no key moves under a finger ----

function text(el, value) {
  if (el.textContent !== value) el.textContent = value;
}

function show(el, value) {
  text(el, value);
  el.hidden = value === "";
}

function drawHeadline(value) {
  const h1 = $("headline");
  if (!h1.firstElementChild) h1.append(document.createElement("span"));
  if (h1.firstElementChild.textContent === value && h1.dataset.fits === String(innerWidth)) return;
  text(h1.firstElementChild, value);
  h1.dataset.fits = innerWidth;
  fit(h1, h1.firstElementChild);
}

// A name is never cut off: a long one gets smaller letters and more lines.
function fit(h1, name) {
  for (const size of ["", "long", "longest"]) {
    h1.dataset.size = size;
    if (name.scrollHeight <= name.clientHeight + 1) return;
  }
}

function drawPerson(view) {
  const known = view.person.state === "known";
  const struck = view.person.struck;
  const points = showsPoints(view) && !struck;
  drawHeadline(headline(view));
  show($("tier"), known && !struck ? view.person.tier ?? "" : "");
  $("unconfirmed").hidden = !(known && view.person.new && !struck) || points;
  $("tier").dataset.tier = (view.person.tier ?? "").toLowerCase();
  $("points").hidden = !points;
  $("about").hidden = !isAbout(view);
  text($("figure"), points ? grouped(view.person.points) : "");
  text($("points-unit"), view.person.points === 1 ? "point" : "points");
  $("saving").hidden = !view.person.provisional || struck;
  text($("wrong"), known ? "Wrong customer" : "No staff sale");
  $("wrong").hidden = !(known || view.person.staff) || struck;
}

function drawMark(name) {
  $("screen").dataset.mark = name;
  $("mark").hidden = name === "";
  text($("mark-word"), MARK[name] ?? "");
  if (name) $("mark-sign").setAttribute("href", `#m-${name}`);
}

function drawQuestion(q) {
  if (q?.id !== page.asked) {
    page.asked = q?.id ?? null;
    page.askedAt = performance.now();
    for (const key of document.querySelectorAll(".keys .key")) key.removeAttribute("aria-busy");
  }
  $("question").hidden = !q;
  $("question").dataset.id = q?.id ?? "";
  text($("question-text"), q?.text ?? "");
  $("question").classList.toggle("which", q?.kind === "which");
  $("question").classList.toggle("many", q?.choices.length > 3);
  CHOICES.forEach((i) => {
    const choice = q?.choices?.[i];
    show($(`choice-${i}`), choice?.label ?? "");
    $(`choice-${i}`).dataset.key = choice?.key ?? "";
  });
}

// HQ's word on who is here, or somebody whom the box suggests: one line, and nothing happens without a tap.
function drawWord(view) {
  const change = view?.change, suggestion = view?.suggestion;
  const said = change?.text ?? suggestion?.text ?? "";
  $("word").hidden = said === "";
  text($("word-text"), said);
  show($("word-key"), change ? "Take over" : suggestion ? "Not the same" : "");
  $("word-key").dataset.id = change?.id ?? suggestion?.id ?? "";
  $("word-key").dataset.path = change ? "take-over" : "not-me";
  $("word-same").hidden = Boolean(change) || !suggestion;
  $("word-same").dataset.id = suggestion?.id ?? "";
}

function lineElement(l) {
  const li = document.createElement("li");
  const name = Object.assign(document.createElement("span"), { className: "name", dir: "auto", textContent: l.name });
  const sum = Object.assign(document.createElement("span"), { className: "sum", textContent: l.total });
  li.append(name, sum);
  if (times(l)) li.append(Object.assign(document.createElement("span"), { className: "times", textContent: times(l) }));
  li.classList.toggle("provisional", Boolean(l.provisional));
  li.dataset.as = JSON.stringify(l);
  return li;
}

function drawLines(lines) {
  const list = $("lines");
  lines.forEach((l, i) => {
    const old = list.children[i];
    if (old?.dataset.as === JSON.stringify(l)) return;
    if (old) old.replaceWith(lineElement(l));
    else list.append(lineElement(l));
  });
  const grew = lines.length && list.dataset.last !== lines.at(-1).line_id;
  while (list.children.length > lines.length) list.lastElementChild.remove();
  list.dataset.last = lines.at(-1)?.line_id ?? "";
  if (grew) list.scrollTop = list.scrollHeight;
}

function drawBasket(basket) {
  const lines = basket?.lines ?? [];
  text($("till"), basket?.till ? `Till ${basket.till}` : "");
  $("basket").classList.toggle("closed", !basket);
  const { link, state } = $("screen").dataset;
  const unknown = link !== "open" || state === "starting";
  show($("empty"), lines.length || unknown ? "" : basket ? "No lines yet" : "No sale open");
  text($("count"), lines.length ? `${lines.length} ${lines.length === 1 ? "line" : "lines"}` : "");
  $("total").replaceChildren(
    ...(basket ? [Object.assign(document.createElement("small"), { textContent: symbol(basket.currency) }), basket.value] : []),
  );
  drawLines(lines); // after the total, which may take room from the list
}

function drawStrip(view) {
  const hq = $("hq");
  hq.className = `hq${page.lost || page.late ? " lost" : view?.hq.reachable ? "" : " away"}`;
  if (page.lost || page.late) text(hq, "Looking for the box…");
  else if (view?.hq.reachable) text(hq, "HQ connected");
  else text(hq, view ? `HQ away${view.hq.since ? ` since ${view.hq.since}` : ""} · all is kept here` : "");
  text($("alarm"), view?.alarm ?? "");
  text($("fresh"), view && view.state !== "starting" ? freshText(view.fresh) : "");
}

function draw() {
  const screen = $("screen");
  const view = page.lost ? null : page.view;
  screen.dataset.link = page.lost ? "lost" : page.view ? "open" : "opening";
  screen.dataset.person = view?.person.state ?? "none";
  screen.dataset.state = view?.state ?? "starting";
  screen.dataset.rev = view?.rev ?? "";
  screen.dataset.fresh = view && view.state !== "starting" ? view.fresh.level : "now"; // a box that starts has not looked yet
  screen.classList.toggle("provisional", Boolean(view?.person.provisional && !view.person.struck));
  screen.classList.toggle("struck", Boolean(view?.person.struck));
  show($("sale"), view && !view.restored ? SALE[view.state] ?? "" : "");
  show($("restored"), view ? continued(view) : "");
  if (view) drawPerson(view);
  else drawNobody();
  drawMark(view ? mark(view) : "");
  show($("notice"), view ? notice(view) : "");
  $("notice").classList.toggle("fault", page.fault !== "");
  show($("prompt"), view ? prompt(view) : "");
  drawQuestion(view?.question ?? null);
  drawWord(view);
  drawForm(view);
  drawFind(view);
  drawDetails(view);
  drawNotes(view);
  drawCorrect(view);
  drawBasket(view?.basket ?? null);
  drawStrip(view);
}

function drawNobody() {
  drawHeadline(page.lost ? "No connection to the box" : "");
  for (const id of ["tier", "points", "saving", "wrong", "unconfirmed"]) $(id).hidden = true;
  text($("tier"), "");
  text($("figure"), "");
}

// ---- pressing ----

let faultTimer = 0;

function fault(message) {
  page.fault = message;
  clearTimeout(faultTimer);
  faultTimer = setTimeout(() => {
    page.fault = "";
    draw();
  }, FAULT_SHOWN_MS);
  draw();
}

async function press(key, path, body) {
  if (key.getAttribute("aria-busy") === "true") return;
  key.setAttribute("aria-busy", "true");
  try {
    const { ok, said } = await post(`${api}/${path}`, body, ANSWER_MS);
    if (!ok) fault(said.error.message);
  } catch {
    fault("The box did not answer. Please press again.");
  } finally {
    key.removeAttribute("aria-busy");
  }
}

for (const i of CHOICES) {
  $(`choice-${i}`).addEventListener("click", (e) => {
    if (performance.now() - page.askedAt < SETTLE_MS) return;
    press(e.currentTarget, "choose", { question: page.asked, choice: e.currentTarget.dataset.key });
  });
}
$("word-key").addEventListener("click", ({ currentTarget: key }) =>
  press(key, key.dataset.path, key.dataset.path === "not-me" ? { suggestion: key.dataset.id } : { change: key.dataset.id }));
$("word-same").addEventListener("click", ({ currentTarget: key }) => press(key, "same-person", { suggestion: key.dataset.id }));
$("wrong").addEventListener("click", (e) => press(e.currentTarget, "wrong-customer", {}));

// ---- listening: fetch and not EventSource, because comment lines count as a sign of life here ----

let heardAt = performance.now();
let listening = new AbortController();

function heard() {
  heardAt = performance.now();
  if (!page.lost && !page.late) return;
  page.lost = page.late = false;
  draw();
}

function take(event) {
  const data = event.split("\n").filter((l) => l.startsWith("data:"));
  if (!data.length) return;
  page.view = JSON.parse(data.map((l) => l.slice(5)).join("\n"));
  draw();
}

async function listen() {
  listening = new AbortController();
  const answer = await fetch(`${api}/stream`, { signal: listening.signal, cache: "no-store" });
  if (!answer.ok) throw new Error((await answer.json()).error.message);
  const decoder = new TextDecoder();
  let rest = "";
  for (let reader = answer.body.getReader(), part; !(part = await reader.read()).done; ) {
    heard();
    const events = (rest + decoder.decode(part.value, { stream: true })).split("\n\n");
    rest = events.pop();
    events.forEach(take);
  }
}

function watch() {
  const silent = performance.now() - heardAt;
  if (silent < BLANK_AFTER_MS || page.lost) return;
  page.lost = true;
  page.view = null;
  listening.abort();
  draw();
}

async function keepListening() {
  for (;;) {
    await listen().catch(() => {});
    page.late = true;
    draw();
    await new Promise((done) => setTimeout(done, RECONNECT_MS));
  }
}

addEventListener("resize", draw);
startForm(api);
startFind(api);
startDetails(api, fault);
startNotes(api);
startCorrect(api, lookAgain);
document.title = `Lane ${lane}`;
$("lane").textContent = `Lane ${lane}`;
draw();
setInterval(watch, 1000);
keepListening();
