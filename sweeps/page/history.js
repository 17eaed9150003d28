// The hypervolume over finished trials: whether more trials still pay.

import { drawAxes } from "./axes.js";
import { linePath, responsive, svg } from "./drawing.js";
import { element, paragraph } from "./elements.js";
import { formatNumber, withItsUnit } from "./numbers.js";
import { makeScale } from "./scale.js";
import { objectives, sweep } from "./sweep.js";

function drawHistory(container, width) {
  const values = sweep.history;
  const height = Math.round(Math.min(280, Math.max(200, width * 0.5)));
  const x = makeScale([0, Math.max(values.length, 1)], [58, width - 14], false);
  const y = makeScale([0, (Math.max(...values, 0) || 1) * 1.06], [height - 46, 30], false);
  const steps = [[x(0), y(0)]];
  values.forEach((value, index) => {
    if (index && value === values[index - 1] && index < values.length - 1) return;
    steps.push([x(index + 1), steps.at(-1)[1]]);
    steps.push([x(index + 1), y(value)]);
  });
  const label = `Hypervolume ${formatNumber(sweep.hypervolume)} after ${values.length} finished trials`;
  const root = svg("svg", { width, height, role: "img", "aria-label": label });
  root.append(
    drawAxes({ x, y }, { x: "finished trials", y: "hypervolume \u2191 better" }),
    svg("path", { class: "front-line", d: linePath(steps) }),
  );
  container.replaceChildren(root);
}

export function drawHistorySection(container) {
  const drawing = element("div", { class: "chart" });
  const corner = objectives.map(({ metric }) => `${metric} ${withItsUnit(metric, sweep.reference[metric])}`);
  const logs = objectives.filter(({ scale }) => scale === "log").map(({ metric }) => metric);
  container.replaceChildren(
    element("h2", { id: "history-title" }, "Hypervolume over finished trials"),
    drawing,
    paragraph(
      "caption",
      `The ${objectives.length > 2 ? "volume" : "area"} between the front and the reference point (${corner.join(", ")}): one number for how far the front`,
      "reaches in all objectives together, larger is better. While the line still climbs, more trials pay.",
      logs.length ? `${logs.join(", ")} counts by its natural logarithm.` : "",
      "It can be compared between sweeps that share objectives and reference point, and says nothing by itself.",
    ),
  );
  responsive(drawing, (width) => drawHistory(drawing, width));
}
