// How much of each objective every searched dimension explains, beside a dummy that explains nothing.

import { element, paragraph } from "./elements.js";
import { sweep } from "./sweep.js";

export function drawImportanceSection(container) {
  const known = sweep.importance.filter(Boolean);
  const title = element("h2", { id: "importance-title" }, "What mattered");
  if (!known.length) {
    container.replaceChildren(
      title,
      paragraph("caption", "Too few complete trials to tell a dimension from noise: ten are needed."),
    );
    return;
  }
  container.replaceChildren(
    title,
    ...known.map(importanceBars),
    paragraph(
      "caption",
      "Share of the variation of an objective\u2019s ranks that a dimension explains by itself.",
      "The dummy is a dimension of random values, which explains nothing: by chance alone one in twenty of them reaches",
      "its bar. Pale bars do not rise above it. What a dimension does only together with another is not seen.",
    ),
  );
}

function importanceBars({ metric, floor, shares }) {
  const row = (name, share, kind) =>
    element(
      "tr",
      { class: kind },
      element("th", { scope: "row" }, name),
      element("td", { class: "track" }, bar(share)),
      element("td", { class: "number" }, `${Math.round(share * 100)} %`),
    );
  const rows = Object.entries(shares).map(([name, share]) => row(name, share, share > floor ? "above" : "below"));
  return element(
    "table",
    { class: "bars" },
    element("caption", {}, metric),
    element("tbody", {}, ...rows, row("dummy", floor, "dummy")),
  );
}

function bar(share) {
  const fill = element("span", { class: "fill" });
  fill.style.width = `${Math.max(0.5, share * 100)}%`;
  return fill;
}
