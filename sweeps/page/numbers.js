// Numbers as text: one notation and one unit for everything that is shown of a metric, and numbers as people type them.

import { metrics, sweep } from "./sweep.js";

const THIN_SPACE = "\u202f"; // does not break
export const ABSENT = "\u2013";
const PREFIXES = [
  ["G", 1e9],
  ["M", 1e6],
  ["k", 1e3],
];

export function grouped(text) {
  const [whole, part] = text.split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE) + (part === undefined ? "" : `.${part}`);
}

// A number that stands alone: no column and no metric says how it is written.
export function formatNumber(value) {
  if (value === null || value === undefined) return ABSENT;
  if (typeof value !== "number") return typeof value === "string" ? value : JSON.stringify(value);
  const size = Math.abs(value);
  if (size > 0 && (size < 1e-3 || size >= 1e15)) return shortExponent(value, 2);
  if (Number.isInteger(value)) return grouped(String(value));
  return grouped(size >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4))));
}

function shortExponent(value, digits) {
  return value.toExponential(digits).replace("e+", "e");
}

export function formatTick(value) {
  const size = Math.abs(value);
  for (const [prefix, factor] of PREFIXES) {
    if (size >= factor) return `${Number((value / factor).toPrecision(4))}${prefix}`;
  }
  if (size > 0 && size < 1e-3) return value.toExponential().replace("e+", "e");
  return String(Number(value.toPrecision(6)));
}

// A limit as it is typed, 60000, 60k or 0.3G; null when it is no number.
export function parseLimit(text) {
  const found = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([kMG]?)\s*$/.exec(text);
  if (!found) return null;
  const value = Number(found[1]) * (PREFIXES.find(([prefix]) => prefix === found[2])?.[1] ?? 1);
  return Number.isFinite(value) ? value : null;
}

// How a column of values is written: {unit, text(value)}. Counts are whole and grouped; large ones with a unit take
// one prefix; others have as many decimals as the middle one needs for four digits; what is tiny has exponents.
export function columnFormat(values, unit = "") {
  const sizes = values.filter((value) => typeof value === "number" && value !== 0).map(Math.abs);
  sizes.sort((a, b) => a - b);
  const middle = sizes[sizes.length >> 1] ?? 1;
  const written = (text) => (value) => (typeof value === "number" ? grouped(text(value)) : formatNumber(value));
  const [prefix, factor] = (unit && middle >= 1e6 && PREFIXES.find(([, size]) => middle >= size)) || ["", 1];
  if (factor > 1) {
    const decimals = digitsFor(middle / factor);
    return { unit: prefix + unit, factor, text: written((value) => (value / factor).toFixed(decimals)) };
  }
  if (sizes.every(Number.isInteger)) return { unit, factor, text: written((value) => value.toFixed(0)) };
  if (middle < 1e-4) return { unit, factor, text: written((value) => (value ? shortExponent(value, 2) : "0")) };
  const decimals = digitsFor(middle);
  return { unit, factor, text: written((value) => value.toFixed(decimals)) };
}

// Decimals that show four digits.
function digitsFor(size) {
  return Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(size))));
}

const formats = new Map();

// How a metric is written, the same in every table, tip and sentence.
export function formatOf(name) {
  if (!formats.has(name)) {
    const { unit, words } = metrics.get(name) ?? {};
    const spoken = { unit: "", factor: 1, text: (value) => words[value] ?? formatNumber(value) };
    formats.set(name, words?.length ? spoken : columnFormat(sweep.trials.metrics[name] ?? [], unit));
  }
  return formats.get(name);
}

export function formatMetric(name, value) {
  return formatOf(name).text(value);
}

// A value with its unit, for sentences and tips.
export function withItsUnit(name, value) {
  const { text, unit } = formatOf(name);
  return unit && value !== null ? `${text(value)} ${unit}` : text(value);
}

export function withUnit(metric) {
  const unit = formatOf(metric).unit;
  return unit ? `${metric} (${unit})` : metric;
}

// A key path as [all but the last part, last part].
export function splitPath(name) {
  const [, group, leaf] = /^(.*[./])?([^./]+)$/.exec(name) ?? [name, "", name];
  return [group ?? "", leaf];
}

export function countedStates() {
  const counted = Object.entries(sweep.counts).filter(([, count]) => count);
  return (
    counted.map(([state, count]) => `${formatNumber(count)} ${state.toLowerCase()}`).join(", ") || "none has started"
  );
}

export function plural(count, what) {
  return `${formatNumber(count)} ${what}${count === 1 ? "" : "s"}`;
}
