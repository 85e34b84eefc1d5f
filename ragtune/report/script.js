"use strict";
// Everything shown comes from the data element through textContent: nothing in answers or documents can run.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 40;
  const FAITH = data.keys.indexOf("faithfulness");
  const el = (tag, cls, text) => { const e = document.createElement(tag); if (cls) e.className = cls; if (text !== undefined) e.textContent = text; return e; };
  const right = (q, a) => a[11] === "";
  for (const q of data.questions) {
    q.by = new Map();
    for (const a of q.a) { if (!q.by.has(a[0])) q.by.set(a[0], []); q.by.get(a[0]).push(a); }
    q.ok = new Map([...q.by].map(([s, list]) => [s, list.filter(a => right(q, a)).length / list.length]));
    q.hay = [q.id, q.q, ...q.ref, ...q.a.map(a => a[2])].join("\n").toLowerCase();
  }
  const searchText = q => { if (!q.long) q.long = [...new Set(q.a.flatMap(a => a[5]))].map(c => data.contexts[c].join(" ")).join("\n").toLowerCase(); return q.long; };

  function marked(parent, text, spans) {
    const cuts = [...new Set([0, text.length, ...spans.flatMap(s => [s[0], s[1]])])].filter(c => c >= 0 && c <= text.length).sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i++) {
      const piece = text.slice(cuts[i], cuts[i + 1]);
      const kinds = spans.filter(s => s[0] <= cuts[i] && s[1] >= cuts[i + 1]).map(s => s[2]);
      if (!kinds.length) { parent.append(piece); continue; }
      parent.append(el("mark", [...new Set(kinds)].join(" "), piece));
    }
  }
  function context(q, number, id, deciders) {
    const [doc, start, title, text] = data.contexts[id];
    const box = el("div", "context");
    box.append(el("span", "from", `[${number}] ${doc}${title ? " · " + title : ""} · ${start}–${start + text.length}`));
    const spans = q.ev.filter(e => e[0] === doc).map(e => [Math.max(0, e[1] - start), Math.min(text.length, e[2] - start), "evidence"]).filter(s => s[0] < s[1]);
    for (const d of deciders) { const at = d ? text.indexOf(d) : -1; if (at >= 0) spans.push([at, at + d.length, "decider"]); }
    marked(box, text, spans);
    return box;
  }
  function answer(q, a) {
    const box = el("div", "answer c" + a[0] % 8);
    const seeds = q.by.get(a[0]).length > 1;
    box.append(el("h4", "", data.setups[a[0]] + (seeds ? `, seed ${a[1]}` : "")));
    box.append(el("p", "said" + (a[3] ? " abstained" : ""), a[2] + (a[4].length ? " " + a[4].map(c => `[${c}]`).join("") : "")));
    if (a[11]) box.append(el("p", "cause", data.causes[a[11]]));
    if (a[12]) { const own = el("details"); own.append(el("summary", "", "what it thought"), el("p", "thought", a[12])); box.append(own); }
    const table = el("table"), body = el("tbody");
    a[6].forEach(([value, reason], m) => {
      const row = el("tr");
      row.append(el("th", "", data.metrics[m]), el("td", "v", value === null ? "–" : (100 * value).toFixed(0)), el("td", "why", data.reasons[reason]));
      body.append(row);
    });
    table.append(body);
    const more = el("details"); more.append(el("summary", "", "scores and reasons"), table); box.append(more);
    box.append(el("p", "meta", `${a[7][0]} + ${a[7][1]} tokens · ${a[8] < 1 ? Math.round(1000 * a[8]) + " ms" : a[8].toFixed(1) + " s"} in its batch` + (a[5].length ? ` · ${a[5].length} contexts` : " · no contexts") + (a[9] ? ` · ${a[9]} dropped` : "") + (a[10] === "length" ? " · cut" : "")));
    return box;
  }
  function fill(q, box) {
    const ref = el("p", "ref"); ref.append(el("b", "", "Reference: "), q.ref.length ? q.ref.join(" / ") : "the documents hold no answer"); box.append(ref);
    const tags = el("p", "tags"); q.tags.forEach(t => tags.append(el("span", "", t))); tags.append(el("span", "", q.id)); box.append(tags);
    const grid = el("div", "answers"); q.a.forEach(a => grid.append(answer(q, a))); box.append(grid);
    const sets = new Map();
    q.a.filter(a => a[5].length).forEach(a => { const k = a[5].join(); if (!sets.has(k)) sets.set(k, { ids: a[5], who: new Set(), deciders: new Set() }); const s = sets.get(k); s.who.add(data.setups[a[0]]); const m = /: \[\d+\] (.+)$/s.exec(data.reasons[a[6][FAITH][1]]); if (m) s.deciders.add(m[1]); });
    for (const s of sets.values()) {
      const list = el("div", "contexts"); list.append(el("b", "", "Contexts of " + [...s.who].join(", ")));
      s.ids.forEach((id, i) => list.append(context(q, i + 1, id, s.deciders))); box.append(list);
    }
  }
  function item(q) {
    const box = el("details", "q"), head = el("summary"), dots = el("span", "dots");
    head.append(el("span", "text", q.q));
    data.setups.forEach((name, s) => { if (!q.ok.has(s)) return; const d = el("span", `c${s % 8}` + (q.ok.get(s) >= 0.5 ? " ok" : "")); d.title = `${name}: ${q.ok.get(s) >= 0.5 ? "right" : "wrong"}`; dots.append(d); });
    head.append(dots); box.append(head);
    box.addEventListener("toggle", () => { if (box.open && box.childElementCount === 1) fill(q, box); });
    return box;
  }
  const list = document.getElementById("list"), more = document.getElementById("more"), found = document.getElementById("found");
  const search = document.getElementById("search"), tag = document.getElementById("tag"), outcome = document.getElementById("outcome"), cause = document.getElementById("cause");
  let hits = [], shown = 0;
  const show = () => { hits.slice(shown, shown + PAGE).forEach(q => list.append(item(q))); shown = Math.min(hits.length, shown + PAGE); more.hidden = shown >= hits.length; };
  function update() {
    const text = search.value.trim().toLowerCase();
    hits = data.questions.filter(q => {
      if (tag.value && !q.tags.includes(tag.value)) return false;
      if (outcome.value === "split") { const oks = [...q.ok.values()].map(v => v >= 0.5); if (oks.every(v => v) || !oks.some(v => v)) return false; }
      else if (outcome.value !== "" && !cause.value && !(q.ok.get(+outcome.value) < 0.5)) return false;
      if (cause.value && !q.a.some(a => a[11] === cause.value && (!/^\d+$/.test(outcome.value) || a[0] === +outcome.value))) return false;
      return !text || q.hay.includes(text) || searchText(q).includes(text);
    });
    list.replaceChildren(); shown = 0; show();
    found.textContent = `${hits.length} of ${data.questions.length} questions`;
  }
  let timer; search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(update, 120); });
  tag.addEventListener("change", update); outcome.addEventListener("change", update); cause.addEventListener("change", update);
  document.querySelectorAll("button[data-cause]").forEach(b => b.addEventListener("click", () => {
    search.value = tag.value = ""; cause.value = b.dataset.cause; outcome.value = b.dataset.setup; update(); document.getElementById("questions").scrollIntoView();
  })); more.addEventListener("click", show);
  update();
})();
