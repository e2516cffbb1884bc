"use strict";
// Parts that the sections share. Texts of the data are set by textContent and append only, never as HTML.

const DATA = JSON.parse(document.getElementById("contents").textContent);
const COUNT = new Intl.NumberFormat("en");
const MEASURES = { macro_f1: "macro F1", accuracy: DATA.accuracy };
const UNANSWERED = { "-1": "not answered", "-2": "cannot say", "-3": "people disagree" };
const ROWS_SHOWN = 50;

/** An element with properties and children; strings become text. */
function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

/** Of a number, or of several with ";" between them; "-" for none of the labels: "", or one number more than there are classes. */
function nameOfClass(number) {
  if (number === "" || number === DATA.classes.length) return "-";
  return String(number).split(";").map((each) => (each in DATA.classes ? DATA.classes[each] : UNANSWERED[each] || "")).join("; ");
}

/** Of what a model said before: -1 is no class. */
function nameOfGuess(number) {
  return number === -1 ? "-" : nameOfClass(number);
}

function nameOfBucket(number) {
  const words = DATA.buckets[number].words.join(", ");
  return words ? `${number}: ${words}` : `bucket ${number}`;
}

/** 0.771 as 77.1 %; "" without a number. */
function share(value, digits = 1) {
  return value === null || value === undefined ? "" : `${(100 * value).toFixed(digits)}\u00a0%`;
}

function number(value, digits) {
  if (value === null || value === undefined) return "";
  return digits === undefined ? COUNT.format(value) : value.toFixed(digits);
}

/** A text; a long one shows its beginning and a button for the rest. */
function text(words) {
  const span = el("span", {}, words);
  if (words.length <= 300) return span;
  span.className = "long";
  const button = el("button", { type: "button", class: "more", "aria-expanded": "false", onclick: () => {
    const open = span.classList.toggle("open");
    button.setAttribute("aria-expanded", open);
    button.textContent = open ? "show less" : "show all";
  } }, "show all");
  return el("div", {}, span, button);
}

/**
 * A table that sorts by a click on a heading and shows ROWS_SHOWN rows, with a button for more.
 *
 * columns   {name, value: row -> value to sort by, show?: row -> content of the cell, kind?: "number" or "text"}
 */
function table(caption, columns, rows, { sortable = true, current = null } = {}) {
  let shown = ROWS_SHOWN, sorted = rows, by = null, down = false;
  const body = el("tbody"), more = el("button", { type: "button", class: "more", onclick: () => { shown += 500; draw(); } });
  const heads = columns.map((column, i) => {
    const head = el("th", { scope: "col", class: column.kind === "number" ? "number" : "" });
    head.append(sortable ? el("button", { type: "button", onclick: () => sort(i) }, column.name) : column.name);
    return head;
  });

  function sort(i) {
    down = by === i ? !down : columns[i].kind === "number";
    by = i;
    const value = columns[i].value, way = down ? -1 : 1;
    const empty = (x) => x === null || x === undefined || x === "";
    sorted = [...rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (empty(x) || empty(y)) return empty(x) - empty(y);
      return way * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)));
    });
    heads.forEach((head, j) => (j === i ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
    draw();
  }

  function draw() {
    body.replaceChildren(...sorted.slice(0, shown).map((row) => {
      const line = el("tr", { class: row === current ? "current" : "" });
      for (const column of columns) {
        const what = (column.show || column.value)(row);
        line.append(el("td", { class: column.kind || "" }, column.kind === "text" ? text(what) : what));
      }
      return line;
    }));
    more.hidden = sorted.length <= shown;
    more.textContent = `show more: ${COUNT.format(sorted.length - shown)} rows are hidden`;
  }

  draw();
  return el("div", {}, el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
    el("table", {}, el("caption", {}, caption), el("thead", {}, el("tr", {}, ...heads)), body)), more);
}

/** Radio buttons. options: value -> name. */
function choice(legend, name, options, chosen, onchange) {
  return el("fieldset", {}, el("legend", {}, legend), ...Object.entries(options).map(([value, shown]) =>
    el("label", {}, el("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }), shown)));
}

const DARK = matchMedia("(prefers-color-scheme: dark)");
const ON_PAPER = { paper: "#ffffff", panel: "#ffffff", ink: "#000000", soft: "#444444", ring: "#000000", accent: "#000000" };
let printing = false; // prints are light; the browser applies the style sheet's print rules too late for drawing
addEventListener("beforeprint", () => { printing = true; });
addEventListener("afterprint", () => { printing = false; });

function isDark() {
  return DARK.matches && !printing;
}

/** Draw now, and again when the page turns dark or light or is printed. */
function drawn(draw) {
  draw();
  DARK.addEventListener("change", draw);
  for (const when of ["beforeprint", "afterprint"]) addEventListener(when, draw);
}

/** A colour of the style sheet. */
function colour(name) {
  return printing ? ON_PAPER[name] : getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** So many different colours, for light and for dark. */
function palette(count) {
  const base = isDark()
    ? ["#7aa6ff", "#ffb454", "#6fd39b", "#ff7f7f", "#c79bff", "#e0c341", "#5fd0e0", "#ff9fd0", "#b0bf6a", "#c9a58a"]
    : ["#2f63c8", "#d97a00", "#1f8a55", "#c93434", "#7a45c4", "#9a7d00", "#0b8799", "#c24488", "#66752a", "#87593a"];
  if (count <= base.length) return base.slice(0, count);
  const light = isDark() ? 0.68 : 0.45;
  return Array.from({ length: count }, (_, i) => d3.hsl((i * 137.508) % 360, 0.55 + 0.25 * (i % 2), light + 0.1 * ((i % 3) - 1)).formatHex());
}
