// The choosing rules as buttons, each saying why it chose. What is best of all is told by Python; within bounds the
// first of its order that meets them is taken, which is what `dfkd export --best --max ... --min ...` takes.

import { button, choice, element, paragraph } from "./elements.js";
import { countedStates, formatNumber, withItsUnit } from "./numbers.js";
import { asksBeyond, choose, field, on, state, theSet } from "./state.js";
import { completeTrials, frontTrials, isObjective, judgedValue, metrics, sweep, trialOf } from "./sweep.js";

const byMeans = sweep.confirmed ? ", by the means of its fresh seeds" : "";

export function drawChoosing(container) {
  if (!frontTrials.length) {
    container.replaceChildren(paragraph("why", `No trial is complete yet: ${countedStates()}.`));
    return;
  }
  const why = element("p", { class: "why", "aria-live": "polite" });
  let said = []; // the points that the reason is about
  const say = (points, refusal) => {
    said = points;
    if (points.length) choose(trialOf(points[0].trial));
    const pick = (number) => button(`Show ${number}`, () => choose(trialOf(number)), { class: "quiet" });
    const lines = points.map((point) => element("span", {}, point.why, points.length > 1 ? pick(point.trial) : null));
    why.replaceChildren(...(points.length ? lines : [refusal]));
  };
  const rules = sweep.choices.map((rule) => button(rule.label, () => answer(rule, say)));
  const others = Object.keys(sweep.orders).filter((name) => !isObjective(name));
  const another = choice(
    "Best of another metric",
    [["", "Best \u2026"], ...others.map((name) => [name, `Best ${name}`])],
    "",
    (name) => {
      if (name) answer({ best: name, points: null }, say);
      another.value = "";
    },
  );
  if (others.length) rules.push(another);
  container.replaceChildren(
    element("div", { class: "rules", role: "group", "aria-label": "Choose a point" }, ...rules),
    why,
  );
  on(["chosen"], () => {
    if (!said.some((point) => trialOf(point.trial) === state.chosen)) why.replaceChildren();
  });
  on(["where"], () => why.replaceChildren());
  if (state.chosen === null) say(sweep.choices[0].points);
}

function answer(rule, say) {
  if (!state.where.size && rule.points) return say(rule.points);
  if (rule.best) {
    const found = bestWithin(rule.best);
    return found.why ? say([found]) : say([], found.refusal);
  }
  const kept = rule.points.filter((point) => theSet().has.has(trialOf(point.trial)));
  const none = `${rule.label}: trial ${rule.points.map((point) => point.trial).join(", ")}, outside the bounds.`;
  return kept.length ? say(kept) : say([], none);
}

// The answer of Python's order: the first trial that is looked at and meets every bound.
export function bestWithin(metric) {
  const [asked, among] = [theSet(), new Set(field())];
  const order = (sweep.orders[metric] ?? []).map(trialOf).filter((trial) => among.has(trial));
  const found = order.find((trial) => asked.has.has(trial));
  if (!found) return { refusal: refusal(order) };
  const value = withItsUnit(metric, judgedValue(found, metric));
  const where = asksBeyond() ? `of all ${formatNumber(completeTrials.length)} complete trials` : "on the front";
  const better = sweep.beaten[found.number];
  const beside =
    asksBeyond() && better !== undefined ? `; it is not on the front: trial ${better} beats it in the objectives` : "";
  const why = `Trial ${found.number} has the best ${metric} (${value}) ${where}${limits()}${beside}${byMeans}.`;
  return { trial: found.number, why };
}

function limits() {
  const parts = [...state.where].flatMap(([name, { low = null, high = null, values }]) => {
    if (values) return [`${name} ${values.join(" or ")}`];
    const shown = (limit) => (metrics.has(name) ? withItsUnit(name, limit) : formatNumber(limit));
    return [
      high === null ? null : `${name} <= ${shown(high)}`,
      low === null ? null : `${name} >= ${shown(low)}`,
    ].filter(Boolean);
  });
  return parts.length ? ` with ${parts.join(" and ")}` : "";
}

// Nothing meets all bounds: the trial that comes nearest, by the largest relative distance past one.
function refusal(order) {
  const past = (trial) => {
    let most = 0;
    for (const [name, { low = null, high = null, values }] of state.where) {
      const value = judgedValue(trial, name);
      if (value === null || (values && !values.includes(String(value)))) return Infinity;
      if (high !== null) most = Math.max(most, (value - high) / (Math.abs(high) || 1));
      if (low !== null) most = Math.max(most, (low - value) / (Math.abs(low) || 1));
    }
    return most;
  };
  const none = `${asksBeyond() ? "There is no complete trial" : "The front has no point"}${limits()}`;
  const nearest = order.reduce((a, b) => (past(b) < past(a) ? b : a), order[0]);
  if (!nearest || past(nearest) === Infinity) return `${none}.`;
  const has = [...state.where.keys()].map(
    (name) =>
      `${name} ${metrics.has(name) ? withItsUnit(name, judgedValue(nearest, name)) : formatNumber(judgedValue(nearest, name))}`,
  );
  return `${none}; the nearest is trial ${nearest.number} with ${has.join(", ")}.`;
}
