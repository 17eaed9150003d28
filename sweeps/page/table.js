// All trials as a table that sorts by any column, the front alone at first.

const ROWS_AT_ONCE = 100;
const listing = { all: false, column: firstAcross(), descending: false, rows: ROWS_AT_ONCE };

function firstAcross() {
  return (objectives.find(({ goal }) => goal === "minimize") ?? objectives[0]).metric;
}

function tableColumns() {
  const value = ({ metric }) => ({
    name: metric,
    number: true,
    of: (trial) => metricOf(trial, metric),
    format: metricFormat(metric),
  });
  const param = ({ name }) => ({ name, number: true, of: (trial) => paramOf(trial, name) });
  const ended = [
    { name: "state", of: (trial) => trial.state.toLowerCase() },
    { name: "rank", number: true, of: (trial) => trial.rank },
    { name: "epochs", number: true, of: (trial) => trial.epochs },
  ];
  return [
    { name: "trial", number: true, of: (trial) => trial.number },
    ...(listing.all ? ended : []),
    ...objectives.map(value),
    ...trustColumns(),
    ...sweep.params.map(param),
  ];
}

function drawTable(container) {
  const columns = tableColumns();
  const rows = sortedTrials(columns);
  const shown = rows.slice(0, listing.rows);
  const again = (change) => {
    Object.assign(listing, change);
    drawTable(container);
  };
  const other = listing.all ? "Front only" : `All ${formatNumber(trials.length)} trials`;
  const toggle = button(other, () => again({ all: !listing.all, rows: ROWS_AT_ONCE }), { class: "quiet" });
  const last = element("th", { scope: "col" }, listing.all ? "export command, or reason" : "export command");
  const head = element("tr", {}, ...columns.map((column) => headerCell(column, again)), last);
  container.replaceChildren(
    element("h2", { id: "trials-title" }, listing.all ? "All trials" : "Points of the front", toggle),
    element(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "table of trials" },
      element(
        "table",
        {},
        element("thead", {}, head),
        element("tbody", {}, ...shown.map((trial) => tableRow(trial, columns))),
      ),
    ),
    rows.length > shown.length
      ? button(`Show more (${rows.length - shown.length} left)`, () => again({ rows: listing.rows * 4 }), {
          class: "quiet",
        })
      : "",
  );
}

function sortedTrials(columns) {
  const column = columns.find(({ name }) => name === listing.column) ?? columns[0];
  const sign = listing.descending ? -1 : 1;
  const compare = (a, b) => {
    const [u, v] = [column.of(a), column.of(b)];
    if (u === null || v === null) return (u === null) - (v === null) || a.number - b.number;
    const order = typeof u === "number" && typeof v === "number" ? u - v : String(u).localeCompare(String(v));
    return sign * order || a.number - b.number;
  };
  return (listing.all ? [...trials] : [...frontTrials]).sort(compare);
}

function headerCell(column, again) {
  const current = listing.column === column.name;
  const arrow = current ? (listing.descending ? " \u2193" : " \u2191") : "";
  const sort = button(
    twoLines(column.name, arrow),
    () => again({ column: column.name, descending: current && !listing.descending }),
    { class: "sort" },
  );
  const order = current ? (listing.descending ? "descending" : "ascending") : "none";
  return element("th", { scope: "col", "aria-sort": order, class: column.number ? "number" : null }, sort);
}

// The last part of a key path stands on a line of its own, so that columns stay narrow.
function twoLines(name, arrow) {
  const [, group, leaf] = splitPath(name);
  const unit = metrics.get(name)?.unit;
  return element("span", {}, element("span", { class: "group" }, group), leaf + (unit ? ` (${unit})` : "") + arrow);
}

function tableRow(trial, columns) {
  const cells = columns.map((column, index) => {
    const text = (column.format ?? formatNumber)(column.of(trial));
    const content = index
      ? text
      : button(text, () => selection.set(trial), { class: "link", "aria-label": `Select trial ${trial.number}` });
    return element("td", { class: column.number ? "number" : null }, content);
  });
  const last =
    trial.state === "COMPLETE" ? element("code", { class: "selectable" }, exportCommand(trial)) : (trial.reason ?? "");
  const row = element(
    "tr",
    { "data-trial": trial.number, class: selection.trial === trial ? "chosen" : null },
    ...cells,
    element("td", {}, last),
  );
  row.addEventListener("click", (event) => {
    if (!event.target.closest("code")) selection.set(trial);
  });
  return row;
}

function markChosenRow(container, trial) {
  for (const row of container.querySelectorAll("tr[data-trial]")) {
    row.classList.toggle("chosen", Number(row.dataset.trial) === trial?.number);
  }
}
