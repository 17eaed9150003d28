// A frame with ticks, a light grid, and titles that say unit, scale and where better lies.

import { label, round, svg } from "./drawing.js";
import { formatTick } from "./numbers.js";
import { metrics } from "./sweep.js";

export function drawAxes(scales, titles) {
  const { x, y } = scales;
  const [left, right] = x.range;
  const [bottom, top] = y.range;
  const group = svg("g", { class: "axes" });
  for (const tick of x.ticks(Math.max(3, (right - left) / 90))) {
    const at = round(x(tick));
    group.append(svg("path", { class: "grid", d: `M${at} ${bottom}V${top}` }));
    group.append(label(at, bottom + 18, formatTick(tick), { "text-anchor": "middle" }));
  }
  for (const tick of y.ticks(Math.max(3, (bottom - top) / 55))) {
    const at = round(y(tick));
    group.append(svg("path", { class: "grid", d: `M${left} ${at}H${right}` }));
    group.append(label(left - 8, at + 4, formatTick(tick), { "text-anchor": "end" }));
  }
  group.append(svg("path", { class: "frame", d: `M${left} ${top}V${bottom}H${right}` }));
  group.append(label(right, bottom + 38, titles.x, { class: "title", "text-anchor": "end" }));
  group.append(label(0, top - 12, titles.y, { class: "title" }));
  return group;
}

export function axisTitle(metric, log, arrows) {
  const { goal, unit } = metrics.get(metric);
  const scale = log ? ", log scale" : "";
  const better =
    { maximize: ` ${arrows[1]} better`, minimize: ` ${arrows[0]} better`, zero: ", best at 0" }[goal] ?? "";
  return `${metric}${unit ? ` (${unit})` : ""}${scale}${better}`;
}
