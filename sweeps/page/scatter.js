// The front: any metric against any other, with the trials that did not make it in their own quiet looks.

import { axisTitle, drawAxes } from "./axes.js";
import { colouring } from "./colour.js";
import { label, linePath, MARKS, markPath, noteBoard, pointMark, round, sideClass, svg } from "./drawing.js";
import { button, element } from "./elements.js";
import { describe, KIND_NAMES } from "./kinds.js";
import { formatTick, withItsUnit } from "./numbers.js";
import { follow, walk } from "./pointing.js";
import { makeScale, paddedDomain } from "./scale.js";
import { bound, change, goalOf, isLog, state, theSet, visibleTrials } from "./state.js";
import { costOf, frontTrials, metricOf, objectives, shownMetric, sides, sweep, trials } from "./sweep.js";
import { newTip } from "./tip.js";
import { contenders, intervalBars, shownValues, trustCaption } from "./trust.js";

const knee = sweep.choices.find((rule) => rule.label === "Knee")?.points[0]?.trial;
const membersOf = () => (sides ? sides.map((_, side) => trials.filter((trial) => trial.side === side)) : [contenders]);

let drawn = null; // what the chosen point is put upon

export function drawScatter(container, width) {
  const height = pictureHeight(width);
  const scales = scatterScales(width, height);
  const places = placedTrials(scales);
  const note = noteBoard(scales.y.range[1], scales.y.range[0]);
  const references = placedReferences(scales, note);
  const beyond = state.zoom ? { marks: [], places: [] } : marksBeyond(scales, note);
  const front = places.filter(({ trial }) => trial.kind === "front").sort((a, b) => a.at[0] - b.at[0]);
  const root = svg("svg", {
    width,
    height,
    tabindex: "0",
    role: "listbox",
    class: "scatter",
    "aria-label": `${state.y} against ${state.x}: points of the front, arrow keys walk along it`,
  });
  const titles = {
    x: axisTitle(state.x, scales.x.log, ["\u2190", "\u2192"]),
    y: axisTitle(state.y, scales.y.log, ["\u2193", "\u2191"]),
  };
  const plot = svg("g", { "clip-path": "url(#plot)" });
  plot.append(
    ...membersOf().flatMap((members) => attainedBy(members, scales)),
    ...constraintLines(scales, note),
    ...quietMarks(places),
    ...intervalBars(places, scales),
    ...frontMarks(front),
  );
  const overlay = svg("g", { class: "overlay", "clip-path": "url(#plot)" });
  root.append(plotClip(scales), drawAxes(scales, titles), plot, rug(scales), ...references.marks, ...beyond.marks);
  root.append(...boxOf(scales), overlay, ...kneeNote(front, note));
  const tip = newTip();
  const hadFocus = container.firstChild !== null && container.firstChild === document.activeElement;
  container.replaceChildren(root, tip, plotActions(), ...trustCaption());
  if (hadFocus) root.focus();
  drawn = { root, overlay, scales };
  follow({ root, tip, places: [...places, ...beyond.places, ...references.places], region: regionIn(scales) });
  walk(root, front);
  drawChosen();
}

export function pictureHeight(width) {
  return Math.round(Math.max(300, Math.min(0.62 * width, Math.max(340, 0.72 * innerHeight))));
}

// The chosen and the pinned point, upon everything else.
export function drawChosen() {
  if (!drawn) return;
  const { root, overlay, scales } = drawn;
  for (const node of root.querySelectorAll('[aria-selected="true"]')) node.setAttribute("aria-selected", "false");
  const marks = [];
  for (const [trial, kind] of [
    [state.pinned, "pinned"],
    [state.chosen, "chosen"],
  ]) {
    const at = trial && placeOf(trial, scales);
    if (!at) continue;
    const [cx, cy] = at.map(round);
    const ring = svg("circle", { class: "ring", cx, cy, r: 12 });
    marks.push(
      svg(
        "g",
        { class: `${kind} ${sideClass(trial)}`, "data-chosen": trial.id },
        ring,
        pointMark(trial.side, cx, cy, 6.5),
      ),
    );
    if (kind === "pinned") marks.push(label(cx, cy - 16, "pinned", { class: "note", "text-anchor": "middle" }));
  }
  overlay.replaceChildren(...marks);
  const point = state.chosen && root.querySelector(`[data-trial="${state.chosen.id}"]`);
  point?.setAttribute("aria-selected", "true");
  if (point) root.setAttribute("aria-activedescendant", point.id);
  else root.removeAttribute("aria-activedescendant");
}

// Where a trial lies, whether its kind is shown or not; on the edge when it lies beyond it.
function placeOf(trial, { x, y }) {
  const [vx, vy] = [shownMetric(trial, state.x), shownMetric(trial, state.y)];
  return x.holds(vx) && y.holds(vy) ? [clamped(x, vx), clamped(y, vy)] : null;
}

// Marks on the frame are whole, marks beyond it (zoomed) are cut.
function plotClip({ x, y }) {
  const room = 13;
  const [left, top] = [x.range[0] - room, y.range[1] - room];
  const size = { width: x.range[1] - x.range[0] + 2 * room, height: y.range[0] - y.range[1] + 2 * room };
  return svg("defs", {}, svg("clipPath", { id: "plot" }, svg("rect", { x: left, y: top, ...size })));
}

// Complete trials say where the axes begin and end: what failed, or comes from elsewhere, does not stretch them.
export function scatterScales(width, height) {
  const bounds = { x: [62, width - 16], y: [height - 50, 34] };
  const shown = visibleTrials();
  const complete = shown.filter((trial) => trial.state === "COMPLETE");
  const make = (axis) => {
    const [name, log] = [state[axis], isLog(state[axis])];
    const values = (complete.length ? complete : shown).flatMap((trial) => shownValues(trial, name));
    const domain =
      state.zoom?.[axis] ??
      paddedDomain(
        values.filter((value) => value !== null),
        log,
      );
    return makeScale(domain, bounds[axis], log);
  };
  return { x: make("x"), y: make("y") };
}

function placedTrials({ x, y }) {
  const found = [];
  for (const trial of visibleTrials()) {
    const [vx, vy] = [shownMetric(trial, state.x), shownMetric(trial, state.y)];
    if (!x.holds(vx) || !y.holds(vy)) continue;
    if (state.zoom || trial.state === "COMPLETE" || (x.inside(vx) && y.inside(vy)))
      found.push({ trial, at: [x(vx), y(vy)] });
  }
  return found;
}

// The boundary of what a front attains, as a staircase, when the axes are exactly the sweep's objectives.
function attainedBy(members, { x, y }) {
  const line = state.hidden.has(members[0]?.side) ? [] : stairs(members);
  if (!line.length) return [];
  const sign = (axis) => (goalOf(state[axis]) === "maximize" ? -1 : 1);
  const far = [sign("x") > 0 ? x.range[1] : x.range[0], sign("y") > 0 ? y.range[1] : y.range[0]];
  const corners = [[x(line[0][0]), far[1]]];
  line.forEach(([vx, vy], index) => {
    corners.push([x(vx), y(vy)]);
    corners.push([index + 1 < line.length ? x(line[index + 1][0]) : far[0], y(vy)]);
  });
  const edge = linePath(corners);
  return [
    svg("path", { class: `attained ${sideClass(members[0])}`, d: `${edge}L${round(far[0])} ${round(far[1])}Z` }),
    svg("path", { class: `front-line ${sideClass(members[0])}`, d: edge }),
  ];
}

function stairs(members) {
  const named = objectives.map((objective) => objective.metric);
  if (named.length === 1 && state.x === "trial" && state.y === named[0]) return bestSoFar(members, named[0]);
  if (named.length !== 2 || !named.includes(state.x) || !named.includes(state.y) || state.x === state.y) return [];
  const cost = (name) => (value) => (goalOf(name) === "maximize" ? -value : value);
  const [acrossCost, upright] = [cost(state.x), cost(state.y)];
  let best = Infinity;
  return members
    .map((trial) => [shownMetric(trial, state.x), shownMetric(trial, state.y)])
    .sort((a, b) => acrossCost(a[0]) - acrossCost(b[0]) || upright(a[1]) - upright(b[1]))
    .filter(([, value]) => {
      const better = upright(value) < best;
      if (better) best = upright(value);
      return better;
    });
}

function bestSoFar(members, name) {
  let best = null;
  const steps = [];
  for (const trial of trials) {
    if (trial.side !== members[0]?.side) continue;
    if (trial.state !== "COMPLETE" || (best && costOf(trial, name) >= costOf(best, name))) continue;
    best = trial;
    steps.push([trial.number, metricOf(trial, name)]);
  }
  return steps;
}

function constraintLines({ x, y }, note) {
  return sweep.constraints.flatMap(({ metric, sign, limit }) => {
    const text = `${sign === "<=" ? "at most" : "at least"} ${withItsUnit(metric, limit)}`;
    if (metric === state.x && x.inside(limit)) {
      const at = round(x(limit));
      return limitLine(`M${at} ${y.range[0]}V${y.range[1]}`, text, at - 6, y.range[1] + 12, note);
    }
    if (metric === state.y && y.inside(limit)) {
      const at = round(y(limit));
      return limitLine(`M${x.range[0]} ${at}H${x.range[1]}`, text, x.range[1], at - 6, note);
    }
    return [];
  });
}

function limitLine(d, text, x, y, note) {
  return [svg("path", { class: "limit", d }), note(x, y, text, { "text-anchor": "end" })];
}

const outside = (trial) => state.where.size > 0 && !theSet().has.has(trial);

// One path for all trials of a kind that look alike.
export function quietMarks(places) {
  const { of } = colouring();
  const groups = new Map();
  for (const { trial, at } of places) {
    if (trial.kind === "front") continue;
    const look = `${trial.kind} ${(trial.kind === "dominated" && of(trial)) || ""} ${outside(trial) ? "out" : ""}`;
    if (!groups.has(look)) groups.set(look, []);
    groups.get(look).push(at);
  }
  for (const kind of Object.keys(KIND_NAMES))
    if (kind !== "front" && !groups.has(`${kind}  `)) groups.set(`${kind}  `, []);
  const order = ([look]) => (look.endsWith("out") ? 0 : 1);
  return [...groups]
    .sort((a, b) => order(a) - order(b))
    .map(([look, at]) => svg("path", { class: `mark ${look.trim()}`, d: markPath(look.split(" ")[0], at) }));
}

export function frontMarks(front) {
  const { of } = colouring();
  const node = ({ trial, at: [cx, cy] }) =>
    pointMark(trial.side, round(cx), round(cy), 6, {
      class: `front-point ${sideClass(trial)} ${of(trial) ?? ""}${outside(trial) ? " out" : ""}`,
      role: "option",
      id: `point-${trial.id}`,
      "aria-selected": "false",
      "aria-label": describe(trial),
      "data-trial": trial.id,
    });
  return [...front].sort((a, b) => outside(b.trial) - outside(a.trial)).map(node);
}

function kneeNote(front, note) {
  const place = front.find(({ trial }) => trial.number === knee);
  return place && !sides ? [note(place.at[0] + 12, place.at[1] + 17, "knee")] : [];
}

// Trials that ended before they had the upright value still show where they stood across.
function rug({ x, y }) {
  const unmeasured = visibleTrials().filter(
    (trial) => metricOf(trial, state.y) === null && x.inside(metricOf(trial, state.x)),
  );
  const ticks = unmeasured.map((trial) => `M${round(x(metricOf(trial, state.x)))} ${y.range[0]}v-7`);
  return svg("path", { class: "mark rug", d: ticks.join("") });
}

// An arrow at the edge that points to what lies beyond it: [mark, the place of its tail].
function arrowAt([px, py], toX, toY) {
  const turned = Math.round((Math.atan2(toY, toX) * 180) / Math.PI);
  const d = "M-9 -4.5L0 0L-9 4.5z";
  return svg("path", { class: "arrow", d, transform: `translate(${round(px)} ${round(py)}) rotate(${turned})` });
}

const side = (scale, value) => (value < scale.domain[0] ? -1 : value > scale.domain[1] ? 1 : 0);
const clamped = (scale, value) => scale(Math.min(scale.domain[1], Math.max(scale.domain[0], value)));

// Models from elsewhere: a mark where both axes are measured, a line where one is, an arrow where it lies outside.
function placedReferences({ x, y }, note) {
  const marks = [];
  const places = [];
  const beside = ([cx, cy], text, gap) => {
    const fits = cx + gap + 7 * text.length <= x.range[1];
    return note(fits ? cx + gap : cx - gap, cy + 4, text, { "text-anchor": fits ? "start" : "end" });
  };
  for (const reference of sweep.references) {
    const { name, values } = reference;
    const [vx, vy] = [values[state.x], values[state.y]];
    const [hasX, hasY] = [x.holds(vx), y.holds(vy)];
    const far = [hasX ? side(x, vx) : 0, hasY ? side(y, vy) : 0];
    if ((!hasX && !hasY) || (state.zoom && (far[0] || far[1]))) continue;
    const at = [hasX ? clamped(x, vx) : x.range[1], hasY ? clamped(y, vy) : y.range[1]];
    if (far[0] || far[1]) {
      const beyond = [far[0] && withItsUnit(state.x, vx), far[1] && withItsUnit(state.y, vy)].filter(Boolean);
      marks.push(
        svg("g", { class: "external" }, arrowAt(at, far[0], -far[1]), beside(at, `${name} ${beyond.join(", ")}`, 12)),
      );
      places.push({ reference, at });
    } else if (hasX && hasY) {
      const mark = svg("rect", { x: round(at[0]) - 4, y: round(at[1]) - 4, width: 8, height: 8 });
      marks.push(svg("g", { class: "external" }, mark, beside(at, name, 9)));
      places.push({ reference, at });
    } else if (hasY) {
      marks.push(...limitLine(`M${x.range[0]} ${round(at[1])}H${x.range[1]}`, name, x.range[1] - 6, at[1] - 6, note));
      places.push({ reference, at: [x.range[1] - 20, at[1]] });
    } else {
      marks.push(...limitLine(`M${round(at[0])} ${y.range[0]}V${y.range[1]}`, name, at[0] - 6, y.range[1] + 12, note));
      places.push({ reference, at: [at[0], y.range[1] + 12] });
    }
  }
  return { marks, places };
}

// Trials that are shown but did not come to their end may lie outside: arrows, and how many with the furthest value.
function marksBeyond({ x, y }, note) {
  const places = [];
  const marks = [];
  const edges = new Map();
  for (const trial of visibleTrials()) {
    const [vx, vy] = [metricOf(trial, state.x), metricOf(trial, state.y)];
    if (trial.state === "COMPLETE" || !x.holds(vx) || !y.holds(vy)) continue;
    const far = [side(x, vx), side(y, vy)];
    if (!far[0] && !far[1]) continue;
    const at = [clamped(x, vx), clamped(y, vy)];
    places.push({ trial, at });
    marks.push(arrowAt(at, far[0], -far[1]));
    const edge = far[1] ? ["y", far[1]] : ["x", far[0]];
    const known = edges.get(edge.join()) ?? { edge, count: 0, values: [] };
    known.values.push(edge[0] === "y" ? vy : vx);
    edges.set(edge.join(), known);
  }
  for (const {
    edge: [axis, way],
    values,
  } of edges.values()) {
    const furthest = way < 0 ? Math.min(...values) : Math.max(...values);
    const text = `${values.length} beyond, to ${formatTick(Number(furthest.toPrecision(3)))}`;
    const at =
      axis === "y"
        ? [x.range[1] - 6, way < 0 ? y.range[0] - 8 : y.range[1] + 14]
        : [way < 0 ? x.range[0] + 6 : x.range[1] - 6, (y.range[0] + y.range[1]) / 2];
    marks.push(note(at[0], at[1], text, { "text-anchor": axis === "x" && way < 0 ? "start" : "end" }));
  }
  return { marks: marks.length ? [svg("g", { class: "beyond" }, ...marks)] : [], places };
}

// The bounds on the two axes as a box; a side without a bound lies on the frame.
function boxOf({ x, y }) {
  const ranges = [state.where.get(state.x), state.where.get(state.y)];
  if (!ranges.some((range) => range && !range.values)) return [];
  const ends = (scale, range) =>
    [range?.low ?? scale.domain[0], range?.high ?? scale.domain[1]].map((value) =>
      scale.holds(value) ? clamped(scale, value) : scale.range[0],
    );
  const [[left, right], [bottom, top]] = [ends(x, ranges[0]), ends(y, ranges[1])];
  const all = `M${x.range[0]} ${y.range[0]}H${x.range[1]}V${y.range[1]}H${x.range[0]}z`;
  const box = `M${round(left)} ${round(bottom)}V${round(top)}H${round(right)}V${round(bottom)}z`;
  return [svg("path", { class: "veil", d: all + box }), svg("path", { class: "box", d: box })];
}

// A region that is drawn becomes bounds on both axes, as round as a glance can tell.
function regionIn({ x, y }) {
  return ([fromX, fromY], [toX, toY]) => {
    const span = (scale, a, b) => {
      const [low, high] = [scale.invert(a), scale.invert(b)].sort((u, v) => u - v);
      return { low: Number(low.toPrecision(3)), high: Number(high.toPrecision(3)) };
    };
    const where = new Map(state.where);
    where.set(state.x, span(x, fromX, toX));
    if (state.y !== state.x) where.set(state.y, span(y, fromY, toY));
    change({ where });
  };
}

function plotActions() {
  const range = (name) => state.where.get(name);
  const buttons = [];
  const boxed = [state.x, state.y].filter((name) => range(name) && !range(name).values);
  if (boxed.length) {
    const lift = () => {
      for (const name of boxed) bound(name, null);
    };
    buttons.push(button("Look closer", lookCloser), button("Lift box", lift));
  }
  if (state.zoom) buttons.push(button("Show all", () => change({ zoom: null }), { class: "reset" }));
  return element("div", { class: "plot-actions" }, ...buttons);
}

function lookCloser() {
  const shown = frontTrials.length ? frontTrials : visibleTrials();
  const ends = (name) => {
    const values = shown.map((trial) => metricOf(trial, name)).filter((value) => value !== null);
    const [low, high] = paddedDomain(values, isLog(name));
    const range = state.where.get(name);
    return [range?.low ?? Math.min(low, range?.high ?? low), range?.high ?? Math.max(high, range?.low ?? high)];
  };
  change({ zoom: { x: ends(state.x), y: ends(state.y) } });
}

export const legendMark = (kind) => svg("path", { class: `mark ${kind}`, d: MARKS[kind](7, 7) });
