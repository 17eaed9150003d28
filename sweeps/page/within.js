// Bounds on what counts, several at once, and the set that they leave, whose size is always in sight.

import { linkButton } from "./address.js";
import { button, choice, element } from "./elements.js";
import { formatNumber, formatTick, parseLimit, plural } from "./numbers.js";
import { asksBeyond, bound, change, goalOf, on, state, theSet } from "./state.js";
import { completeTrials, frontTrials, judgedValue, metricOf, metrics, objectives, params } from "./sweep.js";

// What budgets are told in: objectives and sizes that every complete trial has.
function usualNames() {
  const known = (name) => completeTrials.length > 0 && completeTrials.every((trial) => metricOf(trial, name) !== null);
  const sizes = [...metrics.keys()].filter(
    (name) => name.startsWith("model/") && goalOf(name) && known(name) && !name.endsWith("_spread"),
  );
  return [...new Set([...objectives.map(({ metric }) => metric), ...sizes])];
}

// The side from which a metric is bounded: sizes from above, qualities from below.
const sideOf = (name) => (goalOf(name) === "maximize" ? "low" : "high");

export function drawWithin(container) {
  const usual = usualNames();
  const rows = element("div", { class: "limits" });
  const shown = [...usual];
  const add = (name, focus = false) => {
    if (shown.includes(name)) return;
    shown.push(name);
    const row = twoSided(name);
    rows.lastChild.before(row);
    if (focus) row.querySelector("input, button")?.focus();
  };
  rows.append(...usual.map((name) => oneSided(name)));
  const others = [...metrics.keys(), ...params.keys()].filter((name) => name !== "trial" && !usual.includes(name));
  const more = choice(
    "another bound",
    [["", "another bound \u2026"], ...others.map((name) => [name, name])],
    "",
    (name) => {
      if (name) add(name, true);
      more.value = "";
    },
  );
  rows.append(
    others.length ? element("div", { class: "limit-row" }, element("span", {}, "60k, 1.5M, 0.3G"), more) : "",
  );
  container.replaceChildren(element("h2", { id: "within-title" }, "Within"), rows);
  const follow = () => {
    for (const name of state.where.keys()) add(name);
    for (const field of rows.querySelectorAll("input")) field.show();
  };
  on(["where"], follow);
  follow();
}

function oneSided(name) {
  const side = sideOf(name);
  const unit = metrics.get(name).unit;
  const [sign, words] = side === "high" ? ["\u2264", "at most"] : ["\u2265", "at least"];
  const title = element("span", { class: "limit-name" }, `${name}${unit ? ` (${unit})` : ""}`);
  const field = limitField(name, side, `${name}${unit ? ` (${unit})` : ""} ${sign} ${words}`);
  return element(
    "label",
    { class: "limit-row", title: metrics.get(name).about },
    title,
    element("span", { class: "limit-field" }, sign, field),
  );
}

function twoSided(name) {
  const values = [
    ...new Set(completeTrials.map((trial) => judgedValue(trial, name)).filter((value) => value !== null)),
  ];
  if (!metrics.has(name) && !values.every((value) => typeof value === "number"))
    return categories(name, values.map(String).sort());
  return element(
    "div",
    { class: "limit-row", role: "group", "aria-label": name },
    element("span", { class: "limit-name" }, name),
    element(
      "span",
      { class: "limit-field" },
      limitField(name, "low", `${name} at least`),
      "to",
      limitField(name, "high", `${name} at most`),
    ),
  );
}

function categories(name, values) {
  const chosen = () => state.where.get(name)?.values ?? [];
  const chips = values.map((value) => {
    const chip = button(
      value,
      () => {
        const kept = chosen().includes(value) ? chosen().filter((other) => other !== value) : [...chosen(), value];
        bound(name, { values: kept });
      },
      { class: "chip" },
    );
    const show = () => chip.setAttribute("aria-pressed", String(chosen().includes(value)));
    on(["where"], show);
    show();
    return chip;
  });
  return element(
    "div",
    { class: "limit-row", role: "group", "aria-label": name },
    element("span", { class: "limit-name" }, name),
    element("span", { class: "chips" }, ...chips),
  );
}

// A field whose limit holds when it is left, or on Enter; it says when it is no number.
function limitField(name, side, label) {
  const field = element("input", {
    type: "text",
    inputmode: "decimal",
    size: "7",
    "aria-label": label,
    autocomplete: "off",
    spellcheck: "false",
  });
  const other = side === "low" ? "high" : "low";
  const limit = () => state.where.get(name)?.[side] ?? null;
  field.show = () => {
    const wanted = limit();
    if (field.value.trim() === "" ? wanted === null : parseLimit(field.value) === wanted) return;
    field.value = wanted === null ? "" : formatTick(wanted);
    field.removeAttribute("aria-invalid");
  };
  const take = () => {
    const text = field.value.trim();
    const value = text === "" ? null : parseLimit(text);
    const wrong = text !== "" && value === null;
    if (wrong) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    field.title = wrong ? "A limit is a number, such as 60000, 60k or 0.3G." : "";
    if (!wrong && value !== limit())
      bound(name, { low: null, high: null, [other]: state.where.get(name)?.[other] ?? null, [side]: value });
  };
  field.addEventListener("change", take);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") take();
  });
  return field;
}

function inWords(name, { low = null, high = null, values }) {
  if (values) return `${name}: ${values.join(", ")}`;
  if (low === null) return `${name} \u2264 ${formatTick(high)}`;
  return high === null ? `${name} \u2265 ${formatTick(low)}` : `${name} ${formatTick(low)} to ${formatTick(high)}`;
}

// A bar that stays at the top: what is asked, and how many trials that leaves.
export function drawSetBar(container) {
  const { complete, front } = theSet();
  const chips = [...state.where].map(([name, range]) => {
    const words = inWords(name, range);
    return button(`${words} \u00d7`, () => bound(name, null), {
      class: "chip",
      "aria-label": `${words} \u00d7 lift this bound`,
    });
  });
  const size = state.where.size
    ? `${formatNumber(complete.length)} of ${plural(completeTrials.length, "complete trial")}, ${formatNumber(front.length)} on the front`
    : `${plural(completeTrials.length, "complete trial")}, ${formatNumber(frontTrials.length)} on the front`;
  const beyond = asksBeyond() ? element("span", { class: "quiet" }, "rules look at all complete trials") : "";
  const clear = state.where.size > 1 ? button("Lift all", () => change({ where: new Map() }), { class: "quiet" }) : "";
  container.replaceChildren(
    element("strong", { role: "status", class: "set-size" }, size),
    element("span", { class: "chips" }, ...chips, clear),
    beyond,
    linkButton(),
  );
}
