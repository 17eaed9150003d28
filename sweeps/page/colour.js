// Colour by any metric, searched value or category, in a few classes that follow light and dark; and its legend.

import { svg } from "./drawing.js";
import { element } from "./elements.js";
import { formatNumber, formatTick } from "./numbers.js";
import { paddedDomain } from "./scale.js";
import { isLog, state } from "./state.js";
import { completeTrials, metricOf, metrics, paramOf, params } from "./sweep.js";

export const NUM_COLOURS = 8;
const MOST_CATEGORIES = 6;

export function rawValue(trial, name) {
  return metrics.has(name) ? metricOf(trial, name) : paramOf(trial, name);
}

let known = { name: null };

// What a colour stands for: {of(trial) gives a class or null, classes: [[class, text]], ends, categories}.
export function colouring() {
  const name = state.colour;
  const log = metrics.has(name) ? isLog(name) : Boolean(params.get(name)?.log);
  if (known.name !== name || known.log !== log) known = { name, log, ...(name ? classesOf(name, log) : NONE) };
  return known;
}

const NONE = { of: () => null, classes: [] };

function classesOf(name, log) {
  const values = completeTrials.map((trial) => rawValue(trial, name)).filter((value) => value !== null);
  if (values.every((value) => typeof value === "number") && new Set(values).size > MOST_CATEGORIES)
    return scaleClasses(name, values, log && values.every((value) => value > 0));
  const counts = new Map();
  for (const value of values) counts.set(formatNumber(value), (counts.get(formatNumber(value)) ?? 0) + 1);
  const names = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, MOST_CATEGORIES);
  const places = new Map(names.map((text, place) => [text, `category-${place}`]));
  const of = (trial) => {
    const value = rawValue(trial, name);
    return value === null ? null : (places.get(formatNumber(value)) ?? null);
  };
  const others = counts.size > names.length ? [["", `${counts.size - names.length} more`]] : [];
  return { of, classes: [...names.map((text) => [places.get(text), text]), ...others] };
}

function scaleClasses(name, values, log) {
  const [low, high] = paddedDomain(values, log, 0);
  const warp = log ? Math.log10 : (value) => value;
  const unwarp = log ? (value) => 10 ** value : (value) => value;
  const span = warp(high) - warp(low) || 1;
  const of = (trial) => {
    const value = rawValue(trial, name);
    if (typeof value !== "number" || (log && value <= 0)) return null;
    const share = (warp(value) - warp(low)) / span;
    return `shade-${Math.max(0, Math.min(NUM_COLOURS - 1, Math.floor(share * NUM_COLOURS)))}`;
  };
  const edges = Array.from({ length: NUM_COLOURS + 1 }, (_, edge) => unwarp(warp(low) + (span * edge) / NUM_COLOURS));
  return { of, classes: [], edges };
}

// Blocks from the least to the greatest value with both ends in words, or a dot for each category.
export function drawColourLegend(container) {
  const { name, classes, edges } = colouring();
  if (!name) {
    container.replaceChildren();
    return;
  }
  const unit = metrics.get(name)?.unit;
  const title = element("span", {}, `${name}${unit ? ` (${unit})` : ""}`);
  if (!edges) {
    const dots = classes.map(([kind, text]) => element("span", { class: `swatch ${kind}` }, text));
    container.replaceChildren(title, ...dots);
    return;
  }
  const blocks = svg("svg", { width: 16 * NUM_COLOURS, height: 12, "aria-hidden": "true", class: "inline" });
  for (let place = 0; place < NUM_COLOURS; place += 1)
    blocks.append(svg("rect", { x: 16 * place, y: 0, width: 16, height: 12, class: `shade-${place}` }));
  const end = (value) => formatTick(Number(value.toPrecision(3)));
  container.replaceChildren(title, end(edges[0]), blocks, end(edges.at(-1)));
}
