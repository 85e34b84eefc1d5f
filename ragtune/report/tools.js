"use strict";
// Everything shown is set through textContent: nothing in answers or documents can run.
const byId = id => document.getElementById(id);

function el(tag, cls, text) {
  const made = document.createElement(tag);
  if (cls) made.className = cls;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(text, act) {
  const made = el("button", "", text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

// The page's data: JSON as it is, or gzip'd in base64 where it is long.
async function pageData() {
  const held = byId("data");
  if (!("packed" in held.dataset)) return JSON.parse(held.textContent);
  const bytes = Uint8Array.from(atob(held.textContent), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function download(name, type, text) {
  const link = el("a");
  link.href = URL.createObjectURL(new Blob([text], { type: type + ";charset=utf-8" }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// A cell of CSV. What a spreadsheet would read as a formula is given as text.
function csvCell(value) {
  let text = value === null || value === undefined ? "" : String(value);
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text) && !/^[+-]?[\d.,]+$/.test(text)) text = "'" + text;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csv = rows => "\ufeff" + rows.map(row => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
