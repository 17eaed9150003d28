// Two points side by side: values, their differences, and the searched values that are not the same.

import { button, element, paragraph } from "./elements.js";
import { stateText } from "./kinds.js";
import { formatMetric, formatNumber, withUnit } from "./numbers.js";
import { change, goalOf, state } from "./state.js";
import { metricOf, paramOf, shownMetric, sweep, trustOf } from "./sweep.js";
import { halfWidth } from "./trust.js";

export function drawVersus(container) {
  const [one, other] = [state.pinned, state.chosen];
  container.hidden = !one;
  if (!one) return;
  const title = element("h2", { id: "versus-title" }, "Compare");
  title.append(button("Unpin", () => change({ pinned: null }), { class: "quiet" }));
  if (!other || one === other) {
    const words = `Trial ${one.number} is pinned. Choose another point, and their values, differences and sounds stand side by side.`;
    container.replaceChildren(title, paragraph("caption", words));
    return;
  }
  const measured = sweep.metrics.filter(({ name }) => [one, other].some((trial) => metricOf(trial, name) !== null));
  const differ = sweep.params.filter(({ name }) => String(paramOf(one, name)) !== String(paramOf(other, name)));
  const cell = (text, kind = "number") => element("td", { class: kind }, text);
  const metricRows = measured.map(({ name }) =>
    row(
      withUnit(name),
      cell(formatMetric(name, shownMetric(one, name))),
      cell(formatMetric(name, shownMetric(other, name))),
      difference(name, one, other),
    ),
  );
  const paramRows = differ.map(({ name }) =>
    row(name, cell(formatNumber(paramOf(one, name))), cell(formatNumber(paramOf(other, name))), cell("")),
  );
  const head = ["", `pinned ${one.number}`, `chosen ${other.number}`, "difference"].map((text, index) =>
    element("th", { scope: "col", class: index ? "number" : null }, text),
  );
  const same = sweep.params.length - differ.length;
  container.replaceChildren(
    title,
    paragraph(
      "summary",
      `Trial ${one.number}, ${stateText(one)}, against trial ${other.number}, ${stateText(other)}.`,
      toldApart(one, other),
    ),
    element(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "table of two trials" },
      element(
        "table",
        { class: "figures" },
        element("thead", {}, element("tr", {}, ...head)),
        element("tbody", {}, ...metricRows, ...paramRows),
      ),
    ),
    paragraph(
      "caption",
      `${formatNumber(differ.length)} searched values differ, ${formatNumber(same)} are the same.`,
      intervalWords(one, other),
    ),
  );
}

function row(name, ...cells) {
  return element("tr", {}, element("th", { scope: "row" }, name), ...cells);
}

// The difference, better or worse by colour; with seeds on both sides, how far it could be off.
function difference(name, one, other) {
  const [from, to] = [shownMetric(one, name), shownMetric(other, name)];
  if (from === null || to === null) return element("td", { class: "number" }, "");
  const [gap, goal] = [to - from, goalOf(name)];
  const half = [one, other].map((trial) => halfWidth(trial, name));
  const unsure = half.every((value) => value !== null) ? Math.hypot(...half) : null;
  const gain = goal === "minimize" ? -gap : goal === "zero" ? Math.abs(from) - Math.abs(to) : gap;
  const isOpen = gap === 0 || goal === null || (unsure !== null && Math.abs(gap) <= unsure);
  const sign = gap > 0 ? "+" : gap < 0 ? "\u2212" : "";
  const text =
    sign +
    formatMetric(name, Math.abs(gap)) +
    (unsure === null ? "" : ` \u00b1 ${formatNumber(Number(unsure.toPrecision(2)))}`);
  return element("td", { class: `number ${isOpen ? "" : gain > 0 ? "better" : "worse"}` }, text);
}

function toldApart(one, other) {
  if (!trustOf(one) || !trustOf(other))
    return "At least one of them was trained once only: small differences may be noise.";
  return trustOf(one).alike.includes(other.number) ? "Noise cannot tell their scores apart." : "";
}

function intervalWords(one, other) {
  if (!trustOf(one) || !trustOf(other)) return "";
  return "Differences are between means of fresh seeds, \u00b1 both 95 % intervals as if the two were independent; they share their clips, so the true one is narrower.";
}
