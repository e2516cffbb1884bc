"use strict";
// The learning curve: every arm with its band, and a table of the same numbers.

function learningCurve(place) {
  if (!DATA.curves.length) return;
  let measure = DATA.measure;
  const svg = d3.create("svg").attr("class", "curve").attr("role", "img");
  const keys = el("ul", { class: "legend" }), rows = el("div");
  const bound = DATA.curves.filter((arm) => arm.bound), arms = DATA.curves.filter((arm) => !arm.bound && !arm.final);
  const finals = DATA.curves.filter((arm) => arm.final && !arm.bound);
  // Random rows first: the arm that all others are compared with keeps its colour.
  const names = [...new Set([...arms, ...finals, ...bound].map((arm) => arm.arm))];

  function draw() {
    const colours = d3.scaleOrdinal(names, palette(names.length));
    const wide = Math.max(300, svg.node().parentNode.clientWidth), high = Math.round(Math.min(440, Math.max(260, wide * 0.55)));
    const margin = { top: 14, right: 14, bottom: 46, left: 52 };
    const all = [...arms, ...finals].flatMap((arm) => arm.points);
    const shown = [...all, ...bound.flatMap((arm) => arm.points)];
    const labels = d3.extent(all, (point) => point.labels);
    const room = Math.max(1, (labels[1] - labels[0]) * 0.06);
    const x = d3.scaleLinear([labels[0] - room, labels[1] + room], [margin.left, wide - margin.right]);
    const y = d3.scaleLinear([d3.min(shown, (p) => p[measure][1]), d3.max(shown, (p) => p[measure][2])], [high - margin.bottom, margin.top]).nice();
    svg.attr("viewBox", `0 0 ${wide} ${high}`).attr("aria-label", `Learning curve: ${MEASURES[measure]} against labels; the table beside it has the same numbers`);
    svg.selectAll("*").remove();
    svg.append("g").attr("class", "axis").attr("transform", `translate(0,${high - margin.bottom})`)
      .call(d3.axisBottom(x).ticks(Math.max(3, wide / 110)).tickFormat(d3.format(",d")));
    svg.append("g").attr("class", "axis").attr("transform", `translate(${margin.left},0)`)
      .call(d3.axisLeft(y).ticks(6, ".2f").tickSize(-(wide - margin.left - margin.right))).call((g) => g.select(".domain").remove());
    svg.append("text").attr("x", (wide + margin.left) / 2).attr("y", high - 8).attr("text-anchor", "middle").text("labels bought (rows)");
    svg.append("text").attr("x", -(high - margin.bottom) / 2).attr("y", 13).attr("transform", "rotate(-90)").attr("text-anchor", "middle").text(MEASURES[measure]);

    for (const arm of bound) {
      const [mean, low, high_] = arm.points[0][measure], c = colours(arm.arm);
      svg.append("rect").attr("x", margin.left).attr("width", wide - margin.left - margin.right).attr("y", y(high_)).attr("height", y(low) - y(high_)).attr("fill", c).attr("opacity", 0.1);
      svg.append("line").attr("x1", margin.left).attr("x2", wide - margin.right).attr("y1", y(mean)).attr("y2", y(mean)).attr("stroke", c).attr("stroke-width", 2).attr("stroke-dasharray", arm.final ? "2 4" : "7 5")
        .append("title").text(`${arm.arm}${arm.final ? ", final model" : ""}: ${mean.toFixed(3)}`);
    }
    for (const arm of arms) {
      svg.append("path").attr("fill", colours(arm.arm)).attr("opacity", 0.14)
        .attr("d", d3.area((p) => x(p.labels), (p) => y(p[measure][1]), (p) => y(p[measure][2]))(arm.points));
    }
    arms.forEach((arm, i) => {
      const c = colours(arm.arm);
      svg.append("path").attr("fill", "none").attr("stroke", c).attr("stroke-width", 2.5).attr("d", d3.line((p) => x(p.labels), (p) => y(p[measure][0]))(arm.points));
      mark(arm.points, c, d3.symbols[i % d3.symbols.length], 60);
    });
    // Final models have the same labels, so they stand side by side.
    finals.forEach((arm, i) => {
      const shift = (i - (finals.length - 1) / 2) * 12, c = colours(arm.arm);
      for (const p of arm.points) {
        svg.append("line").attr("x1", x(p.labels) + shift).attr("x2", x(p.labels) + shift).attr("y1", y(p[measure][1])).attr("y2", y(p[measure][2])).attr("stroke", c).attr("stroke-width", 2);
      }
      mark(arm.points, c, d3.symbolStar, 130, shift, ", final model");
    });

    function mark(points, c, symbol, area, shift = 0, more = "") {
      svg.append("g").selectAll("path").data(points).join("path").attr("transform", (p) => `translate(${x(p.labels) + shift},${y(p[measure][0])})`)
        .attr("d", d3.symbol(symbol, area)).attr("fill", c).attr("stroke", colour("paper"))
        .append("title").text((p) => `${p.stage}${more}: ${number(p.labels)} labels, ${p[measure][0].toFixed(3)} (${p[measure][1].toFixed(3)} to ${p[measure][2].toFixed(3)})`);
    }

    keys.replaceChildren(...names.map((name) => {
      const key = el("span", { class: "swatch" });
      key.style.background = colours(name);
      return el("li", {}, key, bound.some((arm) => arm.arm === name) ? `${name}: all labels (dashed${bound.some((arm) => arm.final) ? "; final model dotted" : ""})` : name);
    }), ...(finals.length ? [el("li", {}, "★ final model")] : []));
    rows.replaceChildren(table(`${MEASURES[measure]} on the holdout, by arm and stage`, [
      { name: "arm", value: (row) => row.arm + (row.final ? ", final model" : "") },
      { name: "stage", value: (row) => row.stage },
      { name: "labels", value: (row) => row.labels, show: (row) => number(row.labels), kind: "number" },
      { name: MEASURES[measure], value: (row) => row[measure][0], show: (row) => row[measure][0].toFixed(3), kind: "number" },
      { name: "95 % interval", value: (row) => row[measure][1], show: (row) => `${row[measure][1].toFixed(3)} to ${row[measure][2].toFixed(3)}`, kind: "number" },
    ], DATA.curves.flatMap((arm) => arm.points.map((point) => ({ arm: arm.arm, final: arm.final, ...point })))));
  }

  place.append(el("div", { class: "controls" }, choice("Measured by", "measure", MEASURES, measure, (value) => { measure = value; draw(); cards(); })));
  const figures = el("div", { class: "cards" });
  function cards() {
    figures.replaceChildren(...DATA.answer.quoted.map((each) => {
      const arm = DATA.curves.find((curve) => curve.bound === (each.arm === "full") && curve.final === each.final && (curve.bound || curve.arm === each.arm));
      const point = arm.points.at(-1)[measure];
      return el("div", { class: "card" }, each.title, el("b", {}, point[0].toFixed(3)),
        el("span", { class: "soft" }, `${MEASURES[measure]}, ${point[1].toFixed(3)} to ${point[2].toFixed(3)}`));
    }));
  }
  cards();
  place.append(figures, el("div", { class: "beside" }, el("figure", { style: "margin:0" }, svg.node(), keys), rows),
    el("p", { class: "soft" }, `Means over ${DATA.seeds} seeds. Bands and intervals hold the middle 95 % of resamples of the holdout's rows and of the seeds. The tables at the end test whether a difference is shown, paired by seed.`));
  drawn(draw);
  let before = 0;
  new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - before) > 1) draw();
    before = entry.contentRect.width;
  }).observe(svg.node().parentNode);
}
