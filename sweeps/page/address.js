// The whole state in the address, after its #: what is different from the first view, and nothing else.

import { button, copy, element } from "./elements.js";
import { change, initial, on, state } from "./state.js";
import { metrics, params, trialOf } from "./sweep.js";

const PLAIN = ["x", "y", "depth", "colour", "sort", "find"];
const FLAGS = ["all", "descending"];

export function written() {
  const query = new URLSearchParams();
  const differs = (key) => state[key] !== initial[key];
  for (const key of PLAIN) if (differs(key)) query.set(key, state[key]);
  for (const key of FLAGS) if (differs(key)) query.set(key, state[key] ? "yes" : "no");
  if (differs("clip")) query.set("clip", state.clip);
  if (state.chosen) query.set("trial", state.chosen.id);
  if (state.pinned) query.set("pinned", state.pinned.id);
  for (const [name, isLog] of Object.entries(state.log))
    if (isLog !== initial.log[name]) query.append(isLog ? "log" : "linear", name);
  for (const kind of state.hidden) if (!initial.hidden.has(kind)) query.append("hide", kind);
  for (const kind of initial.hidden) if (!state.hidden.has(kind)) query.append("show", kind);
  for (const [name, range] of state.where)
    query.append("where", JSON.stringify([name, range.values ?? [range.low, range.high]]));
  if (state.order.length) query.set("axes", JSON.stringify(state.order));
  if (state.zoom) query.set("zoom", JSON.stringify([...state.zoom.x, ...state.zoom.y]));
  return query.toString();
}

// The changes that lead to the state that an address tells; what it tells of things that are not here is passed over.
export function read(text) {
  const query = new URLSearchParams(text);
  const found = { ...initial, log: { ...initial.log }, hidden: new Set(initial.hidden), where: new Map() };
  const isColumn = (name) => metrics.has(name) || params.has(name);
  for (const key of ["x", "y", "depth"]) if (metrics.has(query.get(key))) found[key] = query.get(key);
  for (const key of ["colour", "sort"])
    if (query.has(key) && (isColumn(query.get(key)) || !query.get(key) || key === "sort")) found[key] = query.get(key);
  for (const key of FLAGS) if (query.has(key)) found[key] = query.get(key) === "yes";
  found.find = query.get("find") ?? "";
  found.clip = Math.max(0, Math.floor(Number(query.get("clip"))) || 0);
  found.chosen = trialOf(query.get("trial"));
  found.pinned = trialOf(query.get("pinned"));
  for (const name of query.getAll("log")) if (metrics.has(name)) found.log[name] = true;
  for (const name of query.getAll("linear")) if (metrics.has(name)) found.log[name] = false;
  for (const kind of query.getAll("hide")) found.hidden.add(/^\d+$/.test(kind) ? Number(kind) : kind);
  for (const kind of query.getAll("show")) found.hidden.delete(kind);
  for (const entry of query.getAll("where").map(parsed)) {
    if (!Array.isArray(entry) || !isColumn(entry[0]) || !Array.isArray(entry[1])) continue;
    const [name, range] = entry;
    if (range.every((value) => typeof value === "string")) found.where.set(name, { values: range });
    else if (range.length === 2 && range.every((value) => value === null || Number.isFinite(value)))
      found.where.set(name, { low: range[0], high: range[1] });
  }
  const axes = parsed(query.get("axes"));
  if (Array.isArray(axes)) found.order = axes.filter((name) => isColumn(name));
  const zoom = parsed(query.get("zoom"));
  if (Array.isArray(zoom) && zoom.length === 4 && zoom.every(Number.isFinite))
    found.zoom = { x: zoom.slice(0, 2), y: zoom.slice(2) };
  return found;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const here = () => location.hash.slice(1);

// Follows the state from now on, and the address when it is edited.
export function keepAddress() {
  let known = here();
  on(Object.keys(initial), () => {
    known = written();
    try {
      history.replaceState(null, "", `#${known}`);
    } catch {
      // a frame without an address of its own
    }
  });
  addEventListener("hashchange", () => {
    if (here() !== known) change(read(here()));
  });
}

export function hasAddress() {
  return here() !== "";
}

export function fromAddress() {
  return read(here());
}

export function linkButton() {
  const shown = element("code", { class: "selectable link-text", hidden: true, "aria-label": "link to this view" });
  const act = button("Copy link", () => copy(`${location.href.split("#")[0]}#${written()}`, shown, act), {
    class: "quiet",
  });
  return element("span", { class: "link-copy" }, act, shown);
}
