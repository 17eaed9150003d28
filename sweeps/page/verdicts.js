// What tells the fronts apart: who offers most at which size, and the indicators.

import { pointMark, round, sideClass, svg } from "./drawing.js";
import { element, paragraph } from "./elements.js";
import { formatMetric, formatNumber, formatTick, withUnit } from "./numbers.js";
import { makeScale, paddedDomain } from "./scale.js";
import { state } from "./state.js";
import { sides, sweep } from "./sweep.js";

const THIN_SPACE = "\u202f"; // does not break

export function sideMark(side, name = null) {
  const mark = svg("g", { class: `front-point ${sideClass({ side })}` }, pointMark(side, 7, 7, 5));
  const role = name ? { role: "img", "aria-label": name } : { "aria-hidden": "true" };
  return svg("svg", { width: 14, height: 14, class: "inline", ...role }, name ? svg("title", {}, name) : "", mark);
}

function sideName(side) {
  return element("span", { class: "side" }, sideMark(side), sides[side].label);
}

// Classes of size under the picture, in the colour of who wins there.
export function drawRibbon(root, { x, y }) {
  const classes = sweep.classes;
  if (!classes || state.x !== classes.size || state.y !== classes.judge) return;
  for (const row of classes.rows) {
    const { low, high, winner, verdict } = row;
    const inside = (value) => Math.min(x.range[1], Math.max(x.range[0], x(value)));
    const [from, to] = [inside(low), inside(high)];
    if (winner === null || to - from < 1) continue;
    const title = svg("title", {}, `${formatTick(low)} to ${formatTick(high)}: ${verdict}`);
    const box = { x: round(from + 1), y: y.range[0] - 5, width: round(to - from - 2), height: 5 };
    root.append(svg("rect", { ...box, class: `won ${sideClass({ side: winner })}` }, title));
  }
}

export function drawClasses(container) {
  const classes = sweep.classes;
  if (!classes) return;
  const best = (row, side) => {
    const kind = row.winner === side ? "number winner" : "number";
    return element("td", { class: kind }, formatMetric(classes.judge, row.best[side]));
  };
  const heads = sides.map(({ label: name }, side) => (sides.length > 2 ? sideMark(side, name) : sideName(side)));
  const rows = classes.rows.map((row) =>
    element(
      "tr",
      { title: row.verdict },
      element("th", { scope: "row" }, `${formatTick(row.low)}\u2013${formatTick(row.high)}`),
      ...sides.map((_, side) => best(row, side)),
      element("td", {}, ...wonBy(row)),
    ),
  );
  container.replaceChildren(
    element("h2", { id: "classes-title" }, "Who wins which size"),
    table([withUnit(classes.size), ...heads, "won by"], rows, "table of size classes"),
    paragraph(
      "caption",
      `The best ${classes.judge} that each front offers up to the end of a class.`,
      "Open: the best could be so by luck.",
    ),
  );
}

const wonBy = ({ winner, verdict }) => (winner === null ? [verdict] : [sideMark(winner, sides[winner].label)]);

const percent = (value) => `${Math.round(value * 100)}${THIN_SPACE}%`;
const short = (value) => formatNumber(Number(value.toPrecision(3))).replace("-", "\u2212");
const signed = (value) => (value > 0 ? `+${short(value)}` : short(value));

export function drawIndicators(container) {
  const volumes = sides.map(({ hypervolume }) => hypervolume);
  const ends = domainOf(volumes);
  const bySide = sides.map((front, side) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, sideName(side)),
      element("td", { class: "number" }, formatNumber(front.hypervolume.value)),
      element("td", { class: "number quiet" }, intervalText(front.hypervolume, short)),
      element("td", {}, whisker(front.hypervolume, ends, side)),
      element("td", { class: "number" }, String(front.points)),
      element("td", {}, `${front.budget.trials ?? `${front.budget.hours} h`} \u00d7 ${front.budget.epochs} epochs`),
      element("td", {}, front.standing),
    ),
  );
  container.replaceChildren(
    element("h2", { id: "indicators-title" }, "How far apart"),
    table(["front", "hypervolume", "95 %", "", "points", "budget", "trust"], bySide, "table of fronts"),
    table(
      ["against", "hypervolume", "95 %", "", "additive epsilon", "covers"],
      sweep.pairs.map(pairRow),
      "table of pairs",
    ),
    paragraph("caption", sweep.intervals),
    paragraph(
      "caption",
      "Hypervolume: what a front dominates up to the reference point, on the objectives\u2019 scales.",
      "Additive epsilon: by how much the first front would have to improve in every objective to match each point of",
      "the other, in shares of the range that all fronts span; 0 or less when it does already.",
      "Covers: the share of the other front\u2019s points that the first equals or beats.",
    ),
  );
}

function pairRow({ first, other, hypervolume, epsilon, coverage }) {
  const differences = domainOf([{ value: 0, interval: null }, ...sweep.pairs.map((pair) => pair.hypervolume)]);
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, sideName(first), " over ", sideName(other)),
    element("td", { class: "number" }, signed(hypervolume.value)),
    element("td", { class: "number quiet" }, intervalText(hypervolume, signed)),
    element("td", {}, whisker(hypervolume, differences, first, 0)),
    element("td", { class: "number" }, short(epsilon)),
    element("td", { class: "number" }, percent(coverage)),
  );
}

function intervalText({ interval }, format) {
  return interval ? `${format(interval[0])} to ${format(interval[1])}` : "\u2013";
}

function domainOf(estimates) {
  return paddedDomain(
    estimates.flatMap(({ value, interval }) => [value, ...(interval ?? [])]),
    false,
  );
}

// A value and its interval on a line of their own; `origin` is where nothing is gained.
function whisker({ value, interval }, ends, side, origin = null) {
  const scale = makeScale(ends, [6, 134], false);
  const root = svg("svg", { width: 140, height: 18, class: `inline ${sideClass({ side })}`, "aria-hidden": "true" });
  if (origin !== null) root.append(svg("path", { class: "limit", d: `M${round(scale(origin))} 0v18` }));
  if (interval) {
    const [from, to] = interval.map((bound) => round(scale(bound)));
    root.append(svg("path", { class: "front-line", d: `M${from} 5v8M${from} 9H${to}M${to} 5v8` }));
  }
  root.append(svg("g", { class: "front-point" }, pointMark(side, round(scale(value)), 9, 5)));
  return root;
}

function table(names, rows, label) {
  const kind = (index) => (rows[0].children[index].classList.contains("number") ? "number" : null);
  const head = names.map((name, index) => element("th", { scope: "col", class: kind(index) }, name));
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    element(
      "table",
      { class: "figures" },
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    ),
  );
}
