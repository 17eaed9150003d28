// What stands around the scatter: which metrics are on the axes, what colours it, which trials are shown.

import { svg } from "./drawing.js";
import { button, choice, element } from "./elements.js";
import { KIND_NAMES } from "./kinds.js";
import { formatNumber } from "./numbers.js";
import { legendMark } from "./scatter.js";
import { change, isLog, on, state } from "./state.js";
import { metrics, objectives, params, sides, sweep, trials } from "./sweep.js";

export function drawAxisPickers(container) {
  const names = [...metrics.keys()].filter((name) => name === "trial" || sweep.trials.metrics[name]);
  const options = names.map((name) => [name, name]);
  const none = ["", "none"];
  const picker = (axis, text) =>
    element(
      "label",
      { title: metrics.get(state[axis]).about },
      text,
      choice(`${text} axis`, options, state[axis], (name) => change({ [axis]: name, zoom: null })),
      logBox(text, state[axis]),
    );
  const plain = (key, text, offered, name = text) =>
    element(
      "label",
      {},
      text,
      choice(name, offered, state[key], (chosen) => change({ [key]: chosen })),
    );
  const draw = () => {
    const focused = document.activeElement?.getAttribute("aria-label");
    const colours = [none, ...options, ...[...params.keys()].map((name) => [name, name])];
    container.replaceChildren(
      picker("y", "Up"),
      picker("x", "Across"),
      sides ? "" : plain("colour", "Colour", colours),
      objectives.length > 2 ? plain("depth", "Deep", [none, ...options], "Deep axis") : "",
    );
    if (focused) container.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  };
  on(["x", "y", "log", "depth", "colour"], draw);
  draw();
}

function logBox(axis, name) {
  const box = element("input", { type: "checkbox", "aria-label": `log, ${axis} axis`, checked: isLog(name) });
  box.addEventListener("change", () => change({ log: { ...state.log, [name]: box.checked }, zoom: null }));
  return element("span", { class: "log" }, box, "log");
}

// A chip for each kind of trial that there is; it shows whether they are drawn.
export function drawLegend(container) {
  const present = Object.keys(KIND_NAMES).filter((kind) => trials.some((trial) => trial.kind === kind));
  const chip = (kind) => {
    const count = trials.filter((trial) => trial.kind === kind).length;
    const mark = svg("svg", { width: 14, height: 14, "aria-hidden": "true" }, legendMark(kind));
    const toggle = button("", () => toggleHidden(kind), { class: "chip" });
    toggle.append(mark, `${KIND_NAMES[kind]} ${formatNumber(count)}`);
    return showPressed(toggle, kind);
  };
  container.replaceChildren(...present.map(chip));
}

export function toggleHidden(kind) {
  const hidden = new Set(state.hidden);
  if (!hidden.delete(kind)) hidden.add(kind);
  change({ hidden, zoom: state.zoom });
}

export function showPressed(toggle, kind) {
  const show = () => toggle.setAttribute("aria-pressed", String(!state.hidden.has(kind)));
  on(["hidden"], show);
  show();
  return toggle;
}
