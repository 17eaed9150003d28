// The selected trial: what it measured, what was searched, its run, its config and how to export it.

import { button, copyable, element, fold, paragraph, section, valueList } from "./elements.js";
import { stateText } from "./kinds.js";
import { formatMetric, formatNumber, withUnit } from "./numbers.js";
import { runningDetails } from "./running.js";
import { change, state } from "./state.js";
import { exportCommand, isObjective, metricOf, objectives, paramOf, sides, sweep } from "./sweep.js";
import { trustDetails } from "./trust.js";

export function drawDetails(container) {
  const trial = state.chosen;
  if (!trial) {
    container.replaceChildren(
      paragraph("quiet", "A click on a point shows its values, its run and its export command."),
    );
    return;
  }
  const measured = sweep.metrics.filter(({ name }) => metricOf(trial, name) !== null);
  const named = objectives.map(({ metric }) => metric).filter((name) => metricOf(trial, name) !== null);
  const others = measured.filter(({ name }) => !isObjective(name));
  const running = runningDetails(trial);
  const about = measured.filter((metric) => metric.about);
  container.replaceChildren(
    element("h2", {}, `Trial ${trial.number} `, element("span", { class: `state ${trial.kind}` }, stateText(trial))),
    trial.reason ? element("p", { class: "reason" }, trial.reason) : "",
    element("div", { class: "objectives" }, ...named.map((name) => bigNumber(trial, name))),
    beaten(trial),
    trustDetails(trial),
    running.length ? section("Where it runs", valueList(running)) : "",
    section("Searched", valueList(searchedRows(trial))),
    others.length ? fold("Other metrics", valueList(others.map(({ name }) => metricRow(trial, name))), true) : "",
    about.length ? fold("What the sizes contain", valueListOf(about)) : "",
    fold("Config", configList(trial)),
    trial.state === "COMPLETE" ? section("Export", copyable(exportCommand(trial), "export command")) : "",
    section("Run", trial.run ? copyable(trial.run, "run address") : paragraph("quiet", "not delivered to MLflow yet")),
    sides ? "" : pinButton(trial),
  );
}

function searchedRows(trial) {
  return sweep.params
    .map(({ name }) => [name, paramOf(trial, name)])
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, formatNumber(value)]);
}

const metricRow = (trial, name) => [withUnit(name), formatMetric(name, metricOf(trial, name))];

function bigNumber(trial, name) {
  const value = element("b", {}, formatMetric(name, metricOf(trial, name)));
  return element("div", {}, value, element("span", {}, withUnit(name)));
}

function beaten(trial) {
  const better = sweep.beaten[trial.number];
  if (sides || better === undefined) return "";
  return paragraph("quiet", `Trial ${better} of the front beats it in the objectives.`);
}

function pinButton(trial) {
  const pinned = state.pinned === trial;
  const words = pinned ? "Unpin" : state.pinned ? "Pin this one instead" : "Pin to compare";
  return button(words, () => change({ pinned: pinned ? null : trial }), { class: "pin" });
}

// One sentence for each size: what its number contains.
function valueListOf(known) {
  return element(
    "div",
    { class: "meanings" },
    ...known.map(({ name, about }) => element("p", {}, element("b", {}, name), ` ${about}`)),
  );
}

// The base config line by line, with what this trial searched in its place and in bold.
function configList(trial) {
  const found = sweep.params.map(({ name }) => [name, paramOf(trial, name)]).filter(([, value]) => value !== null);
  const searched = new Map(found);
  const lines = new Map([...flatten(trial.config ?? sweep.config), ...searched]);
  const rows = [...lines].map(([key, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return element("div", { class: searched.has(key) ? "searched" : null }, `${key}: ${text}`);
  });
  return element("div", { class: "config" }, ...rows);
}

function flatten(tree, prefix = "") {
  return Object.entries(tree).flatMap(([key, value]) => {
    const isBranch = value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length;
    return isBranch ? flatten(value, `${prefix}${key}.`) : [[prefix + key, value]];
  });
}
