// What kinds of trials there are, and a trial in a few words.

import { formatMetric, formatNumber } from "./numbers.js";
import { metricOf, objectives, partialKinds, sweep } from "./sweep.js";

export const KIND_NAMES = {
  front: "On the front",
  dominated: "Dominated",
  ...Object.fromEntries(partialKinds.map((kind) => [kind, kind[0].toUpperCase() + kind.slice(1)])),
};

// Where fronts are compared, whose it is.
export function standing(trial) {
  return trial.standing ?? KIND_NAMES[trial.kind].toLowerCase();
}

export function describe(trial) {
  const values = objectives.map(({ metric }) => `${metric} ${formatMetric(metric, metricOf(trial, metric))}`);
  return `Trial ${trial.number}, ${standing(trial)}, ${values.join(", ")}`;
}

export function stateText(trial) {
  if (trial.standing) return trial.standing;
  if (trial.rank === 0) return "on the front";
  if (trial.rank !== null) return `complete, dominated, rank ${formatNumber(trial.rank)}`;
  return `${trial.state.toLowerCase()} after ${trial.epochs} of ${sweep.budget.epochs} epochs`;
}
