// Parallel coordinates: which searched values the good trials share. A drag along an axis bounds it.

import { colouring } from "./colour.js";
import { label, linePath, placeIn, responsive, round, svg } from "./drawing.js";
import { button, choice, element, paragraph } from "./elements.js";
import { formatNumber, formatTick, splitPath } from "./numbers.js";
import { makeScale, paddedDomain } from "./scale.js";
import { bound, change, choose, isLog, on, state, theSet } from "./state.js";
import { frontTrials, metricOf, metrics, objectives, paramOf, params, sweep, trials } from "./sweep.js";
import { newTip, showTip } from "./tip.js";

const RANK_CLASSES = [
  ["rank-rest", (rank) => rank > 4],
  ["rank-late", (rank) => rank > 1 && rank <= 4],
  ["rank-next", (rank) => rank === 1],
  ["rank-front", (rank) => rank === 0],
];
const AXIS_ROOM_PX = 112;
const MOST_LINES = 600;
const HEIGHT_PX = 340;
const BRUSH_PX = 14; // on either side of an axis

const ranked = trials.filter((trial) => trial.rank !== null).sort((a, b) => a.rank - b.rank || a.number - b.number);
const drawnTrials = ranked.slice(0, Math.max(MOST_LINES, frontTrials.length));

export function drawParallelSection(container) {
  if (!sweep.params.length || !drawnTrials.length) return;
  const drawing = element("div", { class: "chart" });
  const tip = newTip();
  const mover = element("div", { class: "controls" });
  container.replaceChildren(
    element("h2", { id: "parallel-title" }, "Searched values"),
    element(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "parallel coordinates" },
      element("div", { class: "stage-parallel" }, drawing, tip),
    ),
    mover,
    paragraph("caption", parallelCaption()),
  );
  const redraw = responsive(drawing, (width) => drawParallel(drawing, tip, width));
  drawMover(mover);
  on(["where", "order", "colour"], () => {
    redraw();
    drawMover(mover);
  });
  on(["chosen", "pinned"], drawOverlay);
}

function parallelCaption() {
  const which =
    drawnTrials.length < ranked.length
      ? `One line a trial, the best-ranked ${formatNumber(drawnTrials.length)} of ${formatNumber(ranked.length)} complete ones`
      : "One line a complete trial";
  return `${which}, from its searched values to its objectives; the front in colour, later ranks ever quieter. A drag along an axis bounds it, a click on the bound lifts it; the name of an axis can be dragged to another place.`;
}

// The axes in the order that was asked for: searched values, objectives, and what else is bounded.
function axisNames() {
  const usual = [...sweep.params.map(({ name }) => name), ...objectives.map(({ metric }) => metric)];
  const names = [...usual, ...[...state.where.keys()].filter((name) => !usual.includes(name))];
  const first = state.order.filter((name) => names.includes(name));
  return [...first, ...names.filter((name) => !first.includes(name))];
}

const valueIn = (trial, name) => (metrics.has(name) ? metricOf(trial, name) : paramOf(trial, name));

function axisOf(name, at, range) {
  const values = drawnTrials.map((trial) => valueIn(trial, name)).filter((value) => value !== null);
  const numeric = values.length > 0 && values.every((value) => typeof value === "number");
  const log = (metrics.has(name) ? isLog(name) : params.get(name)?.log) && values.every((value) => value > 0);
  const categories = numeric ? null : [...new Set(values.map(formatNumber))].sort();
  const scale = categories ? categoryScale(categories, range) : makeScale(paddedDomain(values, log, 0.02), range, log);
  const place = (trial) => {
    const value = valueIn(trial, name);
    return value === null ? range[0] + 26 : scale(categories ? formatNumber(value) : value);
  };
  return { name, at, range, scale, categories, place, absent: values.length < drawnTrials.length };
}

function categoryScale(categories, [bottom, top]) {
  const scale = (name) => bottom + ((top - bottom) * (categories.indexOf(name) + 0.5)) / categories.length;
  scale.ticks = () => categories;
  return scale;
}

let drawn = null;

function drawParallel(container, tip, width) {
  const names = axisNames();
  container.style.minWidth = `${names.length * AXIS_ROOM_PX}px`;
  const wide = Math.max(width, names.length * AXIS_ROOM_PX);
  const at = (index) => 56 + ((wide - 112) * index) / Math.max(1, names.length - 1);
  const axes = names.map((name, index) => axisOf(name, at(index), [HEIGHT_PX - 40, 52]));
  const root = svg("svg", {
    width: wide,
    height: HEIGHT_PX,
    role: "img",
    "aria-label": "Parallel coordinates of the searched values",
  });
  const lineOf = (trial) => linePath(axes.map((axis) => [axis.at, axis.place(trial)]));
  const overlay = svg("g", { class: "overlay" });
  root.append(...linePaths(lineOf), overlay, ...axes.map(drawAxis));
  container.replaceChildren(root);
  drawn = { overlay, lineOf, hovered: null };
  drawOverlay();
  hoverLines(root, tip, axes);
  for (const axis of axes) brushOn(root, axis);
  for (const title of root.querySelectorAll(".axis-title")) dragTitle(title, root, axes);
}

// Fewer lines are stronger, so that many are no area.
const strength = (count) => Math.min(0.9, Math.max(0.12, 0.9 * (36 / Math.max(count, 1)) ** 0.55));

function linePaths(lineOf) {
  const set = state.where.size ? theSet().has : null;
  const { of } = colouring();
  const groups = new Map();
  for (const trial of drawnTrials) {
    const rank = RANK_CLASSES.find(([, holds]) => holds(trial.rank))[0];
    const look =
      set && !set.has(trial)
        ? "0 line out"
        : `${rank === "rank-front" ? 2 : 1} line ${rank} ${(rank === "rank-front" && of(trial)) || ""}`;
    if (!groups.has(look)) groups.set(look, []);
    groups.get(look).push(trial);
  }
  const numFront = drawnTrials.filter((trial) => trial.rank === 0 && (!set || set.has(trial))).length;
  return [...groups]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([look, members]) => {
      const count = look.includes("rank-front") ? numFront : members.length;
      const faint = look.includes("rank-front") ? 1 : 0.55;
      const path = svg("path", { class: look.slice(2).trim(), d: members.map(lineOf).join("") });
      path.style.opacity = look.includes("out") ? 0.08 : strength(count) * faint;
      return path;
    });
}

function drawOverlay() {
  if (!drawn) return;
  const { overlay, lineOf, hovered } = drawn;
  const line = (trial, kind) =>
    trial?.state === "COMPLETE" ? [svg("path", { class: `line ${kind}`, d: lineOf(trial) })] : [];
  overlay.replaceChildren(
    ...line(state.pinned, "pinned"),
    ...line(state.chosen, "chosen"),
    ...line(hovered, "hovered"),
  );
}

function drawAxis(axis) {
  const { name, at, scale, categories, absent } = axis;
  const [bottom, top] = axis.range;
  const group = svg("g", { class: "axes" }, svg("path", { class: "frame", d: `M${round(at)} ${bottom}V${top}` }));
  const [parent, leaf] = splitPath(name);
  if (parent) group.append(label(at, top - 32, parent, { "text-anchor": "middle" }));
  group.append(label(at, top - 16, leaf, { class: "title axis-title", "text-anchor": "middle", "data-axis": name }));
  for (const tick of scale.ticks(5)) {
    const text = categories ? tick : formatTick(tick);
    group.append(label(at + 6, round(scale(tick)) + 4, text, { class: "halo" }));
  }
  if (absent) group.append(label(at + 6, bottom + 30, "absent", { class: "halo" }));
  return group;
}

// Where the bound on an axis begins and ends, in pixels.
function spans({ name, range: [bottom, top], scale, categories }) {
  const range = state.where.get(name);
  if (!range) return [];
  if (categories) {
    const half = (bottom - top) / categories.length / 2;
    return (range.values ?? []).map((value) => [scale(value) + half, scale(value) - half]);
  }
  const end = (value, open) =>
    value === null || !scale.holds(value) ? open : Math.min(bottom, Math.max(top, scale(value)));
  return [[end(range.low ?? null, bottom), end(range.high ?? null, top)]];
}

function brushOn(root, axis) {
  const { name, at, scale, categories } = axis;
  const [bottom, top] = axis.range;
  const shape = (kind, from, to) =>
    svg("rect", {
      class: kind,
      x: at - BRUSH_PX,
      width: 2 * BRUSH_PX,
      y: Math.min(from, to),
      height: Math.abs(from - to),
    });
  const marks = spans(axis).map(([from, to]) => shape("brush", from, to));
  const pad = shape("brush-pad", bottom, top);
  pad.setAttribute("data-brush", name);
  let start = null;
  let moving = null;
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    start = placeIn(root, event)[1];
    moving = shape("brush", start, start);
    root.append(moving);
    pad.setPointerCapture(event.pointerId);
  });
  pad.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const y = placeIn(root, event)[1];
    moving.setAttribute("y", Math.min(start, y));
    moving.setAttribute("height", Math.abs(start - y));
  });
  pad.addEventListener("pointerup", (event) => {
    const [from, to] = [start, placeIn(root, event)[1]].sort((a, b) => b - a);
    start = null;
    moving?.remove();
    if (from - to < 5) {
      if (state.where.has(name)) bound(name, null);
    } else if (categories) {
      const half = (bottom - top) / categories.length / 2;
      const values = categories.filter((value) => scale(value) - half <= from && scale(value) + half >= to);
      bound(name, { values });
    } else {
      const neat = (pixel) => Number(scale.invert(Math.max(top, Math.min(bottom, pixel))).toPrecision(3));
      bound(name, { low: from >= bottom ? null : neat(from), high: to <= top ? null : neat(to) });
    }
  });
  pad.addEventListener("click", (event) => event.stopPropagation());
  root.append(...marks, pad);
}

function dragTitle(title, root, axes) {
  let moved = false;
  title.addEventListener("pointerdown", (event) => {
    title.setPointerCapture(event.pointerId);
    moved = true;
  });
  title.addEventListener("pointermove", (event) => {
    if (moved) title.setAttribute("x", round(placeIn(root, event)[0]));
  });
  title.addEventListener("pointerup", (event) => {
    if (!moved) return;
    moved = false;
    const [x] = placeIn(root, event);
    const { name } = axes.find((axis) => axis.name === title.getAttribute("data-axis"));
    const others = axes.filter((axis) => axis.name !== name);
    const place = others.filter((axis) => axis.at < x).length;
    const order = others.map((axis) => axis.name);
    order.splice(place, 0, name);
    change({ order });
  });
}

// The same by keyboard: pick an axis, move it.
function drawMover(container) {
  const names = axisNames();
  const move = (way) => {
    const name = mover.value;
    const place = names.indexOf(name) + way;
    if (place < 0 || place >= names.length) return;
    const order = names.filter((other) => other !== name);
    order.splice(place, 0, name);
    moverKept = name;
    change({ order });
    container.querySelectorAll("button")[way < 0 ? 0 : 1].focus();
  };
  const mover = choice(
    "axis to move",
    names.map((name) => [name, name]),
    moverKept ?? names[0],
    (name) => {
      moverKept = name;
    },
  );
  container.replaceChildren(
    element("label", {}, "Move axis", mover),
    button("\u2190 left", () => move(-1), { class: "quiet" }),
    button("right \u2192", () => move(1), { class: "quiet" }),
  );
}

let moverKept = null;

function hoverLines(root, tip, axes) {
  const find = (event) => nearestLine(placeIn(root, event), axes);
  root.addEventListener("pointermove", (event) => {
    const found = event.buttons ? null : find(event);
    if (found !== drawn.hovered) {
      drawn.hovered = found;
      drawOverlay();
    }
    showTip(tip, found && { trial: found, at: placeIn(root, event) }, root.clientWidth);
  });
  root.addEventListener("pointerleave", () => {
    drawn.hovered = null;
    drawOverlay();
    showTip(tip, null);
  });
  root.addEventListener("click", (event) => {
    const found = find(event);
    if (found) choose(found);
  });
}

function nearestLine([px, py], axes) {
  const next = axes.findIndex((axis) => axis.at > px);
  if (next < 1 || py < axes[0].range[1] - 10) return null;
  const [from, to] = [axes[next - 1], axes[next]];
  const share = (px - from.at) / (to.at - from.at);
  const set = state.where.size ? theSet().has : null;
  let [best, distance] = [null, 14];
  for (const trial of drawnTrials) {
    if (set && !set.has(trial)) continue;
    const away = Math.abs(from.place(trial) * (1 - share) + to.place(trial) * share - py) + (trial.rank === 0 ? 0 : 3);
    if (away < distance) [best, distance] = [trial, away];
  }
  return best;
}
