// The sweep, or the compared sweeps, as this page knows them; what a trial measured and searched.

export const sweep = {
  references: [],
  constraints: [],
  choices: [],
  orders: {},
  beaten: {},
  ...JSON.parse(document.getElementById("sweep").textContent),
};

export const objectives = sweep.objectives;
export const sides = sweep.fronts ?? null; // of a comparison: whose points these are
const table = sweep.trials;
const TRIAL_AXIS = { name: "trial", unit: "", goal: null, log: false, about: null, words: [] };

export const metrics = new Map([...sweep.metrics, TRIAL_AXIS].map((metric) => [metric.name, metric]));
export const params = new Map(sweep.params.map((param) => [param.name, param]));
const columns = Object.fromEntries(Object.entries(table.params).map(([name, column]) => [name, decoded(column)]));

export const trials = table.number.map(sides ? comparedTrial : ownTrial);
const byId = new Map(trials.map((trial) => [String(trial.id), trial]));
export const frontTrials = trials.filter((trial) => trial.kind === "front");
export const completeTrials = trials.filter((trial) => trial.state === "COMPLETE");

// The kinds of trials that did not come to their end, in Python's order of states; compared fronts have none.
export const partialKinds = (table.states ?? [])
  .filter((state) => state !== "COMPLETE")
  .map((state) => state.toLowerCase());

function ownTrial(number, index) {
  const [state, rank] = [table.states[table.state[index]], table.rank[index]];
  const kind = rank === 0 ? "front" : state === "COMPLETE" ? "dominated" : state.toLowerCase();
  const run = table.run.of[number] === undefined ? null : table.run.at + table.run.of[number];
  return {
    index,
    id: number,
    number,
    state,
    rank,
    kind,
    epochs: table.epochs[index],
    reason: table.reason[number],
    run,
  };
}

function comparedTrial(number, index) {
  const side = table.side[index];
  const { label: owner, config } = sides[side];
  const known = { index, number, side, config, state: "COMPLETE", kind: "front", rank: 0, reason: null };
  return { ...known, id: `${side}-${number}`, standing: `of ${owner}`, run: table.run[index] };
}

function decoded(column) {
  return Array.isArray(column) ? column : column.codes.map((code) => column.values[code]);
}

export function trialOf(id) {
  return byId.get(String(id)) ?? null;
}

export function metricOf(trial, name) {
  return name === "trial" ? trial.number : (table.metrics[name]?.[trial.index] ?? null);
}

export function paramOf(trial, name) {
  return columns[name]?.[trial.index] ?? null;
}

export function trustOf(trial) {
  return sweep.trust.points[trial.id] ?? null;
}

export const isRepeated = Object.keys(sweep.trust.points).length > 0;

// The mean over fresh seeds where there is one, else what the search saw once.
export function shownMetric(trial, name) {
  return trustOf(trial)?.mean[name] ?? metricOf(trial, name);
}

// What is asked of a trial by its name, a metric's or a key path's; a confirmed front is judged by its means.
export function judgedValue(trial, name) {
  if (!metrics.has(name)) return paramOf(trial, name);
  return sweep.confirmed ? shownMetric(trial, name) : metricOf(trial, name);
}

// A smaller cost is better; metrics without a better end have none.
export function costOf(trial, name) {
  const [value, goal] = [metricOf(trial, name), metrics.get(name).goal];
  if (value === null || goal === null) return null;
  return goal === "zero" ? Math.abs(value) : goal === "maximize" ? -value : value;
}

export function isObjective(name) {
  return objectives.some(({ metric }) => metric === name);
}

// The first minimised objective: what lies across, and what tables are sorted by.
export const across = (objectives.find(({ goal }) => goal === "minimize") ?? objectives[0]).metric;

export function exportCommand(trial) {
  const { before, after } = sides ? sides[trial.side].export : sweep.export;
  return `${before}${trial.number}${after}${String(trial.number).padStart(4, "0")}.yaml`;
}
