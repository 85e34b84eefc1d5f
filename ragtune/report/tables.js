// Wide tables: which columns are shown, and a word where one must be scrolled.
for (const table of document.querySelectorAll("table[data-columns]")) {
  const heads = [...table.tHead.rows[0].cells];
  const chooser = el("details", "columns");
  const box = el("div", "choices");
  chooser.append(el("summary", "", `Choose columns of ${table.dataset.columns}`), box);
  heads.forEach((head, i) => {
    if (i === 0) return;
    const label = el("label"), tick = el("input");
    tick.type = "checkbox";
    tick.checked = !("off" in head.dataset);
    const set = () => { for (const row of table.rows) if (row.cells[i]) row.cells[i].hidden = !tick.checked; };
    tick.addEventListener("change", set);
    set();
    label.append(tick, head.firstChild.textContent);
    box.append(label);
  });
  table.parentElement.before(chooser);
}

for (const box of document.querySelectorAll(".scroll")) {
  const hint = el("p", "hint", "Wider than the page: scroll sideways for more columns.");
  hint.hidden = true;
  box.before(hint);
  const look = () => {
    const wide = box.scrollWidth > box.clientWidth + 1;
    hint.hidden = !wide;
    if (wide) {  // the arrow keys scroll what has the focus
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", "table, scrolls sideways");
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  };
  const watch = new ResizeObserver(look);
  watch.observe(box);
  watch.observe(box.firstElementChild);
}
