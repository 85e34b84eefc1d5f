// The list of questions: order, filters, address, answers side by side, labels, what can be saved.
// Contexts, scores (value, reason) and reasons are given by their numbers. An answer is
// [setup, seed, text, outcome, citations, contexts, scores by metric, tokens, seconds, dropped, finish, cause, thought, queries, examples].
const NO_ANSWER = 2, FIRST = 10, MORE = 40;
(async () => {
  let data;
  try { data = await pageData(); } catch {
    byId("found").textContent = "This browser cannot unpack the list. The same rows are in answers.jsonl.";
    return;
  }
  const FAITH = data.keys.indexOf("faithfulness");
  const labels = new Labels(data.run);
  const number = n => n.toLocaleString("en");

  data.questions.forEach((q, at) => {
    q.at = at;
    q.by = new Map();
    for (const a of q.a) { if (!q.by.has(a[0])) q.by.set(a[0], []); q.by.get(a[0]).push(a); }
    // share of right answers by setup; without a reference nobody knows
    q.ok = new Map(q.ref === null ? [] : [...q.by].map(([s, list]) => [s, list.filter(a => a[11] === "").length / list.length]));
    const right = [...q.ok.values()].filter(v => v >= 0.5).length;
    q.split = right > 0 && right < q.ok.size;
    q.even = Math.min(right, q.ok.size - right);  // the more evenly the setups are split, the more a question tells
    q.rank = q.split ? 0 : q.ok.size && !right ? 1 : q.ok.size ? 2 : 3;
  });
  const ordered = [...data.questions].sort((a, b) => a.rank - b.rank || b.even - a.even || a.at - b.at);
  const byQuestion = new Map(data.questions.map(q => [q.id, q]));

  // What is searched is put in small letters once, when something is searched for.
  let low;
  function searchable() {
    low ??= {
      own: new Map(data.questions.map(q => [q, [q.id, q.q, ...(q.ref ?? []), ...q.a.map(a => a[2])].join("\n").toLowerCase()])),
      contexts: data.contexts.map(c => `${c[0]} ${c[2]} ${c[3]}`.toLowerCase()),
    };
    return low;
  }

  function marked(parent, text, spans) {
    const cuts = [...new Set([0, text.length, ...spans.flatMap(s => [s[0], s[1]])])].filter(c => c >= 0 && c <= text.length).sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i++) {
      const piece = text.slice(cuts[i], cuts[i + 1]);
      const kinds = spans.filter(s => s[0] <= cuts[i] && s[1] >= cuts[i + 1]).map(s => s[2]);
      parent.append(kinds.length ? el("mark", [...new Set(kinds)].join(" "), piece) : piece);
    }
  }
  function context(q, rank, id, deciders) {
    const [doc, start, title, text] = data.contexts[id];
    const box = el("div", "context");
    box.append(el("span", "from", `[${rank}] ${doc}${title ? " · " + title : ""} · ${start}–${start + text.length}`));
    const spans = q.ev.filter(e => e[0] === doc).map(e => [Math.max(0, e[1] - start), Math.min(text.length, e[2] - start), "evidence"]).filter(s => s[0] < s[1]);
    for (const d of deciders) { const at = d ? text.indexOf(d) : -1; if (at >= 0) spans.push([at, at + d.length, "decider"]); }
    marked(box, text, spans);
    return box;
  }
  function labelling(q, a, refresh) {
    const box = el("div", "label");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `Your label of the answer of ${data.setups[a[0]]}`);
    box.append(el("span", "", "You say:"));
    for (const [text, value] of [["right", true], ["wrong", false]]) {
      const b = button(text, () => {
        labels.set(q.id, a[2], labels.get(q.id, a[2]) === value ? undefined : value);
        refresh.forEach(f => f());
        counted();
      });
      const show = () => b.setAttribute("aria-pressed", String(labels.get(q.id, a[2]) === value));
      refresh.push(show); show();
      box.append(b);
    }
    return box;
  }
  function answer(q, a, seeds, refresh) {
    const box = el("div", "answer c" + a[0] % 40);
    const several = q.by.get(a[0]).length > 1;
    box.append(el("h4", "", data.setups[a[0]] + (several ? `, seed${seeds.length > 1 ? "s" : ""} ${seeds.join(", ")}` : "")));
    box.append(el("p", "said" + (a[3] ? " abstained" : ""), a[2] + (a[4].length ? " " + a[4].map(c => `[${c}]`).join("") : "")));
    box.append(el("p", "cause" + (a[11] || q.ref === null ? "" : " right"), a[11] ? data.causes[a[11]] : q.ref === null ? "no reference known" : "right"));
    if (q.ref && q.ref.length && a[3] !== NO_ANSWER) box.append(labelling(q, a, refresh));
    if (a[12]) { const own = el("details"); own.append(el("summary", "", "what it thought"), el("p", "thought", a[12])); box.append(own); }
    if (a[13].length) { const own = el("details"); own.append(el("summary", "", "what was searched for"), ...a[13].map(t => el("p", "thought", t))); box.append(own); }
    const table = el("table"), body = el("tbody");
    a[6].forEach((at, m) => {
      const [value, reason] = data.scores[at];
      const row = el("tr");
      row.append(el("th", "", data.metrics[m]), el("td", "v", value === null ? "–" : (100 * value).toFixed(0)), el("td", "why", data.reasons[reason]));
      body.append(row);
    });
    table.append(body);
    const more = el("details"); more.append(el("summary", "", "scores and reasons"), table); box.append(more);
    box.append(el("p", "meta", `${a[7][0]} + ${a[7][1]} tokens · ${a[8] < 1 ? Math.round(1000 * a[8]) + " ms" : a[8].toFixed(1) + " s"} in its batch` + (a[5].length ? ` · ${a[5].length} context${a[5].length === 1 ? "" : "s"}` : " · no contexts") + (a[9] ? ` · ${a[9]} dropped` : "") + (a[14] ? ` · ${a[14]} example${a[14] === 1 ? "" : "s"}` : "") + (a[10] === "length" ? " · cut" : "")));
    return box;
  }
  function fill(q, box) {
    const ref = el("p", "ref");
    ref.append(el("b", "", "Reference: "), q.ref === null ? "none is known" : q.ref.length ? q.ref.join(" / ") : "the documents hold no answer");
    const tags = el("p", "tags"), link = el("a", "", "link to this question");
    link.href = "#" + new URLSearchParams({ q: q.id });
    q.tags.forEach(t => tags.append(el("span", "", t)));
    tags.append(el("span", "", q.id), link);
    const grid = el("div", "answers"), refresh = [];
    const same = new Map();  // what seeds say alike, from the same contexts, is shown once
    for (const a of q.a) {
      const key = JSON.stringify([a[0], a[2], a[3], a[4], a[5], a[11], a[12]]);
      if (!same.has(key)) same.set(key, [a, []]);
      same.get(key)[1].push(a[1]);
    }
    for (const [a, seeds] of same.values()) grid.append(answer(q, a, seeds, refresh));
    box.append(ref, tags, grid);
    const sets = new Map();
    for (const a of q.a.filter(a => a[5].length)) {
      const key = a[5].join();
      if (!sets.has(key)) sets.set(key, { ids: a[5], who: new Set(), deciders: new Set() });
      const set = sets.get(key), told = FAITH < 0 ? null : /: \[\d+\] (.+)$/s.exec(data.reasons[data.scores[a[6][FAITH]][1]]);
      set.who.add(data.setups[a[0]]);
      if (told) set.deciders.add(told[1]);
    }
    for (const s of sets.values()) {
      const list = el("div", "contexts"); list.append(el("b", "", "Contexts of " + [...s.who].join(", ")));
      s.ids.forEach((id, i) => list.append(context(q, i + 1, id, s.deciders))); box.append(list);
    }
  }
  function item(q) {
    const box = el("details", "q"), head = el("summary"), dots = el("span", "dots"), told = { right: [], mixed: [], wrong: [] };
    head.append(el("span", "text", q.q));
    data.setups.forEach((name, s) => {
      const share = q.ok.get(s);
      const kind = share === undefined ? "none" : share === 1 ? "" : share > 0 ? "half" : "open";
      if (share !== undefined) told[share === 1 ? "right" : share > 0 ? "mixed" : "wrong"].push(name);
      dots.append(el("span", `mark dot c${s % 40} ${kind}`));
    });
    const words = Object.entries(told).filter(([, names]) => names.length).map(([kind, names]) => `${kind}: ${names.join(", ")}`).join("; ");
    dots.setAttribute("role", "img");
    dots.setAttribute("aria-label", dots.title = words || "not known");
    head.append(dots); box.append(head);
    box.addEventListener("toggle", () => {
      if (box.open && box.childElementCount === 1) fill(q, box);
      if (box.open) state.q = q.id; else if (state.q === q.id) state.q = "";
      address();
    });
    return box;
  }

  const list = byId("list"), more = byId("more"), found = byId("found"), save = byId("save"), clear = byId("clear");
  const fields = { search: byId("search"), tag: byId("tag"), outcome: byId("outcome"), cause: byId("cause") };
  const state = { q: "" };
  let hits = [], shown = 0;

  function counted() {
    const made = labels.records(data.questions), right = made.filter(r => r.label).length;
    save.disabled = !made.length;
    save.textContent = made.length ? `Save ${number(made.length)} label${made.length === 1 ? "" : "s"} (${right} right, ${made.length - right} wrong)` : "Save labels";
    if (!labels.kept) byId("kept").textContent = "This browser keeps nothing for this page: save labels before you close it.";
  }
  function show(count) {
    const from = shown;
    shown = Math.min(hits.length, shown + count);
    hits.slice(from, shown).forEach(q => list.append(item(q)));
    more.hidden = shown >= hits.length;
    more.textContent = `Show more (${number(hits.length - shown)} left)`;
    return list.children[from];
  }
  function passes(q, text, inContexts) {
    const outcome = fields.outcome.value, cause = fields.cause.value;
    if (fields.tag.value && !q.tags.includes(fields.tag.value)) return false;
    if (outcome === "split") { if (!q.split) return false; }
    else if (outcome !== "" && !cause && !(q.ok.get(+outcome) < 0.5)) return false;
    if (cause && !q.a.some(a => a[11] === cause && (!/^\d+$/.test(outcome) || a[0] === +outcome))) return false;
    return !text || searchable().own.get(q).includes(text) || q.a.some(a => a[5].some(c => inContexts.has(c)));
  }
  function update() {
    const text = fields.search.value.trim().toLowerCase(), inContexts = new Set();
    if (text) searchable().contexts.forEach((c, i) => { if (c.includes(text)) inContexts.add(i); });
    hits = ordered.filter(q => passes(q, text, inContexts));
    const linked = byQuestion.get(state.q), lost = state.q && !linked ? `; no question “${state.q}” in this Run` : "";
    found.textContent = `${number(hits.length)} of ${number(data.questions.length)} questions${lost}`;
    if (linked) hits = [linked, ...hits.filter(q => q !== linked)];
    clear.hidden = !Object.values(fields).some(f => f.value);
    byId("csv").disabled = !hits.length;
    list.replaceChildren(); shown = 0; show(FIRST);
    if (linked) list.firstElementChild.open = true;
  }
  // Filters and the open question stand in the address, so that a link shows what the sender sees.
  function address() {
    const told = new URLSearchParams();
    for (const [name, field] of Object.entries(fields)) if (field.value) told.set(name, field.value);
    if (state.q) told.set("q", state.q);
    const text = told.toString();
    if (!text && !location.hash.includes("=")) return;
    try { history.replaceState(null, "", text ? "#" + text : location.pathname + location.search); } catch { /* an address that may not change */ }
  }
  function arrive(scroll) {
    if (!location.hash.includes("=")) return;
    const told = new URLSearchParams(location.hash.slice(1));
    for (const [name, field] of Object.entries(fields)) { field.value = told.get(name) ?? ""; if (field.selectedIndex === -1) field.value = ""; }
    state.q = told.get("q") ?? "";
    update();
    if (scroll) (state.q && byQuestion.has(state.q) ? list : byId("questions")).scrollIntoView();
  }
  const filtered = () => { state.q = ""; update(); address(); };

  let timer;
  fields.search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filtered, 120); });
  for (const name of ["tag", "outcome", "cause"]) fields[name].addEventListener("change", filtered);
  clear.addEventListener("click", () => { for (const f of Object.values(fields)) f.value = ""; filtered(); fields.search.focus(); });
  more.addEventListener("click", () => show(MORE)?.firstElementChild.focus());
  addEventListener("hashchange", () => arrive(true));
  document.addEventListener("click", event => {  // a link to what the address already says
    const link = event.target.closest?.('a[href^="#"]');
    if (link && link.hash.includes("=") && link.hash === location.hash) { event.preventDefault(); arrive(true); }
  });
  byId("csv").addEventListener("click", () => {
    const head = ["question_id", "question", "references", "tags", "setup", "seed", "answer", "outcome", "right", "cause", "label", ...data.keys, "prompt_tokens", "answer_tokens", "seconds"];
    const rows = hits.flatMap(q => q.a.map(a => [q.id, q.q, (q.ref ?? []).join(" | "), q.tags.join(" | "), data.setups[a[0]], a[1], a[2], ["answered", "abstained", "none"][a[3]],
      q.ref === null ? "" : a[11] ? "wrong" : "right", a[11], { true: "right", false: "wrong" }[labels.get(q.id, a[2])] ?? "", ...a[6].map(at => data.scores[at][0]), a[7][0], a[7][1], a[8]]));
    download(`${data.name}-answers.csv`, "text/csv", csv([head, ...rows]));
  });
  save.addEventListener("click", () => download(`${data.name}-labels.jsonl`, "application/jsonl", labels.records(data.questions).map(r => JSON.stringify(r) + "\n").join("")));

  counted();
  const renewed = performance.getEntriesByType("navigation")[0]?.type === "reload";  // the reader stays where they were
  if (location.hash.includes("=")) arrive(!renewed); else update();
  document.documentElement.dataset.ready = Math.round(performance.now());  // ms until the list could be used
})();
