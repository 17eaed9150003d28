// Numbers and elements as text; whatever comes from a sweep enters the page as text, never as markup.

const THIN_SPACE = "\u202f"; // does not break

function formatNumber(value) {
  if (value === null || value === undefined) return "\u2013";
  if (typeof value !== "number") return typeof value === "string" ? value : JSON.stringify(value);
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 1e-3)) return value.toExponential(2).replace("e+", "e");
  if (size >= 1000) return grouped(Math.round(value));
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(4)));
}

function grouped(integer) {
  return String(integer).replace(/\B(?=(\d{3})+$)/g, THIN_SPACE);
}

function formatTick(value) {
  const size = Math.abs(value);
  for (const [unit, factor] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ]) {
    if (size >= factor) return `${Number((value / factor).toPrecision(4))}${unit}`;
  }
  if (size > 0 && size < 1e-3) return value.toExponential().replace("e+", "e");
  return String(Number(value.toPrecision(6)));
}

// One form for a whole column: integers when all are, else four digits with their zeros.
function metricFormat(name) {
  const integers = (sweep.trials.metrics[name] ?? []).every((value) => value === null || Number.isInteger(value));
  return (value) => {
    const plain = integers || value === null || Math.abs(value) >= 1000 || Math.abs(value) < 1e-3;
    return plain ? formatNumber(value) : value.toPrecision(4);
  };
}

// A key path as [whole, all but the last part, last part].
function splitPath(name) {
  const [, group, leaf] = /^(.*[./])?([^./]+)$/.exec(name) ?? [name, "", name];
  return [name, group ?? "", leaf];
}

function withUnit(metric) {
  const unit = metrics.get(metric)?.unit;
  return unit ? `${metric} (${unit})` : metric;
}

function countedStates() {
  const counted = Object.entries(sweep.counts).filter(([, count]) => count);
  return (
    counted.map(([state, count]) => `${formatNumber(count)} ${state.toLowerCase()}`).join(", ") || "none has started"
  );
}

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function paragraph(kind, ...sentences) {
  return element("p", { class: kind }, sentences.filter(Boolean).join(" "));
}

function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, label);
}

function choice(label, options, chosen, onchange) {
  const select = element("select", { "aria-label": label, onchange: () => onchange(select.value) });
  for (const [value, text] of options) select.append(element("option", { value, selected: value === chosen }, text));
  return select;
}

// Inside a tracker's frame copying is forbidden; the text is then selected for the user's own copying.
function copyable(text, label) {
  const code = element("code", { class: "selectable", tabindex: "0", "aria-label": label }, text);
  const copy = button(
    "Copy",
    async () => {
      try {
        if (window !== window.top) throw new Error("framed");
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        copy.textContent = "Selected";
      }
      setTimeout(() => (copy.textContent = "Copy"), 1500);
    },
    { class: "quiet", "aria-label": `Copy ${label}` },
  );
  return element("div", { class: "copyable" }, code, copy);
}
