// The trials of the set as a table that sorts by any column; rows are drawn as they come into view.

import { button, copy, element } from "./elements.js";
import { columnFormat, formatNumber, formatOf, plural, splitPath } from "./numbers.js";
import { runningMetrics } from "./running.js";
import { change, choose, on, state, theSet } from "./state.js";
import { exportCommand, frontTrials, metricOf, metrics, objectives, paramOf, sweep, trials } from "./sweep.js";
import { trustColumns } from "./trust.js";

const ROW_PX = 34;
const SPARE_ROWS = 8; // above and below what is in view
const MOST_PRINTED = 1000;
const MEASURED_ROWS = 300; // that a column's width is taken from

function tableColumns() {
  const metric = (name) => {
    const number = !metrics.get(name)?.words?.length;
    return { name, number, of: (trial) => metricOf(trial, name), ...formatOf(name) };
  };
  const param = ({ name }) => {
    const values = trials.map((trial) => paramOf(trial, name));
    const number = values.every((value) => value === null || typeof value === "number");
    return { name, number, of: (trial) => paramOf(trial, name), ...columnFormat(values) };
  };
  const whole = (name, of) => ({ name, number: true, of, text: formatNumber });
  const ended = [
    { name: "state", of: (trial) => trial.state.toLowerCase(), text: formatNumber },
    whole("rank", (trial) => trial.rank),
    whole("epochs", (trial) => trial.epochs),
  ];
  const named = objectives.map((objective) => objective.metric);
  const asked = [...state.where.keys()].filter((name) => metrics.has(name) && !named.includes(name));
  return [
    whole("trial", (trial) => trial.number),
    ...(state.all ? ended : []),
    ...[...new Set([...named, ...runningMetrics, ...asked])].map(metric),
    ...trustColumns(),
    ...sweep.params.map(param),
    { name: state.all ? "export command, or reason" : "export command", of: lastCell, text: formatNumber, last: true },
  ];
}

function lastCell(trial) {
  return trial.state === "COMPLETE" ? exportCommand(trial) : (trial.reason ?? "");
}

function listed(columns) {
  const among = state.where.size ? (state.all ? theSet().complete : theSet().front) : state.all ? trials : frontTrials;
  const wanted = state.find.trim().toLowerCase();
  const found = wanted ? among.filter((trial) => matches(trial, wanted)) : among;
  const column = columns.find(({ name }) => name === state.sort) ?? columns[0];
  const sign = state.descending ? -1 : 1;
  return [...found].sort((a, b) => {
    const [u, v] = [column.of(a), column.of(b)];
    if (u === null || v === null) return (u === null) - (v === null) || a.number - b.number;
    const order = typeof u === "number" && typeof v === "number" ? u - v : String(u).localeCompare(String(v));
    return sign * order || a.number - b.number;
  });
}

// A number is a trial's; other text is looked for in state, reason and searched values.
function matches(trial, wanted) {
  if (/^\d+$/.test(wanted)) return String(trial.number) === wanted;
  const texts = [
    trial.state,
    trial.reason ?? "",
    ...sweep.params.map(({ name }) => `${name}: ${paramOf(trial, name)}`),
  ];
  return texts.some((text) => text.toLowerCase().includes(wanted));
}

export function drawTable(container) {
  const title = element("h2", { id: "trials-title" });
  const count = element("span", { class: "quiet", role: "status" });
  const find = element("input", {
    type: "search",
    size: "16",
    "aria-label": "Find a trial",
    placeholder: "find a trial",
    value: state.find,
  });
  find.addEventListener("input", () => change({ find: find.value }));
  const csv = element("code", { class: "selectable link-text", hidden: true, "aria-label": "rows as CSV" });
  const copyCsv = button("Copy as CSV", () => copy(asCsv(view.rows, view.columns), csv, copyCsv), { class: "quiet" });
  const head = element("thead");
  const body = element("tbody");
  const table = element("table", {}, head, body);
  const box = element("div", { class: "rows", tabindex: "0", role: "region", "aria-label": "table of trials" }, table);
  const view = { rows: [], columns: [], from: -1, to: -1, printed: false };
  const tools = element("div", { class: "controls" }, find, count, copyCsv, csv);
  container.replaceChildren(title, tools, box);

  const draw = (force = true) => {
    const inView = Math.ceil((box.clientHeight || 600) / ROW_PX);
    const first = Math.floor(box.scrollTop / ROW_PX);
    const from = view.printed ? 0 : Math.max(0, first - SPARE_ROWS);
    const to = view.printed
      ? Math.min(view.rows.length, MOST_PRINTED)
      : Math.min(view.rows.length, first + inView + SPARE_ROWS);
    if (!force && from === view.from && to === view.to) return;
    Object.assign(view, { from, to });
    const rows = view.rows.slice(from, to).map((trial, place) => tableRow(trial, view.columns, from + place));
    const spacer = (height) =>
      element(
        "tr",
        { "aria-hidden": "true", class: "spacer" },
        element("td", { colspan: view.columns.length, style: `height:${height}px` }),
      );
    body.replaceChildren(
      ...(from ? [spacer(from * ROW_PX)] : []),
      ...rows,
      ...(to < view.rows.length && !view.printed ? [spacer((view.rows.length - to) * ROW_PX)] : []),
    );
  };
  const refresh = () => {
    view.columns = tableColumns();
    view.rows = listed(view.columns);
    const [focused, all] = [document.activeElement?.dataset?.sort, state.all];
    const toggle = button(
      all ? "Front only" : `All ${formatNumber(trials.length)} trials`,
      () => change({ all: !all }),
      { class: "quiet" },
    );
    title.replaceChildren(all ? "All trials" : "Points of the front", toggle);
    count.textContent = plural(view.rows.length, "row") + (state.where.size ? ", within the bounds" : "");
    table.setAttribute("aria-rowcount", String(view.rows.length + 1));
    head.replaceChildren(element("tr", {}, ...view.columns.map((column) => headerCell(column, view.rows))));
    if (focused) head.querySelector(`[data-sort="${CSS.escape(focused)}"]`)?.focus();
    box.scrollTop = 0;
    draw();
  };
  const showChosen = () => {
    for (const row of body.querySelectorAll("tr[data-trial]"))
      row.classList.toggle("chosen", row.dataset.trial === String(state.chosen?.id));
    const place = view.rows.indexOf(state.chosen);
    const [top, bottom] = [box.scrollTop, box.scrollTop + box.clientHeight - 2 * ROW_PX];
    if (place < 0 || (place * ROW_PX >= top && (place + 1) * ROW_PX <= bottom)) return;
    box.scrollTop = Math.max(0, place * ROW_PX - box.clientHeight / 3);
    draw(false);
  };
  box.addEventListener("scroll", () => draw(false), { passive: true });
  new ResizeObserver(() => draw(false)).observe(box);
  matchMedia("print").addEventListener("change", ({ matches: printed }) => {
    view.printed = printed;
    if (printed && view.rows.length > MOST_PRINTED)
      count.textContent = `${plural(MOST_PRINTED, "row")} of ${formatNumber(view.rows.length)} are printed; front.csv has them all`;
    draw();
    if (!printed) refresh();
  });
  on(["all", "sort", "descending", "find", "where"], () => {
    if (find.value !== state.find) find.value = state.find;
    refresh();
  });
  on(["chosen"], showChosen);
  refresh();
  showChosen();
}

function headerCell(column, rows) {
  const current = state.sort === column.name;
  const arrow = current ? (state.descending ? " \u2193" : " \u2191") : "";
  const [group, leaf] = splitPath(column.name);
  const unit = column.unit ? ` (${column.unit})` : "";
  const sort = button("", () => change({ sort: column.name, descending: current && !state.descending }), {
    class: "sort",
    "data-sort": column.name,
  });
  sort.append(element("span", { class: "group" }, group), leaf + unit + arrow);
  const order = current ? (state.descending ? "descending" : "ascending") : "none";
  const about = metrics.get(column.name)?.about;
  const cell = element(
    "th",
    { scope: "col", "aria-sort": order, class: column.number ? "number" : null, title: about },
    column.last ? column.name : sort,
  );
  const step = Math.max(1, Math.ceil(rows.length / MEASURED_ROWS));
  let widest = 0;
  for (let place = 0; place < rows.length; place += step)
    widest = Math.max(widest, column.text(column.of(rows[place])).length);
  cell.style.minWidth = `${Math.min(widest, 60) + 3}ch`;
  return cell;
}

function tableRow(trial, columns, place) {
  const cells = columns.map((column, index) => {
    const text = column.text(column.of(trial));
    let content = text;
    if (index === 0)
      content = button(text, () => choose(trial), { class: "link", "aria-label": `Select trial ${text}` });
    else if (column.last && trial.state === "COMPLETE") content = element("code", { class: "selectable" }, text);
    return element("td", { class: column.number ? "number" : null }, content);
  });
  const kind = state.chosen === trial ? "chosen" : null;
  const row = element("tr", { "data-trial": trial.id, "aria-rowindex": place + 2, class: kind }, ...cells);
  row.addEventListener("click", (event) => {
    if (!event.target.closest("code")) choose(trial);
  });
  return row;
}

// Text that a spreadsheet would run is defused, as in front.csv.
function asCsv(rows, columns) {
  const cell = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = [
    columns.map(({ name }) => cell(name)),
    ...rows.map((trial) => columns.map((column) => cell(column.of(trial)))),
  ];
  return `${lines.map((line) => line.join(",")).join("\n")}\n`;
}
