"use strict";
// The map: the pool in two dimensions, to explore, search and mark.

const GRID = 10000;
const NEAR = 14; // pixels between the pointer and a point that it shows
const MOST_COLOURS = 24; // all other values of a colouring share one grey

/** The texts of the map: the browser inflates them. */
async function textsOfMap() {
  const bytes = Uint8Array.from(atob(DATA.map.texts), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

/** The colourings: name, value of a point, name of a value; or, for numbers, `ramp`. */
function colourings() {
  const map = DATA.map, rarest = map.labels ? "rarest " : "", ways = {
    bucket: { name: "bucket", of: (i) => map.bucket[i], called: nameOfBucket },
    class: { name: `${rarest}class`, of: (i) => map.class[i], called: nameOfClass },
  };
  if (map.predicted) {
    ways.predicted = { name: `${rarest}predicted class`, of: (i) => map.predicted[i], called: (v) => (v < 0 ? `${DATA.columns.length ? "none, or " : ""}labelled in every seed` : nameOfClass(v)) };
    ways.score = { name: `uncertainty (${DATA.score})`, of: (i) => map.score[i], ramp: true };
  }
  ways.picked = { name: "stage that picked it", of: (i) => map.picked[i], called: (v) => (v < 0 ? "never picked" : DATA.stages[v]) };
  return ways;
}

function poolMap(place) {
  const map = DATA.map, count = map.row.length, ways = colourings();
  if (!count) return place.append(el("p", {}, "There are no rows to show."));
  let by = "bucket", round = DATA.stages.length - 1, words = [], lasso = null, lassoing = false, at = -1, texts = null;
  let transform = d3.zoomIdentity, hidden = new Set(), wide = 0, high = 0, colourOf = () => "#888";
  const xs = Float64Array.from(map.x, (v) => v / GRID), ys = Float64Array.from(map.y, (v) => 1 - v / GRID);
  const tree = d3.quadtree(d3.range(count), (i) => xs[i], (i) => ys[i]);
  const spanY = d3.max(ys) - d3.min(ys), offsetY = d3.min(ys), spanX = d3.max(xs) - d3.min(xs), offsetX = d3.min(xs);

  const canvas = el("canvas", { tabIndex: 0, role: "img", "aria-describedby": "map-keys",
    "aria-label": "Map of the pool; the table beside it lists the marked rows" });
  const tip = el("div", { class: "tip", hidden: true }), plane = el("div", { class: "plane" }, canvas, tip);
  const key = el("ul", { class: "legend", "aria-label": "Meaning of the colours; press one to hide its points" });
  const list = el("div"), status = el("p", { class: "soft", role: "status" });
  const stageName = el("output", {}, "");

  // From a point's place in [0, 1] to pixels.
  const scale = () => Math.min((wide - 24) / Math.max(spanX, 1e-9), (high - 24) / Math.max(spanY, 1e-9));
  const px = (i) => transform.applyX((xs[i] - offsetX - spanX / 2) * scale() + wide / 2);
  const py = (i) => transform.applyY((ys[i] - offsetY - spanY / 2) * scale() + high / 2);

  const labelsOf = (i) => nameOfClass(map.labels ? map.labels[i] : map.class[i]);
  const isPicked = (i) => map.picked[i] >= 0 && map.picked[i] <= round;
  const isFound = (i) => words.length > 0 && texts !== null && words.every((word) => texts[i].toLowerCase().includes(word));
  const isInLasso = (i) => lasso !== null && d3.polygonContains(lasso, [xs[i], ys[i]]);
  const isThere = (i) => ways[by].ramp || !hidden.has(ways[by].of(i));
  const marking = () => words.length > 0 || lasso !== null;
  const isMarked = (i) => isThere(i) && (words.length === 0 || isFound(i)) && (lasso === null || isInLasso(i));

  function colours() {
    const way = ways[by];
    if (way.ramp) {
      const values = map.score.filter((v) => v !== null), [low, most] = d3.extent(values);
      const ramp = d3.scaleSequential(isDark() ? d3.interpolateViridis : (t) => d3.interpolateViridis(1 - t)).domain([low, most]);
      colourOf = (i) => (map.score[i] === null ? colour("soft") : ramp(map.score[i]));
      const bar = el("span", { class: "ramp" });
      bar.style.background = `linear-gradient(90deg, ${d3.range(0, 1.01, 0.1).map((t) => ramp(low + t * (most - low))).join(",")})`;
      key.replaceChildren(...(values.length ? [el("li", {}, `surest, ${low.toFixed(2)}`, bar, `${most.toFixed(2)}, least sure`)] : []));
      return;
    }
    const sizes = d3.rollup(d3.range(count), (all) => all.length, way.of);
    const values = [...sizes.keys()].sort((a, b) => (a < 0) - (b < 0) || (by === "picked" ? a - b : sizes.get(b) - sizes.get(a)) || a - b);
    const own = values.filter((v) => v >= 0).slice(0, MOST_COLOURS), paints = palette(own.length);
    const paint = new Map(own.map((v, i) => [v, paints[i]]));
    const grey = isDark() ? "#6d7685" : "#a9b1bd";
    colourOf = (i) => paint.get(way.of(i)) || grey;
    key.replaceChildren(...values.map((v) => {
      const swatch = el("span", { class: "swatch" });
      swatch.style.background = paint.get(v) || grey;
      const button = el("button", { type: "button", "aria-pressed": String(!hidden.has(v)), onclick: () => {
        if (!hidden.delete(v)) hidden.add(v);
        button.setAttribute("aria-pressed", String(!hidden.has(v)));
        changed();
      } }, swatch, `${way.called(v)} (${number(sizes.get(v))})`);
      return el("li", {}, button);
    }));
  }

  function draw() {
    const ratio = Math.max(2, devicePixelRatio || 1); // twice is enough for print
    wide = plane.clientWidth;
    if (!wide) return;
    high = Math.round(Math.min(Math.max(320, wide * 0.8), 720, Math.max(320, innerHeight * 0.8)));
    canvas.width = wide * ratio;
    canvas.height = high * ratio;
    canvas.style.height = `${high}px`;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const ring = colour("ring"), paper = colour("panel"), some = marking();
    const radius = Math.min(6, Math.max(1.3, 130 / Math.sqrt(count)) * Math.sqrt(transform.k));
    const rim = Math.min(1, wide / 800) * (transform.k > 2 ? 1 : 0.9); // on a small map picked rows would hide all others
    const dots = [], above = [], strong = [];
    for (let i = 0; i < count; i++) {
      if (!isThere(i)) continue;
      const x = px(i), y = py(i);
      if (x < -9 || y < -9 || x > wide + 9 || y > high + 9) continue;
      (isPicked(i) ? above : some && isMarked(i) ? strong : dots).push([i, x, y]);
    }
    pen.globalAlpha = some ? 0.16 : 0.62;
    for (const [i, x, y] of dots) disc(pen, x, y, radius, colourOf(i));
    pen.globalAlpha = 1;
    for (const [i, x, y] of strong) disc(pen, x, y, radius + 1, colourOf(i), ring, 1);
    // Picked rows in the order of the rounds: those of the slider's round are larger than those of earlier rounds.
    above.sort((a, b) => map.picked[a[0]] - map.picked[b[0]]);
    for (const [i, x, y] of above) {
      pen.globalAlpha = some && !isMarked(i) ? 0.35 : 1;
      disc(pen, x, y, Math.max(radius + 1, (map.picked[i] === round ? 5.5 : 4) * rim), colourOf(i), map.picked[i] === round ? ring : paper, (map.picked[i] === round ? 1.8 : 1.2) * rim);
    }
    pen.globalAlpha = 1;
    if (lasso) {
      pen.beginPath();
      lasso.forEach(([x, y], n) => {
        const [a, b] = [transform.applyX((x - offsetX - spanX / 2) * scale() + wide / 2), transform.applyY((y - offsetY - spanY / 2) * scale() + high / 2)];
        if (n) pen.lineTo(a, b); else pen.moveTo(a, b);
      });
      pen.closePath();
      pen.strokeStyle = colour("accent");
      pen.lineWidth = 2;
      pen.stroke();
    }
    if (at >= 0) disc(pen, px(at), py(at), radius + 5, "transparent", colour("accent"), 2.5);
  }

  function disc(pen, x, y, r, fill, stroke, width) {
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.fillStyle = fill;
    pen.fill();
    if (stroke) { pen.strokeStyle = stroke; pen.lineWidth = width; pen.stroke(); }
  }

  let waiting = false;
  function soon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }

  /** The rows in the table: those that search and lasso mark, else those picked up to the slider's round. */
  function listed() {
    const all = d3.range(count);
    return marking() ? all.filter(isMarked) : all.filter((i) => isPicked(i) && isThere(i)).sort((a, b) => map.picked[a] - map.picked[b]);
  }

  function changed() {
    const rows = listed();
    const what = !marking() ? `picked up to ${DATA.stages[round]}` : [words.length ? "found" : "", lasso ? "in the lasso" : ""].filter(Boolean).join(" and ");
    status.textContent = `${number(rows.length)} of the ${number(count)} rows on the map are ${what}.`;
    list.replaceChildren(table(`Rows ${what}`, [
      { name: "text", value: (i) => (texts ? texts[i] : ""), kind: "text" },
      { name: map.labels ? "labels" : "class", value: labelsOf },
      ...(map.predicted ? [
        { name: "predicted", value: (i) => (map.predicted[i] < 0 ? "" : nameOfClass(map.predicted[i])) },
        { name: DATA.score, value: (i) => map.score[i], show: (i) => number(map.score[i], 3), kind: "number" }] : []),
      { name: "picked at", value: (i) => map.picked[i], show: (i) => DATA.stages[map.picked[i]] || "" },
      { name: "bucket", value: (i) => map.bucket[i], show: (i) => nameOfBucket(map.bucket[i]) },
      { name: "row", value: (i) => map.row[i], show: (i) => number(map.row[i]), kind: "number" },
    ], rows));
    soon();
  }

  function point(i) {
    at = i;
    tip.hidden = i < 0;
    if (i >= 0) {
      const facts = [`row ${number(map.row[i])}`, `${map.labels ? "labels" : "class"} ${labelsOf(i)}`, `bucket ${nameOfBucket(map.bucket[i])}`];
      if (map.predicted && map.predicted[i] >= 0) facts.push(`predicted ${nameOfClass(map.predicted[i])}`);
      if (map.score && map.score[i] !== null) facts.push(`${DATA.score} ${map.score[i].toFixed(3)}`);
      if (map.picked[i] >= 0) facts.push(`picked at ${DATA.stages[map.picked[i]]} in ${map.seeds[i]} of ${DATA.seeds} seeds`);
      tip.replaceChildren(texts ? texts[i] : "", el("span", { class: "soft" }, facts.join(" · ")));
      const x = px(i), y = py(i), left = Math.min(Math.max(4, x + 14), Math.max(4, wide - tip.offsetWidth - 4));
      tip.style.left = `${left}px`;
      tip.style.top = `${y + 14 + tip.offsetHeight > high ? Math.max(4, y - tip.offsetHeight - 12) : y + 14}px`;
    }
    soon();
  }

  /** From pixels to a place in [0, 1]. */
  function placeOf([x, y]) {
    return [(transform.invertX(x) - wide / 2) / scale() + offsetX + spanX / 2, (transform.invertY(y) - high / 2) / scale() + offsetY + spanY / 2];
  }

  function nearest(pixels) {
    const [x, y] = placeOf(pixels), found = tree.find(x, y, NEAR / (scale() * transform.k));
    return found !== undefined && isThere(found) ? found : -1;
  }

  // ---- mouse and touch
  const zoom = d3.zoom().scaleExtent([0.7, 60]).filter((event) => !lassoing && (!event.button || event.type === "wheel"))
    .on("zoom", (event) => { transform = event.transform; tip.hidden = true; at = -1; soon(); });
  d3.select(canvas).call(zoom).on("dblclick.zoom", null);
  let drawing = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (lassoing) { drawing = [placeOf(d3.pointer(event, canvas))]; canvas.setPointerCapture(event.pointerId); }
  });
  canvas.addEventListener("pointermove", (event) => {
    const here = d3.pointer(event, canvas);
    if (drawing) { drawing.push(placeOf(here)); lasso = drawing; soon(); } else if (!event.buttons) { const found = nearest(here); if (found !== at) point(found); }
  });
  canvas.addEventListener("pointerup", () => {
    if (!drawing) return;
    lasso = drawing.length > 2 ? drawing : null;
    drawing = null;
    clear.hidden = lasso === null;
    changed();
  });
  canvas.addEventListener("click", (event) => { if (!lassoing) point(nearest(d3.pointer(event, canvas))); });
  canvas.addEventListener("pointerleave", () => { if (!drawing && document.activeElement !== canvas) point(-1); });
  canvas.addEventListener("blur", () => point(-1));

  // ---- keys
  let walk = -1;
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }, selection = d3.select(canvas);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (moves[event.key]) zoom.translateBy(selection, ...moves[event.key].map((v) => v / transform.k));
    else if (event.key === "+" || event.key === "=") zoom.scaleBy(selection, 1.4);
    else if (event.key === "-") zoom.scaleBy(selection, 1 / 1.4);
    else if (event.key === "0") zoom.transform(selection, d3.zoomIdentity);
    else if (event.key === "n" || event.key === "p") {
      const rows = listed();
      if (rows.length) {
        walk = (walk + (event.key === "n" ? 1 : -1) + rows.length) % rows.length;
        const [x, y] = [px(rows[walk]), py(rows[walk])];
        if (x < 0 || y < 0 || x > wide || y > high) zoom.translateBy(selection, (wide / 2 - x) / transform.k, (high / 2 - y) / transform.k);
        point(rows[walk]);
        status.textContent = `${walk + 1} of ${number(rows.length)}: ${texts ? texts[rows[walk]] : ""}`;
      }
    } else if (event.key === "Escape") { words = []; search.value = ""; drop(); } else return;
    event.preventDefault();
  });

  // ---- controls
  const colouring = el("select", { id: "colour-by", onchange: () => { by = colouring.value; hidden = new Set(); colours(); changed(); } },
    ...Object.entries(ways).map(([value, way]) => el("option", { value }, way.name)));
  const slider = el("input", { type: "range", id: "rounds", min: 0, max: Math.max(DATA.stages.length - 1, 0), step: 1, value: round, oninput: () => {
    round = Number(slider.value);
    stage();
    changed();
  } });
  const stage = () => { stageName.textContent = DATA.stages[round]; slider.setAttribute("aria-valuetext", DATA.stages[round]); };
  const search = el("input", { type: "search", id: "search", placeholder: "words in a text", oninput: () => {
    words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    changed();
  } });
  const mode = el("button", { type: "button", id: "lasso", "aria-pressed": "false", onclick: () => {
    lassoing = !lassoing;
    mode.setAttribute("aria-pressed", String(lassoing));
    plane.classList.toggle("lasso", lassoing);
  } }, "Lasso");
  const clear = el("button", { type: "button", hidden: true, onclick: drop }, "Remove the lasso");
  function drop() { lasso = null; clear.hidden = true; changed(); }
  const whole = el("button", { type: "button", onclick: () => zoom.transform(d3.select(canvas), d3.zoomIdentity) }, "Whole map");

  stage();
  place.append(
    el("p", {}, `${count < map.pool ? `${number(count)} of the ${number(map.pool)} texts of the pool, drawn at random` : `The ${number(map.pool)} texts of the pool`}, in two dimensions (${map.by === "umap" ? "UMAP" : "PCA"}). Texts that the encoder finds similar lie close together. Large points with a rim are picked rows; those of the slider's round are largest. Each bucket is named by its most telling words.`),
    el("div", { class: "controls" },
      el("label", {}, "Colour by", colouring), el("label", {}, "Picked up to", slider, stageName), el("label", {}, "Search", search), mode, clear, whole),
    el("div", { class: "beside" }, el("div", {}, plane, key,
      el("p", { class: "soft", id: "map-keys" }, "Drag to move, turn the wheel to zoom, point at a row to read it. Keys, when the map has the focus: arrows to move, + and - to zoom, 0 for the whole map, n and p for the next and the previous row of the table, Escape to clear search and lasso.")),
    el("div", {}, status, list)),
    el("p", { class: "soft" }, `${map.predicted ? "Predicted class and uncertainty come from the models of all seeds before the last round. " : ""}${map.cut_at < 10000 ? `Texts longer than ${map.cut_at} characters are cut and end in "…".` : ""}`),
  );
  colours();
  changed();
  drawn(() => { colours(); draw(); });
  new ResizeObserver(soon).observe(plane);
  textsOfMap().then((opened) => { texts = opened; changed(); }, () => { status.textContent = "This browser is too old to show the texts of the map."; });
}
