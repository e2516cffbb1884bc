"use strict";
// All other sections, and the code that fills the page.

function pickedRows(place) {
  const stages = DATA.picked.stages.filter((stage) => stage.rows.length), texts = DATA.picked.texts;
  if (!stages.length) return place.append(el("p", {}, "No rows are picked yet."));
  let chosen = stages[0].stage;
  const here = el("div");
  function draw() {
    const { stage, rows } = stages.find((each) => each.stage === chosen), found = new Set(DATA.people?.found[stage]);
    here.replaceChildren(table(`Rows that ${stage} picked`, [
      { name: "text", value: (row) => texts[row.row], kind: "text" },
      { name: "bucket", value: (row) => row.bucket, show: (row) => nameOfBucket(row.bucket) },
      ...(rows.some((row) => row.score !== null) ? [{ name: DATA.score, value: (row) => row.score, show: (row) => number(row.score, 3), kind: "number" },
        { name: "predicted before", value: (row) => nameOfGuess(row.predicted) }] : []),
      { name: "label", value: (row) => nameOfClass(row.label) },
      ...(rows.some((row) => row.changed !== null) ? [{ name: "predictions changed", value: (row) => row.changed, show: (row) => number(row.changed), kind: "number" }] : []),
      ...(found.size ? [{ name: "found by hand", value: (row) => (found.has(row.row) ? "yes" : "") }] : []),
      { name: "seeds", value: (row) => row.seeds, kind: "number" },
      { name: "row", value: (row) => row.row, show: (row) => number(row.row), kind: "number" },
    ], rows));
  }
  place.append(
    el("p", {}, `The score is ${DATA.score}: the higher, the less sure the models before the round were. The first stage has no score; it picks rows that represent their buckets. "Predicted before" is what these models predicted before the label was known. "Predictions changed" counts the holdout rows that the next models put into another class, each for the picked row nearest to it. Take it as a hint: all rows of a stage are learned together.`),
    el("div", { class: "controls" }, choice("Stage", "stage", Object.fromEntries(stages.map((each) => [each.stage, `${each.stage} (${number(each.all)})`])), chosen, (value) => { chosen = value; draw(); })),
    here);
  draw();
  const most = stages.flatMap((each) => each.rows.map((row) => ({ ...row, stage: each.stage }))).filter((row) => row.changed > 0).sort((a, b) => b.changed - a.changed).slice(0, 20);
  if (most.length) {
    place.append(el("h3", {}, "Rows that changed most predictions"), table("Up to 20 rows, those with most changes first", [
      { name: "text", value: (row) => texts[row.row], kind: "text" },
      { name: "label", value: (row) => nameOfClass(row.label) },
      { name: "predicted before", value: (row) => nameOfGuess(row.predicted) },
      { name: "predictions changed", value: (row) => row.changed, show: (row) => number(row.changed), kind: "number" },
      { name: "stage", value: (row) => row.stage },
    ], most));
  }
  const left = DATA.picked.left_out ? `${number(DATA.picked.left_out)} rows do not fit on the page; data/STAGE/selected.jsonl has all rows. ` : "";
  place.append(el("p", { class: "soft" }, `${left}Scores are means, and changes are sums, over the seeds that picked the row. Texts longer than ${number(DATA.picked.cut_at)} characters are cut and end in "…".`));
}

function errors(place) {
  const found = DATA.errors;
  if (!found) return place.append(el("p", {}, "Nothing is measured yet."));
  const textColumns = [
    { name: "text", value: (row) => row.text, kind: "text" },
    { name: "label", value: (row) => nameOfClass(row.actual) },
    { name: "predicted", value: (row) => nameOfClass(row.predicted) },
    { name: "probability", value: (row) => row.sure, show: (row) => row.sure.toFixed(3), kind: "number" },
    { name: "models agreed", value: (row) => row.agree, show: (row) => `${row.agree} of ${DATA.seeds}`, kind: "number" },
  ];
  place.append(el("p", {}, `The ${found.of} models, averaged over the seeds, err on ${number(found.mistakes)} of the ${number(found.holdout)} rows of the holdout (${share(found.mistakes / found.holdout)}).`));

  const behind = el("div", { role: "status" });
  const several = DATA.columns.length > 0;
  const outcome = (column) => (several ? DATA.columns[column] : `predicted as ${nameOfClass(column)}`);
  const has = (value, number) => String(value).split(";").includes(String(number));
  function isIn(row, actual, column) {
    if (!several) return row.actual === actual && row.predicted === column;
    return has(row.actual, actual) === column < 2 && has(row.predicted, actual) === (column !== 1);
  }
  function show(actual, predicted) {
    const rows = found.rows.filter((row) => isIn(row, actual, predicted));
    const title = !several && actual === predicted ? `${nameOfClass(actual)}, predicted correctly: the least sure rows` : `${nameOfClass(actual)}, ${outcome(predicted)}`;
    behind.replaceChildren(el("h3", {}, title), rows.length ? table("Rows of this cell", textColumns, rows) : el("p", {}, "The page holds none of these rows."));
  }
  const left = el("div");
  if (found.counts) {
    const body = found.counts.map((row, actual) => {
      const sum = d3.sum(row) || 1;
      return el("tr", {}, el("th", { scope: "row", title: nameOfClass(actual) }, nameOfClass(actual)), ...row.map((rows, predicted) => {
        const button = el("button", { type: "button", "aria-label": `${nameOfClass(actual)} ${outcome(predicted)}: ${rows} rows`, onclick: () => show(actual, predicted) }, number(rows));
        button.style.background = `rgb(var(--${predicted === (several ? 0 : actual) ? "good" : "bad"}) / ${(0.06 + 0.64 * rows / sum).toFixed(2)})`;
        return el("td", {}, button);
      }));
    });
    left.append(el("p", { class: "soft" }, several ? "One line for each label: rows in which it is found, missed and wrongly given. Press a number to read its rows." : "Confusion table: one line for each label, one column for each predicted class. Press a number to read its rows."), el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Confusion table" }, el("table", { class: "confusion" },
      el("thead", {}, el("tr", {}, el("td"), ...(several ? DATA.columns : DATA.classes).map((name) => el("th", { scope: "col", title: name }, name)))), el("tbody", {}, ...body))));
  } else {
    left.append(table("The most frequent confusions", [
      { name: "label", value: (pair) => nameOfClass(pair[0]) },
      { name: "predicted", value: (pair) => (several ? outcome(pair[1]) : nameOfClass(pair[1])) },
      { name: "rows", value: (pair) => pair[2], show: (pair) => el("button", { type: "button", onclick: () => show(pair[0], pair[1]) }, number(pair[2])), kind: "number" },
    ], found.pairs));
  }
  const classes = table("Classes, those with fewest labels first", [
    { name: "class", value: (row) => nameOfClass(row.class) },
    { name: "labels", value: (row) => row.labels, show: (row) => number(row.labels), kind: "number" },
    { name: "in the pool", value: (row) => row.pool, show: (row) => number(row.pool), kind: "number" },
    { name: "recall", value: (row) => row.recall, show: (row) => share(row.recall), kind: "number" },
    { name: "precision", value: (row) => row.precision, show: (row) => share(row.precision), kind: "number" },
  ], found.by_class);
  place.append(el("div", { class: "beside" }, left, classes), behind);
  if (found.pairs.length) show(found.pairs[0][0], found.pairs[0][1]);

  const wrong = found.rows.filter((row) => row.actual !== row.predicted);
  place.append(el("h3", {}, "The surest mistakes"), table("Mistakes, the surest first", textColumns, wrong));
  const doubtful = wrong.filter((row) => row.doubtful).map((row) => ({ ...row, label: row.actual, where: "holdout" }));
  const again = DATA.check_again.map((row) => ({ ...row, text: DATA.picked.texts[row.row] || "", where: row.stage }));
  place.append(el("h3", {}, "Rows to check again"),
    el("p", {}, "These labels may be wrong, or these texts may be hard to classify. In the holdout: rows where this model and the model of all labels agree against the label. Among the labelled rows: rows without a class, and rows where the models before the round were surest of another class."));
  const both = [...again, ...doubtful];
  place.append(both.length ? table("Labelled rows first, then rows of the holdout", [
    { name: "text", value: (row) => row.text, kind: "text" },
    { name: "label", value: (row) => nameOfClass(row.label) },
    { name: "predicted before", value: (row) => nameOfGuess(row.predicted) },
    { name: "in", value: (row) => row.where },
    { name: "row", value: (row) => row.row, show: (row) => number(row.row), kind: "number" },
  ], both) : el("p", {}, "There are none."));
  place.append(el("p", { class: "soft" }, `Texts longer than ${number(found.cut_at)} characters are cut and end in "…".`));
}

/** The Markdown of data/summary.md: its tables as tables, all other lines as paragraphs. */
function markdown(place, source) {
  const cells = (line) => line.split("|").slice(1, -1).map((cell) => cell.trim());
  let lines = [];
  const flush = () => {
    if (!lines.length) return;
    const [heads, , ...rows] = lines.map(cells);
    const numeric = heads.map((_, i) => rows.some((row) => row[i]) && rows.every((row) => !row[i] || /^[-+\d]/.test(row[i])));
    place.append(table(heads[0] + " by " + heads.slice(1, 3).join(", "), heads.map((name, i) => ({ name, value: (row) => row[i], kind: numeric[i] ? "number" : "" })), rows, { sortable: false }));
    lines = [];
  };
  for (const line of source.split("\n")) {
    if (line.startsWith("|")) lines.push(line);
    else { flush(); if (line.trim()) place.append(el("p", {}, line)); }
  }
  flush();
}

function making(place) {
  const { settings, counts, dropped, versions, tables } = DATA.made;
  const pairs = (caption, heads, rows) => table(caption, [{ name: heads[0], value: (row) => row[0] }, { name: heads[1], value: (row) => row[1], kind: heads[2] || "" }], rows);
  const text = el("div");
  markdown(text, tables);
  place.append(el("h3", {}, "All tables"), text, el("h3", {}, "Data"), el("p", {}, "The number of rows, and how many of them cleaning dropped."),
    pairs("Rows and classes", ["what", "number", "number"], counts.map(([what, many]) => [what, number(Number(many))])),
    dropped.length ? table("Examples of dropped rows", [
      { name: "text", value: (row) => row.text, kind: "text" }, { name: "label", value: (row) => row.label }, { name: "reason", value: (row) => row.what },
    ], dropped) : "",
    el("details", {}, el("summary", {}, "All settings"), pairs("Settings of params.yaml", ["setting", "value"], settings)),
    el("details", {}, el("summary", {}, "Versions"), pairs("Versions", ["package", "version"], versions)));
}

function waiting(place) {
  for (const [stage, rows] of Object.entries(DATA.waiting)) place.append(el("p", {}, `${stage} waits for ${number(rows)} answers.`));
}

function people(place) {
  const done = DATA.people;
  if (!done) return;
  const answers = (row) => (Array.isArray(row.answers) ? row.answers.join(", ") : Object.entries(row.answers).map(([who, label]) => `${who}: ${label}`).join(", "));
  const columns = (name) => [{ name: "text", value: (row) => row.text, kind: "text" }, { name, value: answers }, { name: "in", value: (row) => row.in }];
  place.append(el("h3", {}, "Annotators"), done.annotators.length ? table("Work of each annotator", [
    { name: "annotator", value: (row) => row.who },
    { name: "answers", value: (row) => row.answers, show: (row) => number(row.answers), kind: "number" },
    { name: "answers an hour", value: (row) => row.an_hour, show: (row) => number(row.an_hour, 0), kind: "number" },
    { name: "last answer", value: (row) => row.last },
  ], done.annotators) : el("p", {}, "Nobody has answered yet."),
  el("p", { class: "soft" }, "Breaks of five minutes or more do not count in answers an hour."));
  if (done.conflicts.length) place.append(el("h3", {}, "Conflicts"), table("Texts that people gave different labels; they do not count until the conflict is settled", columns("answers"), done.conflicts));
  if (done.doubts.length) place.append(el("h3", {}, "Doubts"), table("Texts that people answered with cannot say", columns("annotators"), done.doubts));
}

const place = (id) => document.getElementById(id);
waiting(place("answer"));
learningCurve(place("answer"));
people(place("answer"));
poolMap(place("map"));
pickedRows(place("picked"));
errors(place("errors"));
making(place("made"));
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
