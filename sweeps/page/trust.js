// What fresh seeds have shown: points stand at their means, with the interval these could lie in.

import { circlePath, round, sideClass, svg } from "./drawing.js";
import { copyable, element, paragraph, section, valueList } from "./elements.js";
import { formatMetric, formatNumber, formatOf } from "./numbers.js";
import { state } from "./state.js";
import { isRepeated, metricOf, objectives, shownMetric, sweep, trials, trustOf } from "./sweep.js";

const trust = sweep.trust;

// Trials whose means may be on the front.
export const contenders = trials.filter((trial) => trial.kind === "front" || trustOf(trial));

// Everything of a trial that must fit on an axis.
export function shownValues(trial, name) {
  return [shownMetric(trial, name), metricOf(trial, name), ...(trustOf(trial)?.interval[name] ?? [])];
}

export function intervalBars(shown, { x, y }) {
  return shown
    .filter(({ trial }) => trial && trustOf(trial))
    .map(({ trial, at: [cx, cy] }) => {
      const { interval } = trustOf(trial);
      const bars = [
        intervalPath(interval[state.y], y, (at) => `${round(cx)} ${at}`, "m-4 0h8"),
        intervalPath(interval[state.x], x, (at) => `${at} ${round(cy)}`, "m0 -4v8"),
      ];
      const seen = [x(metricOf(trial, state.x)), y(metricOf(trial, state.y))];
      const apart = Math.hypot(seen[0] - cx, seen[1] - cy) > 0.5;
      return svg(
        "g",
        { class: `repeated ${trial.kind} ${sideClass(trial)}` },
        svg("path", { class: "interval", d: bars.join("") }),
        ...(apart ? [svg("path", { class: "seen", d: circlePath(round(seen[0]), round(seen[1]), 3) })] : []),
      );
    });
}

function intervalPath(bounds, scale, place, cap) {
  if (!bounds?.every((value) => scale.holds(value))) return "";
  const [from, to] = bounds.map((value) => place(round(scale(value))));
  return `M${from}L${to}M${from}${cap}M${to}${cap}`;
}

export function trustCaption() {
  if (!isRepeated) return [];
  return [
    paragraph(
      "caption",
      "Points trained again stand at the mean of their fresh seeds;",
      "a bar is its 95 % interval, a ring what the search saw.",
      "All share the same clips, so points whose bars overlap may still be told apart.",
    ),
  ];
}

export function trustColumns() {
  if (!isRepeated) return [];
  const means = objectives
    .filter(({ metric }) => Object.values(trust.points).some(({ interval }) => interval[metric]))
    .flatMap(({ metric }) => {
      const { text, unit } = formatOf(metric);
      const half = (trial) => halfWidth(trial, metric);
      return [
        { name: `${metric} mean`, number: true, of: (trial) => trustOf(trial)?.mean[metric] ?? null, text, unit },
        { name: `${metric} \u00b1`, number: true, of: half, text, unit },
      ];
    });
  return [
    ...means,
    {
      name: "probability on front",
      number: true,
      of: (trial) => trustOf(trial)?.probability ?? null,
      text: (value) => (value === null ? formatNumber(value) : value.toFixed(2)),
    },
    {
      name: "not told apart from",
      of: (trial) => (trustOf(trial)?.alike ?? []).join(", ") || null,
      text: formatNumber,
    },
  ];
}

export function halfWidth(trial, metric) {
  const bounds = trustOf(trial)?.interval[metric];
  return bounds ? (bounds[1] - bounds[0]) / 2 : null;
}

export function trustRows(trial) {
  const known = trustOf(trial);
  if (!known) return [];
  const means = Object.keys(known.interval).map((name) => [
    `${name} mean`,
    `${formatMetric(name, known.mean[name])} \u00b1 ${formatNumber(Number(halfWidth(trial, name).toPrecision(2)))}`,
  ]);
  return [...means, ["probability on front", known.probability.toFixed(2)]];
}

export function trustDetails(trial) {
  const known = trustOf(trial);
  if (!known) return "";
  const alike = known.alike.length
    ? paragraph("quiet alike", `Noise cannot tell its scores from those of trial ${known.alike.join(", ")}.`)
    : "";
  const rows = valueList([["fresh seeds", known.seeds.join(", ")], ...trustRows(trial)]);
  return section("Trained again", element("div", {}, rows, alike));
}

export function trustSentences() {
  if (!trust.sentences.length) {
    const words = "Each point was trained once, and small differences may be noise. Train them again:";
    return [paragraph("summary", words), copyable(trust.command, "confirm command")];
  }
  return [element("ul", { class: "summary trust" }, ...trust.sentences.map((words) => element("li", {}, words)))];
}
