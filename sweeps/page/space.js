// Three objectives at once: a box that turns under the mouse or the arrow keys.

import { label, linePath, placeIn, svg } from "./drawing.js";
import { formatTick } from "./numbers.js";
import { nearest } from "./pointing.js";
import { makeScale, paddedDomain } from "./scale.js";
import { frontMarks, pictureHeight, quietMarks } from "./scatter.js";
import { choose, isLog, state, visibleTrials } from "./state.js";
import { metricOf } from "./sweep.js";
import { newTip, showTip } from "./tip.js";

const turn = { yaw: -0.5, pitch: 0.35, from: null };
const CORNERS = [-1, 1].flatMap((a) => [-1, 1].flatMap((b) => [-1, 1].map((c) => [a, b, c])));

// `redraw` draws this anew when the box has been turned.
export function drawSpace(container, width, redraw) {
  const height = pictureHeight(width);
  const names = [state.x, state.y, state.depth];
  const project = projection(width, height);
  const scales = names.map(spaceScale);
  const shown = visibleTrials()
    .map((trial) => ({ trial, values: names.map((name) => metricOf(trial, name)) }))
    .filter(({ values }) => values.every((value, axis) => scales[axis].inside(value)))
    .map(({ trial, values }) => ({ trial, place: values.map((value, axis) => scales[axis](value)) }))
    .map(({ trial, place }) => ({ trial, at: project(place), foot: project([place[0], -1, place[2]]) }));
  const words = `${names.join(", ")} in three dimensions; arrow keys turn the box`;
  const root = svg("svg", { width, height, tabindex: "0", role: "group", "aria-label": words, class: "space" });
  const chosen = shown.filter(({ trial }) => trial === state.chosen || trial === state.pinned);
  const ring = ({ trial, at: [cx, cy] }) =>
    svg("circle", { class: `ring ${trial === state.chosen ? "chosen" : "pinned"}`, cx, cy, r: 11 });
  root.append(
    ...boxEdges(project),
    ...boxTitles(project, names, scales),
    feet(shown),
    ...quietMarks(shown),
    ...frontMarks(shown.filter(({ trial }) => trial.kind === "front")),
    ...chosen.map(ring),
  );
  const tip = newTip();
  container.replaceChildren(root, tip);
  followTurning(root, tip, shown, redraw);
}

function spaceScale(name) {
  const complete = visibleTrials().filter((trial) => trial.state === "COMPLETE");
  const values = complete.map((trial) => metricOf(trial, name)).filter((value) => value !== null);
  return makeScale(paddedDomain(values, isLog(name), 0.02), [-1, 1], isLog(name));
}

// Orthographic: turned about the upright axis, then tilted towards the viewer.
function projection(width, height) {
  const size = Math.min(width / 3.8, height / 3.6);
  const [cos, sin, tiltCos, tiltSin] = [
    Math.cos(turn.yaw),
    Math.sin(turn.yaw),
    Math.cos(turn.pitch),
    Math.sin(turn.pitch),
  ];
  return ([x, y, z]) => {
    const across = x * cos + z * sin;
    const away = z * cos - x * sin;
    return [width / 2 + size * across, height / 2 - size * (y * tiltCos - away * tiltSin) + 4];
  };
}

function boxEdges(project) {
  const differ = (a, b) => a.filter((value, axis) => value !== b[axis]).length;
  const edges = CORNERS.flatMap((a, index) =>
    CORNERS.slice(index + 1)
      .filter((b) => differ(a, b) === 1)
      .map((b) => [a, b]),
  );
  return edges.map(([a, b]) => svg("path", { class: "frame", d: linePath([project(a), project(b)]) }));
}

function boxTitles(project, names, scales) {
  const middles = [
    [0, -1.2, 1.2],
    [-1.2, 0, 1.2],
    [1.2, -1.2, 0],
  ];
  return names.flatMap((name, axis) => {
    const end = (side) => middles[axis].map((value, index) => (index === axis ? side : value));
    const tick = (side) => {
      const [x, y] = project(end(side));
      return label(x, y, formatTick(Number(scales[axis].invert(side).toPrecision(2))), {
        "text-anchor": "middle",
        class: "halo",
      });
    };
    const [x, y] = project(middles[axis]);
    return [label(x, y, name, { class: "title halo", "text-anchor": "middle" }), tick(-0.94), tick(0.94)];
  });
}

// A thread from each point of the front to the floor says where it stands.
function feet(shown) {
  const threads = shown.filter(({ trial }) => trial.kind === "front").map(({ at, foot }) => linePath([at, foot]));
  return svg("path", { class: "limit", d: threads.join("") });
}

function followTurning(root, tip, shown, redraw) {
  const turnBy = (yaw, pitch) => {
    turn.yaw += yaw;
    turn.pitch = Math.min(1.4, Math.max(-0.2, turn.pitch + pitch));
    redraw();
  };
  root.addEventListener("pointerdown", (event) => {
    turn.from = placeIn(root, event);
  });
  root.addEventListener("pointermove", (event) => {
    const at = placeIn(root, event);
    if (!event.buttons || !turn.from) {
      showTip(tip, nearest(shown, at), root.clientWidth);
      return;
    }
    const [dx, dy] = [at[0] - turn.from[0], at[1] - turn.from[1]];
    turn.from = at;
    turnBy(dx / 140, dy / 140);
  });
  root.addEventListener("pointerleave", () => showTip(tip, null));
  root.addEventListener("click", (event) => {
    const found = nearest(shown, placeIn(root, event));
    if (found) choose(found.trial);
  });
  root.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
    if (!step || event.target !== root) return;
    event.preventDefault();
    turnBy(...step);
    document.querySelector("#scatter .space").focus();
  });
}
