// The page on which people label. The server holds the answers; this script holds only what its window shows. Texts are inserted
// with textContent only, so that code in a text is shown and never run.
"use strict";

const address = new URL(location.href);
const TOKEN = address.searchParams.get("token") || "";
const WHO = address.searchParams.get("who") || "";
const CANNOT_SAY = "?";
const DECIDED = "decided";
const KEYS = 9; // classes that have a key of their own
const LONG = 600; // characters; longer texts are set smaller
const MOST_SOUGHT = 5000; // characters of a text to look for others with
const POLL = 1000; // milliseconds
const BEAT = 30000; // milliseconds; the server holds rows for several times as long

const $ = (id) => document.getElementById(id);
const make = (tag, text = "", name = "") => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
};
const shown = (label) => (label === CANNOT_SAY ? "cannot say" : label && label === now.none ? "none of these" : label);

// Where a text may have several labels, now.none is how an answer without any is written.
const several = () => Boolean(now.none);
const setOf = (label) => new Set(several() && label !== CANNOT_SAY && label !== now.none ? label.split("; ").filter(Boolean) : []);
const namesOf = (set) => now.classes.filter((name) => set.has(name));
const writtenOf = (set) => namesOf(set).join("; ") || now.none;

// What survives a reload of this window: its name, and the answers that can be undone.
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
    // the browser stores nothing: undo ends at a reload
  }
};
const WINDOW = stored("window", null) || Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join("");
store("window", WINDOW);
let undoable = stored("undo", []); // [{key, before, alike, label, doubt}], the last answer at the end

let now = null; // the last reply to /show
let rows = []; // the texts on the screen
let at = 0; // which of them a key answers
let reviewing = ""; // key of the earlier answer on the screen
let doubts = null; // during a review of doubts: {running, seconds, failed, left, all}; the first of `left` is on the screen
let hits = null; // what the search found last: {way, what, rows}
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
    throw new Error("The server does not answer: it has ended, or the computer slept. Saved answers are safe. Run make label again and open the address that it prints.");
  }
  let reply = null;
  try {
    reply = await response.json();
  } catch {
    throw new Error(`The server replied ${response.status}; see the terminal of make label.`);
  }
  if (!response.ok) throw new Error(reply.error || `The server replied ${response.status}.`);
  return reply;
}

// `start`: the label that the row of `key` begins with, if its own is not it.
async function show(key = "", start = "") {
  clearTimeout(timer);
  const query = new URLSearchParams({
    who: WHO,
    window: WINDOW,
    at_once: $("at-once").value || "1",
    guess: $("guess").checked ? "1" : "0",
    again: $("again").checked ? "1" : "0",
    key,
  });
  now = await call(`/show?${query}`);
  if (doubts && !key) return; // requested before the doubts were opened
  reviewing = key;
  const before = new Map(rows.map((row) => [row.key, row.set])); // labels that are set and not answered with yet stay
  const begun = (row) => (start ? setOf(start) : row.label ? setOf(row.label) : (before.get(row.key) ?? new Set(row.agreed)));
  rows = now.rows.map((row) => ({ ...row, all: now.for_all && !row.label, set: begun(row) }));
  at = 0;
  draw();
  if (!rows.length) await wait();
}

// Show the row after the one that was answered or skipped.
async function next() {
  if (!doubts) return show();
  doubts.left.shift();
  if (doubts.left.length) return show(doubts.left[0].key, doubts.left[0].label);
  const number = doubts.all;
  await leaveDoubts();
  say(number ? "You have checked all doubts." : "No answer is doubtful.");
}

async function openDoubts() {
  clearTimeout(timer);
  await call("/doubt", { who: WHO });
  say("");
  doubts = { left: [] };
  [rows, at, reviewing] = [[], 0, ""];
  await awaitDoubts();
}

async function awaitDoubts() {
  const { rows: found, ...status } = await call(`/doubts?${new URLSearchParams({ who: WHO })}`);
  if (!doubts) return; // closed meanwhile
  const left = status.running ? [] : found;
  doubts = { ...status, left, all: left.length };
  if (left.length) return show(left[0].key, left[0].label);
  if (!status.running && !status.failed) return next();
  draw();
  if (status.running) timer = setTimeout(() => run(awaitDoubts), POLL);
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

async function answer(wanted) {
  const row = rows[at];
  if (!row || busy) return;
  await run(async () => {
    const keys = [row.key, ...(row.all && row.alike ? row.alike.map((twin) => twin.key) : [])].join(" ");
    const saved = await call("/answer", { who: WHO, key: keys, label: wanted, at: doubts ? "" : now.round || "" });
    const label = saved.label;
    if (saved.before !== label) {
      undoable.push({ key: row.key, before: saved.before, alike: saved.alike, label, doubt: doubts?.left[0] });
      store("undo", undoable.slice(-500));
    }
    if (!row.label && !reviewing) now.answered += 1;
    for (const each of rows) if (each === row || saved.alike.includes(each.key)) [each.label, each.set] = [label, setOf(label)];
    row.alone = !row.all;
    say(`Saved: ${shown(label)}${saved.alike.length ? `, for ${saved.alike.length + 1} texts` : ""}.` + guessed(doubts ? doubts.left[0].likelier : saved.guess, label) + (saved.program && label ? ` ${saved.program}.` : ""));
    if (reviewing) return next();
    const after = rows.findIndex((each, place) => place > at && !each.label);
    const open = after >= 0 ? after : rows.findIndex((each) => !each.label);
    if (open < 0) return show();
    at = open;
    draw();
  });
}

async function undo() {
  if (busy || (doubts && !reviewing)) return;
  const last = undoable.at(-1);
  if (!last) return say("Nothing to undo in this window. See the earlier answers.");
  await run(async () => {
    await call("/answer", { who: WHO, key: [last.key, ...(last.alike || [])].join(" "), label: last.before, at: "" });
    undoable.pop();
    store("undo", undoable);
    const start = last.before || last.label || ""; // what was set stays set, to be changed
    say(last.before ? `Undone: ${shown(last.before)} again.` : `Undone: this text has no answer again${setOf(start).size ? "; its labels are still set" : ""}.`);
    const place = rows.findIndex((row) => row.key === last.key);
    if (doubts && reviewing !== last.key) doubts.left.unshift((several() && last.doubt) || { key: last.key, likelier: "" });
    if (place < 0 || reviewing) return show(last.key, start);
    if (rows[place].label && !last.before) now.answered -= 1;
    for (const each of rows) if (each.key === last.key || last.alike?.includes(each.key)) [each.label, each.set] = [last.before, setOf(start)];
    rows[place].alone = false;
    at = place;
    draw();
  });
}

// One action at a time. An error is shown, and the row stays.
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

// ---- what the window shows

function say(words) {
  $("message").textContent = words;
}

function guessed(guess, label) {
  if (!guess || !label) return "";
  return guess === label ? " The model guessed the same." : ` The model guessed ${shown(guess)}.`;
}

function draw() {
  $("below").hidden = !rows.length && !undoable.length;
  $("who").textContent = WHO === DECIDED ? "settling conflicts" : `answers of ${WHO}`;
  drawProgress();
  drawCards();
  drawClasses();
  drawGuide();
  drawWait();
  $("undo").disabled = !undoable.length;
  $("classes").hidden = $("cannot").hidden = !rows.length;
  $("answer").hidden = !rows.length || !several();
  $("several").hidden = !several();
  $("more").hidden = !rows.length || rows[at].in_holdout; // nothing is looked for with texts that measure the model
  $("more").querySelector("kbd").textContent = now.classes.length > KEYS ? "Alt m" : "m";
  $("back").hidden = !reviewing;
  $("back").querySelector("span").textContent = doubts ? "leave for later" : "leave unchanged";
  $("doubts").setAttribute("aria-pressed", doubts ? "true" : "false");
}

function drawProgress() {
  if (doubts) {
    const done = Math.max(0, doubts.all - doubts.left.length);
    $("bar").max = doubts.all || 1;
    $("bar").value = done;
    $("count").textContent = doubts.all ? `doubts: ${done} of ${doubts.all} checked` : "doubts";
    document.title = "Doubts - Gleaner";
    return;
  }
  const left = now.asked - now.answered;
  $("bar").max = now.asked || 1;
  $("bar").value = now.round ? now.answered : 1;
  const minutes = now.seconds_left === null ? "" : now.seconds_left < 60 ? ", less than a minute to go" : `, about ${Math.round(now.seconds_left / 60)} min to go`;
  $("count").textContent = now.round ? `${now.round}: ${now.answered} of ${now.asked} answered, ${left} left${minutes}` : "No row is open.";
  document.title = now.round ? `${left} left - Gleaner` : "Gleaner";
}

function drawCards() {
  const cards = rows.map((row, place) => {
    const card = make("article");
    card.tabIndex = place === at ? 0 : -1;
    card.dataset.place = place;
    card.setAttribute("aria-current", place === at ? "true" : "false");
    card.setAttribute("aria-label", rows.length > 1 ? `text ${place + 1} of ${rows.length}` : "text");
    card.classList.toggle("answered", Boolean(row.label));
    const text = make("p", row.text, row.text.length > LONG ? "text long" : "text");
    text.dir = "auto";
    card.append(text);
    if (countsFor(row)) card.append(...drawAlike(row));
    if (row.label) card.append(make("p", `your answer: ${shown(row.label)}`, "chip"));
    if (row.answers) card.append(make("p", Object.entries(row.answers).map(([who, label]) => `${who}: ${shown(label)}`).join(", "), "chip"));
    if (row.disputed?.length) card.append(make("p", `disputed: ${row.disputed.join(", ")}`, "chip"));
    if (doubts?.left[0]?.label && several()) card.append(make("p", doubted(doubts.left[0]), "chip"));
    if (row.guess) card.append(make("p", `the model's guess: ${shown(row.guess)}`, "chip"));
    if (row.program) card.append(make("p", row.program, "chip"));
    const about = [row.bucket === null ? "" : `bucket ${row.bucket}`, row.group && `group ${row.group}`, row.found && `found by hand (${row.found})`];
    if (about.some(Boolean)) card.append(make("p", about.filter(Boolean).join(" · "), "about"));
    return card;
  });
  $("cards").classList.toggle("many", rows.length > 1);
  $("cards").replaceChildren(...cards);
  $("cards").hidden = !cards.length;
  const focused = document.activeElement;
  if (cards.length && focused !== $("narrow") && !focused?.closest("footer, dialog")) {
    cards[at].focus({ preventScroll: true }); // a screen reader reads the text
    cards[at].scrollIntoView({ block: "nearest" });
  }
}

// Which label of an answer is in doubt.
function doubted(doubt) {
  const [given, other] = [setOf(doubt.label), setOf(doubt.likelier)];
  const [missing, wrong] = [namesOf(other).filter((name) => !given.has(name)), namesOf(given).filter((name) => !other.has(name))];
  return missing.length ? `${missing.join(", ")} is missing?` : wrong.length ? `${wrong.join(", ")} is wrong?` : "";
}

// How many near-duplicates the next answer to a row may count for: none after an answer to the row alone.
function countsFor(row) {
  return row.alone || !row.alike ? 0 : row.alike.length;
}

function drawAlike(row) {
  const number = row.alike.length;
  const texts = make("details");
  texts.append(make("summary", number === 1 ? "and 1 text like it" : `and ${number} texts like it`), make("ul"));
  texts.lastChild.append(...row.alike.map(({ text }) => make("li", text)));
  texts.open = Boolean(row.opened);
  texts.addEventListener("toggle", () => (row.opened = texts.open));
  const button = make("button", "", "all");
  button.type = "button";
  button.setAttribute("aria-pressed", row.all ? "true" : "false");
  button.setAttribute("aria-keyshortcuts", "+");
  button.append(make("kbd", "+"), make("span", number === 1 ? " answer both at once" : ` answer all ${number + 1} at once`));
  button.addEventListener("click", () => toggleAll(row));
  return [texts, button];
}

function toggleAll(row) {
  row.all = !row.all;
  draw();
  say(row.all ? `Your answer will count for ${row.alike.length + 1} texts.` : "Your answer will count for this text only.");
}

// The classes that contain the typed words: first the one that equals them, then those that begin with them.
function fitting() {
  const words = $("narrow").value.trim().toLowerCase();
  const rank = (name) => (name === words ? 0 : name.startsWith(words) ? 1 : 2);
  const found = now.classes.map((name) => [name, name.toLowerCase()]).filter(([, name]) => name.includes(words));
  return found.sort(([, one], [, other]) => rank(one) - rank(other)).map(([name]) => name);
}

function drawClasses() {
  const many = now.classes.length > KEYS;
  $("narrow").hidden = !many || !rows.length;
  const label = rows[at]?.label || "";
  const set = several() && rows[at] ? rows[at].set : new Set([label]);
  const focused = several() && $("classes").contains(document.activeElement) ? document.activeElement.dataset.label : null;
  $("classes").classList.toggle("many", many);
  $("classes").replaceChildren(
    ...fitting().map((name, place) => {
      const button = make("button");
      button.type = "button";
      button.dataset.label = name;
      button.setAttribute("aria-pressed", set.has(name) ? "true" : "false");
      if (place < KEYS) {
        button.append(make("kbd", String(place + 1)));
        button.setAttribute("aria-keyshortcuts", String(place + 1));
      }
      button.append(make("span", name));
      if (rows[at]?.disputed?.includes(name)) button.append(make("em", "disputed"));
      const item = make("li");
      item.append(button);
      return item;
    }),
  );
  [...$("classes").querySelectorAll("button")].find((button) => button.dataset.label === focused)?.focus({ preventScroll: true });
  $("answer").querySelector("span").textContent = `Answer: ${namesOf(set).join(", ") || "none of these"}`;
  $("cannot").setAttribute("aria-pressed", label === CANNOT_SAY ? "true" : "false");
}

// Renders Markdown headings, lists and paragraphs; everything else is shown as it is written.
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
  let title = "Choosing the next rows";
  let words = `${seconds} seconds so far. They will appear here by themselves.`;
  if (doubts) {
    [title, words] = doubts.failed
      ? ["Doubts could not be found", doubts.failed]
      : ["A model is checking the answers", `${doubts.seconds} seconds so far. The least likely ones will appear here.`];
  } else if (now.elsewhere) {
    [title, words] = [`${now.elsewhere} rows are open in another window`, "They come here two minutes after it is closed."];
  } else if (failed) {
    [title, words] = ["The next rows could not be chosen", failed];
  } else if (WHO === DECIDED) {
    [title, words] = ["There are no conflicts", "When people disagree on a text, it appears here."];
  } else if ($("again").checked && !running) {
    [title, words] = ["You have answered every row", "That includes the rows that others have answered."];
  } else if (ended) {
    [title, words] = ["Every row is answered", "Close this page and run make repro to train the model and write the report."];
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
  if (words !== $("words").value) return; // more was typed meanwhile; its reply will follow
  $("found").textContent = found.all > found.rows.length ? `${found.all} answers, the last ${found.rows.length} are shown` : `${found.all} answers, the last first`;
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

// ---- looking for rows

function openFind(way = "", what = "") {
  $("way").value = way || $("way").value;
  if (what) $("what").value = what;
  $("names").replaceChildren(...now.classes.map((name) => Object.assign(make("option"), { value: name })));
  changed();
  if (!$("find").open) $("find").showModal();
  $("what").select();
  if (what) look();
}

// Something else is looked for: forget what was found.
function changed() {
  hits = null;
  const about = { words: "refund chargeback", like: "the parcel came late and broken", class: now.classes[0] };
  $("what").placeholder = about[$("way").value];
  if ($("way").value === "class") $("what").setAttribute("list", "names");
  else $("what").removeAttribute("list");
  drawHits("");
}

function drawHits(words) {
  const found = hits?.rows || [];
  $("find-says").textContent = words;
  const says = () => ($("look-does").textContent = found.length ? `add ${found.filter((row) => !row.out).length} to the round` : "search");
  const items = found.map((row) => {
    const [item, line, box] = [make("li"), make("label"), Object.assign(make("input"), { type: "checkbox", checked: true })];
    box.addEventListener("input", () => says((row.out = !box.checked)));
    line.append(box, make("span", row.text));
    item.append(line);
    return Object.assign(item, { dir: "auto" });
  });
  $("hits").replaceChildren(...items);
  says();
}

// Enter searches, and adds what was found. The page goes on meanwhile: the encoder takes seconds to load.
async function look() {
  const sought = hits || { way: $("way").value, what: $("what").value };
  const same = () => sought.way === $("way").value && sought.what === $("what").value && $("find").open;
  if (sought.waits) return;
  sought.waits = true;
  hits = sought;
  const found = sought.rows?.length, chosen = (sought.rows || []).filter((row) => !row.out);
  if (!found) drawHits("searching…");
  try {
    if (found) {
      const keys = chosen.map((row) => row.key).join(" ");
      const { added, stage } = await call("/add", { who: WHO, way: sought.way, what: sought.what, keys, at: now.round || "" });
      $("find").close();
      await run(() => show(reviewing));
      return say(`${added} rows are added to ${stage}${stage === now.round ? ": they come next" : ""}.`);
    }
    const reply = await call("/find", { who: WHO, way: sought.way, what: sought.what });
    if (!same()) return;
    hits = { ...reply, way: sought.way, what: sought.what };
    drawHits(`${reply.rows.length} of ${reply.of}`);
  } catch (error) {
    if (!same()) return;
    hits = null;
    drawHits(error.message);
  }
}

function moreLikeThis() {
  const row = rows[at];
  if (row && !row.in_holdout) openFind("like", row.text.replace(/\s+/g, " ").slice(0, MOST_SOUGHT));
}

// ---- what the annotator does

function narrowed() {
  drawClasses();
  const found = fitting();
  if ($("narrow").value) say(found.length === 1 ? `Enter chooses ${found[0]}.` : `${found.length} classes match.`);
}

function take(label) {
  $("narrow").value = "";
  return several() && label !== CANNOT_SAY ? toggle(label) : answer(label);
}

// Set a label, or take it back.
function toggle(name) {
  const set = rows[at]?.set;
  if (!set || busy) return;
  if (!set.delete(name)) set.add(name);
  drawClasses();
  say(`${name} is ${set.has(name) ? "set" : "taken back"}.`);
}

// Handles a key; returns whether the page uses it.
function key(event) {
  const narrow = $("narrow");
  const many = !narrow.hidden;
  const typed = many && narrow.value !== "";
  const focused = document.activeElement;
  if (event.key === "Escape" && !event.altKey) {
    if (typed) {
      narrow.value = "";
      narrowed();
    } else if (reviewing) {
      run(next);
    } else if (doubts) {
      run(leaveDoubts);
    } else return false;
    return true;
  }
  if (!$("keys").checked && focused !== narrow) return false;
  const letter = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace("Key", "").toLowerCase(); // Alt may change it
  if ((letter === "f" || letter === "m") && (event.altKey || !many)) {
    if (letter === "f") openFind();
    else moreLikeThis();
    return true;
  }
  if (event.altKey) return false;
  if (/^[1-9]$/.test(event.key)) {
    const name = fitting()[Number(event.key) - 1];
    if (name === undefined) say(`There is no class ${event.key}.`);
    else if (!event.repeat) take(name); // a key held down answers once
    return true;
  }
  if (event.key === "+" && !typed && rows[at] && countsFor(rows[at])) {
    if (!event.repeat) toggleAll(rows[at]);
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
  if (event.key === "Enter" && !typed && several() && (!focused?.closest("button, summary") || focused.closest("#classes"))) {
    if (!event.repeat && rows[at]) answer(writtenOf(rows[at].set));
    return true;
  }
  if (!many) return false;
  if (event.key === "Enter" && typed) {
    const [name] = fitting();
    if (name !== undefined && !event.repeat) take(name);
    return true;
  }
  if (focused === narrow) return false;
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
  if (event.ctrlKey || event.metaKey || event.isComposing || !now || document.querySelector("dialog[open]")) return;
  if (event.target.closest?.("footer")) return;
  if (key(event)) event.preventDefault();
});
$("narrow").addEventListener("input", narrowed);
$("classes").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) take(button.dataset.label);
});
$("cannot").addEventListener("click", () => take(CANNOT_SAY));
$("answer").addEventListener("click", () => answer(writtenOf(rows[at].set)));
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
for (const name of ["at-once", "guess", "again"]) $(name).addEventListener("change", () => (doubts && !reviewing ? undefined : run(() => show(reviewing))));
$("open-earlier").addEventListener("click", () => {
  $("earlier").showModal();
  run(drawEarlier);
});
$("close-earlier").addEventListener("click", () => $("earlier").close());
$("open-find").addEventListener("click", () => openFind());
$("close-find").addEventListener("click", () => $("find").close());
$("more").addEventListener("click", moreLikeThis);
$("look").addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});
for (const name of ["way", "what"]) $(name).addEventListener("input", changed);
$("words").addEventListener("input", () => run(drawEarlier));
$("list").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  $("earlier").close();
  doubts = null;
  run(() => show(button.dataset.key));
});
// A visible page keeps its rows. If they were given away while it was hidden, it gets others.
async function beat() {
  if (document.visibilityState !== "visible" || !now || busy || reviewing || doubts || document.querySelector("dialog[open]")) return;
  if (!rows.length) return now.choosing.ended ? run(() => show()) : undefined;
  const { held } = await call(`/hold?${new URLSearchParams({ window: WINDOW })}`);
  if (!busy && !reviewing && rows.some((row) => !row.label && !held.includes(row.key))) await run(() => show());
}
const quietly = () => beat().catch(() => undefined); // a missing server is reported at the next answer
document.addEventListener("visibilitychange", quietly);
setInterval(quietly, BEAT);

run(() => show());
