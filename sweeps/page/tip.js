// What stands beside the pointer: a trial's or a reference model's values.

import { element, valueList } from "./elements.js";
import { standing } from "./kinds.js";
import { formatMetric, formatNumber, withUnit } from "./numbers.js";
import { runningRows } from "./running.js";
import { state } from "./state.js";
import { metricOf, metrics, objectives, paramOf, sweep } from "./sweep.js";
import { trustRows } from "./trust.js";

export function newTip() {
  return element("div", { class: "tip", role: "status", hidden: true });
}

// `place` is {trial or reference, at: [x, y]}, or null to hide the tip.
export function showTip(tip, place, width) {
  tip.hidden = !place;
  if (!place) return;
  const { trial, reference, at } = place;
  tip.replaceChildren(...(trial ? aboutTrial(trial) : aboutReference(reference)));
  tip.style.top = `${at[1] + 14}px`;
  const toLeft = at[0] > width / 2;
  tip.style.left = toLeft ? "auto" : `${at[0] + 14}px`;
  tip.style.right = toLeft ? `${width - at[0] + 14}px` : "auto";
}

function aboutTrial(trial) {
  const shown = [
    state.y,
    state.x,
    state.depth,
    state.colour,
    ...objectives.map(({ metric }) => metric),
    ...state.where.keys(),
  ];
  const names = [...new Set(shown)].filter((name) => metrics.has(name) && name !== "trial");
  const rows = [
    ...names.map((name) => [withUnit(name), formatMetric(name, metricOf(trial, name))]),
    ...runningRows(trial),
    ...trustRows(trial),
    ...sweep.params
      .map(({ name }) => [name, paramOf(trial, name)])
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, formatNumber(value)]),
  ];
  return [element("strong", {}, `Trial ${trial.number}`), ` ${standing(trial)}`, valueList(rows)];
}

function aboutReference({ name, values }) {
  const rows = Object.entries(values).map(([metric, value]) =>
    metrics.has(metric) ? [withUnit(metric), formatMetric(metric, value)] : [metric, formatNumber(value)],
  );
  return [element("strong", {}, name), " model from elsewhere, on the same mixtures", valueList(rows)];
}
