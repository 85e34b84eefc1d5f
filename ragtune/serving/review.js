"use strict";
const all = JSON.parse(document.getElementById("entries").textContent);
const by = id => document.getElementById(id);
const decided = [];
let at = Math.max(0, all.findIndex(e => !e.decision)), busy = false;

function shown() {
  const which = by("which").value;
  return all.filter(e => which === "all" || (which === "drop" ? e.decision === "drop" : !e.decision));
}

function text(parent, tag, words, name) {
  const made = document.createElement(tag);
  made.textContent = words;
  if (name) made.className = name;
  parent.append(made);
  return made;
}

function draw() {
  const read = all.filter(e => e.decision).length, dropped = all.filter(e => e.decision === "drop").length;
  by("count").textContent = `${read} of ${all.length} read, ${dropped} dropped`;
  by("done").style.width = all.length ? `${100 * read / all.length}%` : "0";
  by("edit").hidden = true;
  by("keys").hidden = false;
  const e = all[at];
  by("meta").textContent = "";
  by("answers").textContent = "";
  by("places").textContent = "";
  if (!e) { by("question").textContent = "Nothing to read here."; return; }
  by("meta").append(`${at + 1} of ${all.length} · ${e.split} · ${[...e.tags, e.made && `made by ${e.made}`].filter(Boolean).join(" · ")} `);
  if (e.decision) text(by("meta"), "b", e.decision === "drop" ? "dropped" : e.decision === "edit" ? "edited" : "accepted", e.decision);
  by("question").textContent = e.question;
  if (e.answers && e.answers.length) by("answers").textContent = e.answers.join("; ");
  else text(by("answers"), "span", e.answers ? "The documents hold no answer." : "Nobody said what is right.", "none");
  by("problem").hidden = !e.problem;
  by("problem").textContent = e.problem;
  for (const place of e.places) {
    const card = document.createElement("article");
    card.className = "place";
    text(card, "h3", place.document);
    const p = text(card, "p", place.before);
    text(p, "mark", place.evidence);
    p.append(place.after);
    by("places").append(card);
  }
  if (!e.places.length) text(by("places"), "p", e.answers && !e.answers.length ? "No evidence: no document is said to answer this." : "No evidence is given.", "none");
}

function move(step) {
  const some = shown();
  if (!some.length) return draw();
  const here = some.indexOf(all[at]);
  const next = here < 0 ? some.find(e => all.indexOf(e) > at) || some[0] : some[Math.min(some.length - 1, Math.max(0, here + step))];
  at = all.indexOf(next);
  draw();
}

async function decide(decision, more) {
  const e = all[at];
  if (busy || !e) return;
  busy = true;
  by("error").hidden = true;
  try {
    const got = await fetch("/decide", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({id: e.id, decision, ...more})});
    const told = await got.json().catch(() => ({error: "ragtune has ended; start the review again."}));
    if (told.error) throw new Error(told.error);
    const here = shown().indexOf(e);
    all[at] = told;
    if (decision !== "undo") decided.push(at);
    if (decision === "undo") draw();
    else if (by("which").value === "all") move(1);
    else { const some = shown(); at = some.length ? all.indexOf(some[Math.min(Math.max(0, here), some.length - 1)]) : all.length; draw(); }
  } catch (error) {
    by("error").textContent = error.message;
    by("error").hidden = false;
  } finally { busy = false; }
}

function undo() {
  // what was decided last stands one back: u after a takes that back
  if (!all[at] || !all[at].decision) {
    if (!decided.length) return;
    at = decided.pop();
  }
  decide("undo");
}

function editing() {
  const e = all[at];
  if (!e) return;
  by("ask").value = e.question;
  by("refs").value = (e.answers || []).join("\n");
  by("edit").hidden = false;
  by("keys").hidden = true;
  by("ask").focus();
}

const deeds = {accept: () => decide("accept"), drop: () => decide("drop"), undo, editing, next: () => move(1), previous: () => move(-1)};
const keys = {a: "accept", d: "drop", u: "undo", e: "editing", j: "next", n: "next", ArrowRight: "next", k: "previous", p: "previous", ArrowLeft: "previous"};
const save = () => decide("edit", {question: by("ask").value, answers: by("refs").value.split("\n")});
by("keys").addEventListener("click", event => { const b = event.target.closest("button"); if (b) deeds[b.dataset.do](); });
by("edit").addEventListener("submit", event => { event.preventDefault(); save(); });
by("cancel").addEventListener("click", draw);
by("which").addEventListener("change", () => { const some = shown(); at = some.length ? all.indexOf(some[0]) : all.length; by("which").blur(); draw(); });
document.addEventListener("keydown", event => {
  if (event.target.closest("textarea")) {
    if (event.key === "Escape") draw();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); save(); }
  } else if (!event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat && by("edit").hidden && !event.target.closest("select") && keys[event.key]) {
    event.preventDefault();
    deeds[keys[event.key]]();
  }
});
draw();
