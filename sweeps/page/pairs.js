// Small multiples: each pair of three objectives or more, beside one another.

import { label, linePath, markPath, placeIn, pointMark, responsive, round, svg } from "./drawing.js";
import { button, element, paragraph } from "./elements.js";
import { formatTick } from "./numbers.js";
import { nearest } from "./pointing.js";
import { makeScale, paddedDomain } from "./scale.js";
import { frontMarks } from "./scatter.js";
import { change, choose, isLog, on, state, theSet } from "./state.js";
import { completeTrials, metricOf, objectives } from "./sweep.js";

const HEIGHT_PX = 230;

export function drawPairs(container) {
  container.hidden = objectives.length < 3 || !completeTrials.length;
  if (container.hidden) return;
  const names = objectives.map(({ metric }) => metric);
  const pairs = names.flatMap((x, index) => names.slice(index + 1).map((y) => [x, y]));
  const panels = pairs.map(([x, y]) => {
    const drawing = element("div", { class: "chart" });
    const panel = { mark: () => {} };
    const redraw = () => {
      panel.mark = drawPanel(drawing, drawing.clientWidth, x, y);
      panel.mark();
    };
    const show = button(`${y} against ${x}`, () => change({ x, y, zoom: null, depth: "" }), { class: "link" });
    return { node: element("div", { class: "panel" }, show, drawing), drawing, redraw, mark: () => panel.mark() };
  });
  container.replaceChildren(
    element("h2", { id: "pairs-title" }, "Each pair of objectives"),
    element("div", { class: "panels" }, ...panels.map(({ node }) => node)),
    paragraph(
      "caption",
      "Strong dots are on the front of all objectives together, pale ones are dominated. The name of a pair puts it on the large picture.",
    ),
  );
  for (const { drawing, redraw, mark } of panels) {
    responsive(drawing, redraw);
    on(["where", "colour", "log"], redraw);
    on(["chosen", "pinned"], mark);
  }
}

// Draws a panel; what it returns marks the chosen and the pinned point on it.
function drawPanel(container, width, x, y) {
  const range = (values, name) => paddedDomain(values, isLog(name), 0.06);
  const scaleOf = (name, ends) =>
    makeScale(
      range(
        completeTrials.map((trial) => metricOf(trial, name)),
        name,
      ),
      ends,
      isLog(name),
    );
  const [across, upright] = [scaleOf(x, [44, width - 10]), scaleOf(y, [HEIGHT_PX - 28, 10])];
  const set = theSet().has;
  const places = completeTrials
    .map((trial) => ({ trial, vx: metricOf(trial, x), vy: metricOf(trial, y) }))
    .filter(({ vx, vy }) => across.holds(vx) && upright.holds(vy))
    .map(({ trial, vx, vy }) => ({ trial, at: [across(vx), upright(vy)] }));
  const quiet = places.filter(({ trial }) => trial.kind !== "front");
  const path = (kind, members) =>
    svg("path", {
      class: `mark dominated ${kind}`,
      d: markPath(
        "dominated",
        members.map(({ at }) => at),
      ),
    });
  const root = svg("svg", { width, height: HEIGHT_PX, role: "img", "aria-label": `${y} against ${x}` });
  const ends = (scale) => scale.domain.map((value) => formatTick(Number(value.toPrecision(2))));
  const [[left, right], [low, high]] = [ends(across), ends(upright)];
  root.append(
    svg("path", {
      class: "frame",
      d: linePath([
        [44, 10],
        [44, HEIGHT_PX - 28],
        [width - 10, HEIGHT_PX - 28],
      ]),
    }),
    label(44, HEIGHT_PX - 12, left, { "text-anchor": "start" }),
    label(width - 10, HEIGHT_PX - 12, right, { "text-anchor": "end" }),
    label(38, HEIGHT_PX - 30, low, { "text-anchor": "end" }),
    label(38, 20, high, { "text-anchor": "end" }),
    path(
      "out",
      quiet.filter(({ trial }) => !set.has(trial)),
    ),
    path(
      "",
      quiet.filter(({ trial }) => set.has(trial)),
    ),
  );
  const front = places.filter(({ trial }) => trial.kind === "front");
  for (const mark of frontMarks(front)) {
    mark.setAttribute("r", 3.6);
    for (const name of ["id", "role", "aria-selected", "data-trial"]) mark.removeAttribute(name);
    root.append(mark);
  }
  const overlay = svg("g", { class: "overlay" });
  root.append(overlay);
  root.addEventListener("click", (event) => {
    const found = nearest(places, placeIn(root, event));
    if (found) choose(found.trial);
  });
  container.replaceChildren(root);
  return () =>
    overlay.replaceChildren(...marked(places, state.pinned, "pinned"), ...marked(places, state.chosen, "chosen"));
}

function marked(places, trial, kind) {
  const place = trial && places.find((known) => known.trial === trial);
  if (!place) return [];
  const [cx, cy] = place.at.map(round);
  return [svg("g", { class: kind }, svg("circle", { class: "ring", cx, cy, r: 8 }), pointMark(undefined, cx, cy, 4.5))];
}
