// What this page shows at present: point, axes, bounds. Parts listen for what concerns them; the address keeps it all.

import {
  across,
  completeTrials,
  frontTrials,
  isObjective,
  judgedValue,
  metrics,
  objectives,
  partialKinds,
  sweep,
  trials,
} from "./sweep.js";

// Quality upright, size across. One objective is shown over the trials.
function initialAxes() {
  if (!objectives.length) return { x: "trial", y: "trial" };
  const upright = objectives.find(({ metric }) => metric !== across);
  return upright ? { x: across, y: upright.metric } : { x: "trial", y: across };
}

const third = objectives.find(({ metric }) => !Object.values(initialAxes()).includes(metric));

export const initial = {
  ...initialAxes(),
  log: Object.fromEntries(sweep.metrics.map(({ name, log }) => [name, log])),
  depth: "",
  colour: sweep.fronts ? "" : (third?.metric ?? ""),
  hidden: new Set(partialKinds), // kinds of trials, shown when they are asked for, or sides of a comparison
  zoom: null,
  where: new Map(), // name: {low, high}, either null, or {values}: what belongs to the set
  chosen: null,
  pinned: null,
  clip: 0,
  all: false, // whether the table shows all trials, or the front
  sort: across,
  descending: false,
  find: "",
  order: [], // of the parallel axes, when it is not the first
};

export const state = { ...initial };
const listeners = [];

// `act` runs once after any of `keys` has changed, and at once.
export function on(keys, act) {
  listeners.push([keys, act]);
}

export function change(changes) {
  const changed = Object.keys(changes);
  Object.assign(state, changes);
  if (changed.includes("where")) members = null;
  for (const [keys, act] of listeners) if (keys.some((key) => changed.includes(key))) act();
}

export function choose(trial) {
  if (trial !== state.chosen) change({ chosen: trial });
}

// Sets or, without a range, lifts what is asked of one name.
export function bound(name, range) {
  const where = new Map(state.where);
  const open = !range || (range.low === null && range.high === null) || range.values?.length === 0;
  if (open) where.delete(name);
  else where.set(name, range);
  change({ where });
}

export function meets(trial, where = state.where) {
  for (const [name, { low = null, high = null, values }] of where) {
    const value = judgedValue(trial, name);
    if (value === null) return false;
    if (values ? !values.includes(String(value)) : (low !== null && value < low) || (high !== null && value > high))
      return false;
  }
  return true;
}

let members = null;

// The set: the complete trials within what is asked, and those of the front among them.
export function theSet() {
  if (!members) {
    const complete = state.where.size ? completeTrials.filter((trial) => meets(trial)) : completeTrials;
    members = { complete, front: complete.filter((trial) => trial.kind === "front"), has: new Set(complete) };
  }
  return members;
}

// A bound on what is no objective is a question to all complete trials, not to the front alone.
export function asksBeyond() {
  return [...state.where.keys()].some((name) => !isObjective(name));
}

// What the rules choose from.
export function field() {
  return asksBeyond() ? completeTrials : frontTrials;
}

export function visibleTrials() {
  return trials.filter((trial) => !state.hidden.has(trial.kind) && !state.hidden.has(trial.side));
}

export function isLog(name) {
  return Boolean(state.log[name] ?? false);
}

export function goalOf(name) {
  return metrics.get(name)?.goal ?? null;
}
