// What a person says of answers, right (true) or wrong (false), by question and by the answer's words.
// Kept in the browser, a key per Run and question, where it lets pages keep anything.
class Labels {
  constructor(run) {
    this.start = `ragtune:label:${run}:`;
    this.of = new Map();
    this.kept = true;
    try {
      for (const key of Object.keys(localStorage)) {
        if (!key.startsWith(this.start)) continue;
        const found = Object.entries(JSON.parse(localStorage.getItem(key))).filter(([, v]) => typeof v === "boolean");
        if (found.length) this.of.set(key.slice(this.start.length), new Map(found));
      }
    } catch { this.kept = false; }
  }
  get(question, answer) { return this.of.get(question)?.get(answer); }
  set(question, answer, label) {
    const found = this.of.get(question) ?? new Map();
    if (label === undefined) found.delete(answer); else found.set(answer, label);
    if (found.size) this.of.set(question, found); else this.of.delete(question);
    try {
      if (found.size) localStorage.setItem(this.start + question, JSON.stringify(Object.fromEntries(found)));
      else localStorage.removeItem(this.start + question);
    } catch { this.kept = false; }
  }
  // Those of answers that the page still holds, a record per question and wording, as `ragtune judge evaluate` reads them.
  records(questions) {
    return questions.filter(q => this.of.has(q.id) && q.ref && q.ref.length).flatMap(q => {
      const said = new Set(q.a.filter(a => a[3] !== NO_ANSWER).map(a => a[2]));
      return [...this.of.get(q.id)].filter(([answer]) => said.has(answer)).map(([answer, label], n) =>
        ({ id: `${q.id}/${n + 1}`, question: q.q, references: q.ref, answer, label, group: q.id }));
    });
  }
}
