// Where a trial's model can run, and how late it answers there.

import { ABSENT, formatMetric, withItsUnit } from "./numbers.js";
import { metricOf, metrics } from "./sweep.js";

const [RUNTIME, LATENCY, STATE] = ["model/runtime", "model/latency_ms", "model/state_bytes"];
const [LIVE, SHERPA_OFFLINE, SHERPA_ONLINE] = [1, 2, 3]; // as the metric counts

// The metrics that tell it, of those that the sweep has.
export const runningMetrics = [RUNTIME, LATENCY].filter((name) => metrics.has(name));

// A tip's rows.
export function runningRows(trial) {
  return metricOf(trial, RUNTIME) === null ? [] : [["runs", words(trial)]];
}

// The details' rows: live or not, and by runtime.
export function runningDetails(trial) {
  const level = metricOf(trial, RUNTIME);
  if (level === null) return [];
  const live = level >= LIVE;
  const inSherpa = level >= SHERPA_ONLINE ? "streams, whole clips" : level >= SHERPA_OFFLINE ? "whole clips" : "no";
  const state = metricOf(trial, STATE);
  return [
    ["live", live ? `yes, ${latency(trial)} after the sound` : "no: it needs the whole clip"],
    ["PyTorch, onnxruntime", live ? "streams, whole clips" : "whole clips"],
    ["sherpa-onnx", inSherpa],
    ...(live && state !== null ? [["state of a stream", withItsUnit(STATE, state)]] : []),
  ];
}

const latency = (trial) =>
  metricOf(trial, LATENCY) === null ? ABSENT : withItsUnit(LATENCY, metricOf(trial, LATENCY));

function words(trial) {
  const level = metricOf(trial, RUNTIME);
  return formatMetric(RUNTIME, level) + (level >= LIVE ? `, ${latency(trial)}` : "");
}
