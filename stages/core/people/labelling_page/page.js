// The page on which people label. The server knows what was answered; here is only what this window shows. Texts are put in by
// textContent alone, so that whatever stands in one is shown and never run.
"use strict";

const address = new URL(location.href);
const TOKEN = address.searchParams.get("token") || "";
const WHO = address.searchParams.get("who") || "";
const CANNOT_SAY = "?";
const DECIDED = "decided";
const AT_EASE = 9; // classes that have a key each
const LONG = 600; // characters of a text in smaller type
const POLL = 1000; // milliseconds
const BEAT = 30000; // milliseconds; the server holds rows for some of them

const $ = (id) => document.getElementById(id);
const make = (tag, text = "", name = "") => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
};
const shown = (label) => (label === CANNOT_SAY ? "cannot say" : label);

// What outlives a reload of this window: its name, and what may be undone.
const stored = (name, otherwise) => {
  try {
    return JSON.parse(sessionStorage.getItem(`${WHO} ${name}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
};
const store = (name, value) => {
  try {
    sessionStorage.setItem(`${WHO} ${name}`, JSON.stringify(value));
  } catch {
    // a browser that keeps nothing: undo goes no further back than this page
  }
};
const WINDOW = stored("window", null) || Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join("");
store("window", WINDOW);
let undone = stored("undo", []); // [{key, before}], the last at the end

let now = null; // what the server said last
let rows = []; // the texts on the screen
let at = 0; // the one of them that a key answers
let looking = ""; // key of an earlier answer that is looked at again
let doubts = null; // while doubtful answers are looked at: {running, seconds, failed, left, all}, the first of `left` on the screen
let busy = false;
let timer = 0;

// ---- the server

async function call(path, body = null) {
  const options = { headers: { "X-Gleaner-Token": TOKEN }, cache: "no-store" };
  if (body) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer: it was ended, or the computer slept. Nothing that was kept is lost; run make label again, and open the address that it prints.");
  }
  let said = null;
  try {
    said = await response.json();
  } catch {
    throw new Error(`The server answered ${response.status}; see the terminal in which make label runs.`);
  }
  if (!response.ok) throw new Error(said.error || `The server answered ${response.status}.`);
  return said;
}

async function show(key = "") {
  clearTimeout(timer);
  const asks = new URLSearchParams({
    who: WHO,
    window: WINDOW,
    at_once: $("at-once").value || "1",
    guess: $("guess").checked ? "1" : "0",
    again: $("again").checked ? "1" : "0",
    key,
  });
  now = await call(`/show?${asks}`);
  if (doubts && !key) return; // asked for before they were opened
  looking = key;
  rows = now.rows;
  at = 0;
  draw();
  if (!rows.length) await wait();
}

// The row after the one that was answered or left.
async function next() {
  if (!doubts) return show();
  doubts.left.shift();
  if (doubts.left.length) return show(doubts.left[0].key);
  const many = doubts.all;
  await leaveDoubts();
  say(many ? "All doubts were looked at." : "No answer is in doubt.");
}

async function openDoubts() {
  clearTimeout(timer);
  await call("/doubt", { who: WHO });
  say("");
  doubts = { left: [] };
  [rows, at, looking] = [[], 0, ""];
  await awaitDoubts();
}

async function awaitDoubts() {
  const { rows: found, ...told } = await call(`/doubts?${new URLSearchParams({ who: WHO })}`);
  if (!doubts) return; // left meanwhile
  const left = told.running ? [] : found;
  doubts = { ...told, left, all: left.length };
  if (left.length) return show(left[0].key);
  if (!told.running && !told.failed) return next();
  draw();
  if (told.running) timer = setTimeout(() => run(awaitDoubts), POLL);
}

async function leaveDoubts() {
  doubts = null;
  await show();
}

async function wait() {
  const { running, failed, ended } = now.choosing;
  const begin = !now.round && WHO !== DECIDED && !$("again").checked && !running && !failed && !ended;
  if (begin) {
    now.choosing = await call("/choose", { who: WHO });
    drawWait();
  }
  if (begin || running || now.elsewhere) timer = setTimeout(poll, POLL);
}

function poll() {
  if (busy) timer = setTimeout(poll, POLL);
  else run(() => show());
}

async function answer(label) {
  const row = rows[at];
  if (!row || busy) return;
  await run(async () => {
    const kept = await call("/answer", { who: WHO, key: row.key, label, at: doubts ? "" : now.round || "" });
    if (kept.before !== label) {
      undone.push({ key: row.key, before: kept.before });
      store("undo", undone.slice(-500));
    }
    if (!row.label && !looking) now.answered += 1;
    row.label = label;
    say(`${shown(label)} is kept.` + guessed(doubts ? doubts.left[0].likelier : kept.guess, label));
    if (looking) return next();
    const after = rows.findIndex((each, place) => place > at && !each.label);
    const open = after >= 0 ? after : rows.findIndex((each) => !each.label);
    if (open < 0) return show();
    at = open;
    draw();
  });
}

async function undo() {
  if (busy || (doubts && !looking)) return;
  const last = undone.at(-1);
  if (!last) return say("There is nothing to undo in this window; see the earlier answers.");
  await run(async () => {
    await call("/answer", { who: WHO, key: last.key, label: last.before, at: "" });
    undone.pop();
    store("undo", undone);
    say(last.before ? `Undone: it is ${shown(last.before)} again.` : "Undone: the answer is taken back.");
    const place = rows.findIndex((row) => row.key === last.key);
    if (doubts && looking !== last.key) doubts.left.unshift({ key: last.key, likelier: "" });
    if (place < 0 || looking) return show(last.key);
    if (rows[place].label && !last.before) now.answered -= 1;
    rows[place].label = last.before;
    at = place;
    draw();
  });
}

// One thing at a time; what goes wrong is said, and the row stays.
async function run(work) {
  busy = true;
  document.body.setAttribute("aria-busy", "true");
  try {
    await work();
    $("alert").hidden = true;
  } catch (error) {
    $("alert").textContent = error.message;
    $("alert").hidden = false;
    if (!now) $("below").hidden = true;
  } finally {
    busy = false;
    document.body.removeAttribute("aria-busy");
  }
}

// ---- what is seen

function say(words) {
  $("said").textContent = words;
}

function guessed(guess, label) {
  if (!guess || !label) return "";
  return guess === label ? " The model guessed so, too." : ` The model guessed ${guess}.`;
}

function draw() {
  $("below").hidden = !rows.length && !undone.length;
  $("who").textContent = WHO === DECIDED ? "deciding where others disagree" : `answers of ${WHO}`;
  drawProgress();
  drawCards();
  drawClasses();
  drawGuide();
  drawWait();
  $("undo").disabled = !undone.length;
  $("classes").hidden = $("cannot").hidden = !rows.length;
  $("back").hidden = !looking;
  $("back").querySelector("span").textContent = doubts ? "leave for later" : "leave as it is";
  $("doubts").setAttribute("aria-pressed", doubts ? "true" : "false");
}

function drawProgress() {
  if (doubts) {
    const done = Math.max(0, doubts.all - doubts.left.length);
    $("bar").max = doubts.all || 1;
    $("bar").value = done;
    $("count").textContent = doubts.all ? `doubts: ${done} of ${doubts.all} looked at again` : "doubts";
    document.title = "Doubts - Gleaner";
    return;
  }
  const left = now.asked - now.answered;
  $("bar").max = now.asked || 1;
  $("bar").value = now.round ? now.answered : 1;
  const minutes = now.seconds_left === null ? "" : now.seconds_left < 60 ? ", less than a minute to go" : `, about ${Math.round(now.seconds_left / 60)} min to go`;
  $("count").textContent = now.round ? `${now.round}: ${now.answered} of ${now.asked} answered, ${left} left${minutes}` : "Nothing waits for an answer.";
  document.title = now.round ? `${left} left - Gleaner` : "Gleaner";
}

function drawCards() {
  const cards = rows.map((row, place) => {
    const card = make("article");
    card.tabIndex = place === at ? 0 : -1;
    card.dataset.place = place;
    card.setAttribute("aria-current", place === at ? "true" : "false");
    card.setAttribute("aria-label", rows.length > 1 ? `text ${place + 1} of ${rows.length}` : "text");
    card.classList.toggle("kept", Boolean(row.label));
    const text = make("p", row.text, row.text.length > LONG ? "text long" : "text");
    text.dir = "auto";
    card.append(text);
    if (row.label) card.append(make("p", `${looking || WHO === DECIDED ? "your answer" : "kept"}: ${shown(row.label)}`, "chip"));
    if (row.said) card.append(make("p", Object.entries(row.said).map(([who, label]) => `${who}: ${shown(label)}`).join(", "), "chip"));
    if (row.guess) card.append(make("p", `the model's guess: ${row.guess}`, "chip"));
    const about = [row.bucket === null ? "" : `bucket ${row.bucket}`, row.group && `group ${row.group}`, row.found && `found by ${row.found}`];
    if (about.some(Boolean)) card.append(make("p", about.filter(Boolean).join(" · "), "about"));
    return card;
  });
  $("cards").classList.toggle("many", rows.length > 1);
  $("cards").replaceChildren(...cards);
  $("cards").hidden = !cards.length;
  const there = document.activeElement;
  if (cards.length && there !== $("narrow") && !there?.closest("footer, dialog")) {
    cards[at].focus({ preventScroll: true }); // a screen reader reads the text
    cards[at].scrollIntoView({ block: "nearest" });
  }
}

// Classes that hold what was typed, in order; first the one that is called so, then those that begin so.
function fitting() {
  const words = $("narrow").value.trim().toLowerCase();
  const rank = (name) => (name === words ? 0 : name.startsWith(words) ? 1 : 2);
  const found = now.classes.map((name) => [name, name.toLowerCase()]).filter(([, name]) => name.includes(words));
  return found.sort(([, one], [, other]) => rank(one) - rank(other)).map(([name]) => name);
}

function drawClasses() {
  const many = now.classes.length > AT_EASE;
  $("narrow").hidden = !many || !rows.length;
  const given = rows[at]?.label || "";
  $("classes").classList.toggle("many", many);
  $("classes").replaceChildren(
    ...fitting().map((name, place) => {
      const button = make("button");
      button.type = "button";
      button.dataset.label = name;
      button.setAttribute("aria-pressed", name === given ? "true" : "false");
      if (place < 9) {
        button.append(make("kbd", String(place + 1)));
        button.setAttribute("aria-keyshortcuts", String(place + 1));
      }
      button.append(make("span", name));
      const item = make("li");
      item.append(button);
      return item;
    }),
  );
  $("cannot").setAttribute("aria-pressed", given === CANNOT_SAY ? "true" : "false");
}

// Of Markdown only headings, lists and paragraphs; all else is shown as it stands.
function drawGuide() {
  const guide = $("guide");
  if (guide.dataset.text === now.guide) return;
  const first = guide.dataset.text === undefined;
  guide.dataset.text = now.guide;
  guide.hidden = !now.guide.trim();
  if (first) guide.open = innerWidth >= 832;
  const made = [];
  let list = null;
  for (const block of now.guide.split(/\n(?=\s*(?:#|[-*] ))|\n\s*\n/)) {
    const item = block.match(/^\s*[-*] ([^]*)$/);
    const heading = block.match(/^\s*#+\s*([^\n]*)(?:\n([^]*))?$/);
    if (item) {
      if (!list) made.push((list = make("ul")));
      list.append(make("li", item[1].trim()));
      continue;
    }
    list = null;
    if (heading) made.push(make("h3", heading[1]));
    const rest = (heading ? heading[2] || "" : block).trim();
    if (rest) made.push(make("p", rest));
  }
  $("guide-text").replaceChildren(...made);
}

function drawWait() {
  const { running, seconds, failed, ended, lines } = now.choosing;
  $("wait").hidden = Boolean(rows.length);
  if (rows.length) return;
  let title = "The next rows are being chosen";
  let words = `${seconds} seconds so far. The page goes on by itself.`;
  if (doubts) {
    [title, words] = doubts.failed
      ? ["No doubts can be told", doubts.failed]
      : ["A model looks through the answers", `${doubts.seconds} seconds so far. Those that it finds least likely come here.`];
  } else if (now.elsewhere) {
    [title, words] = [`${now.elsewhere} rows are open in another window`, "They come here when that is closed for two minutes."];
  } else if (failed) {
    [title, words] = ["The next rows could not be chosen", failed];
  } else if (WHO === DECIDED) {
    [title, words] = ["Nothing is disputed", "When people disagree on a text, it waits here for a decision."];
  } else if ($("again").checked && !running) {
    [title, words] = ["You have answered all that was asked for", "Rows that others have answered are done, too."];
  } else if (ended) {
    [title, words] = ["All that is asked for is answered", "Close this page and run make repro: it trains, and makes the report."];
  }
  $("wait-title").textContent = title;
  $("wait-words").textContent = words;
  $("wait-lines").textContent = lines.join("\n");
  $("wait-lines").hidden = !lines.length || Boolean(now.elsewhere || doubts);
  $("again-choose").hidden = !failed || Boolean(doubts);
}

async function drawEarlier() {
  const words = $("words").value;
  const found = await call(`/earlier?${new URLSearchParams({ who: WHO, words })}`);
  if (words !== $("words").value) return; // typed on meanwhile: what is asked for then comes later
  $("found").textContent = found.all > found.rows.length ? `${found.all} answers, the last ${found.rows.length} of them here` : `${found.all} answers, the last first`;
  $("list").replaceChildren(
    ...found.rows.map((row) => {
      const button = make("button");
      button.type = "button";
      button.dataset.key = row.key;
      button.append(make("strong", shown(row.label)), make("span", row.text));
      const item = make("li");
      item.append(button);
      return item;
    }),
  );
}

// ---- what a person does

function narrowed() {
  drawClasses();
  const found = fitting();
  if ($("narrow").value) say(found.length === 1 ? `${found[0]}: Enter takes it.` : `${found.length} classes fit.`);
}

function take(label) {
  $("narrow").value = "";
  return answer(label);
}

// Whether the key was one of the page's own.
function key(event) {
  const narrow = $("narrow");
  const many = !narrow.hidden;
  const typed = many && narrow.value !== "";
  const there = document.activeElement;
  if (event.key === "Escape") {
    if (typed) {
      narrow.value = "";
      narrowed();
    } else if (looking) {
      run(next);
    } else if (doubts) {
      run(leaveDoubts);
    } else return false;
    return true;
  }
  if (!$("keys").checked && there !== narrow) return false;
  if (/^[1-9]$/.test(event.key)) {
    const name = fitting()[Number(event.key) - 1];
    if (name === undefined) say(`There is no class ${event.key}.`);
    else if (!event.repeat) take(name); // a key that is held down answers once
    return true;
  }
  if (event.key === "0") {
    if (!event.repeat) take(CANNOT_SAY);
    return true;
  }
  if (event.key.toLowerCase() === "z" && !typed) {
    if (!event.repeat) undo();
    return true;
  }
  if (!typed && rows.length > 1 && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
    at = (at + (event.key === "ArrowRight" ? 1 : rows.length - 1)) % rows.length;
    draw();
    return true;
  }
  if (!many) return false;
  if (event.key === "Enter" && typed) {
    const [name] = fitting();
    if (name !== undefined && !event.repeat) take(name);
    return true;
  }
  if (there === narrow) return false;
  if (event.key.length === 1 && (event.key !== " " || typed)) {
    narrow.value += event.key;
    narrowed();
    return true;
  }
  if (event.key === "Backspace" && typed) {
    narrow.value = narrow.value.slice(0, -1);
    narrowed();
    return true;
  }
  return false;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !now || $("earlier").open) return;
  if (event.target.closest?.("footer")) return;
  if (key(event)) event.preventDefault();
});
$("narrow").addEventListener("input", narrowed);
$("classes").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) take(button.dataset.label);
});
$("cannot").addEventListener("click", () => take(CANNOT_SAY));
$("undo").addEventListener("click", undo);
$("back").addEventListener("click", () => run(next));
$("doubts").addEventListener("click", () => run(doubts ? leaveDoubts : openDoubts));
$("cards").addEventListener("click", (event) => {
  const card = event.target.closest("article");
  if (!card || Number(card.dataset.place) === at || String(getSelection())) return;
  at = Number(card.dataset.place);
  draw();
});
$("again-choose").addEventListener("click", () =>
  run(async () => {
    now.choosing = await call("/choose", { who: WHO });
    await show();
  }),
);
for (const name of ["at-once", "guess", "again"]) $(name).addEventListener("change", () => (doubts && !looking ? undefined : run(() => show(looking))));
$("open-earlier").addEventListener("click", () => {
  $("earlier").showModal();
  run(drawEarlier);
});
$("close-earlier").addEventListener("click", () => $("earlier").close());
$("words").addEventListener("input", () => run(drawEarlier));
$("list").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  $("earlier").close();
  doubts = null;
  run(() => show(button.dataset.key));
});
// While the page is looked at its rows are its own; where they were given away meanwhile, it takes others.
async function beat() {
  if (document.visibilityState !== "visible" || !now || busy || looking || doubts || $("earlier").open) return;
  if (!rows.length) return now.choosing.ended ? run(() => show()) : undefined;
  const { held } = await call(`/hold?${new URLSearchParams({ window: WINDOW })}`);
  if (!busy && !looking && rows.some((row) => !row.label && !held.includes(row.key))) await run(() => show());
}
const quietly = () => beat().catch(() => undefined); // that the server is gone is said when an answer is given
document.addEventListener("visibilitychange", quietly);
setInterval(quietly, BEAT);

run(() => show());
