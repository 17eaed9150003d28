// What a trial measured and searched, and which trial is selected.

function metricOf(trial, name) {
  return name === "trial" ? trial.number : (sweep.trials.metrics[name]?.[trial.index] ?? null);
}

function paramOf(trial, name) {
  return sweep.trials.params[name]?.[trial.index] ?? null;
}

// A smaller cost is better; metrics without a better end have none.
function costOf(trial, name, measured = metricOf) {
  const value = measured(trial, name);
  const goal = metrics.get(name).goal;
  if (value === null || goal === null) return null;
  if (goal === "zero") return Math.abs(value);
  return goal === "maximize" ? -value : value;
}

const selection = {
  trial: null,
  listeners: [],
  set(trial) {
    this.trial = trial;
    for (const listener of this.listeners) listener(trial);
  },
};
