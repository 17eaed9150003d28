// All trials as a table that sorts by any column, the front alone at first.

const ROWS_AT_ONCE = 100;
const listing = { all: false, column: "trial", descending: false, rows: ROWS_AT_ONCE, chosen: false };

function tableColumns() {
  const value = (name) => ({ name, title: withUnit(name), number: true, of: (trial) => metricOf(trial, name) });
  const param = ({ name }) => ({ name, title: name, number: true, of: (trial) => paramOf(trial, name) });
  return [
    { name: "trial", title: "Trial", number: true, of: (trial) => trial.number },
    { name: "state", title: "State", of: (trial) => trial.state.toLowerCase() },
    { name: "rank", title: "Rank", number: true, of: (trial) => trial.rank },
    ...objectives.map(({ metric }) => value(metric)),
    ...sweep.params.map(param),
    { name: "epochs", title: "Epochs", number: true, of: (trial) => trial.epochs },
  ];
}

function drawTable(container) {
  const columns = tableColumns();
  const rows = sortedTrials(columns);
  const shown = rows.slice(0, listing.rows);
  const again = (change) => { Object.assign(listing, change); drawTable(container); };
  const toggle = button(listing.all ? "Front only" : `All ${trials.length} trials`, () => again({ all: !listing.all, rows: ROWS_AT_ONCE }), { class: "quiet" });
  const head = element("tr", {}, ...columns.map((column) => headerCell(column, again)), element("th", { scope: "col" }, "Export command, or reason"));
  container.replaceChildren(
    element("h2", { id: "trials-title" }, listing.all ? "All trials" : "Points of the front", toggle),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "table of trials" },
      element("table", {}, element("thead", {}, head), element("tbody", {}, ...shown.map((trial) => tableRow(trial, columns))))),
    rows.length > shown.length ? button(`Show more (${rows.length - shown.length} left)`, () => again({ rows: listing.rows * 4 }), { class: "quiet" }) : "",
  );
}

function sortedTrials(columns) {
  const column = columns.find(({ name }) => name === listing.column);
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
  const sort = button(column.title + arrow, () => again({ column: column.name, descending: current && !listing.descending }), { class: "sort" });
  const order = current ? (listing.descending ? "descending" : "ascending") : "none";
  return element("th", { scope: "col", "aria-sort": order, class: column.number ? "number" : null }, sort);
}

function tableRow(trial, columns) {
  const cells = columns.map((column, index) => {
    const text = formatNumber(column.of(trial));
    const content = index ? text : button(text, () => selection.set(trial), { class: "link", "aria-label": `Select trial ${trial.number}` });
    return element("td", { class: column.number ? "number" : null }, content);
  });
  const last = trial.state === "COMPLETE" ? element("code", { class: "selectable" }, exportCommand(trial)) : (trial.reason ?? "");
  const row = element("tr", { "data-trial": trial.number, class: selection.trial === trial ? "chosen" : null }, ...cells, element("td", {}, last));
  row.addEventListener("click", (event) => { if (!event.target.closest("code")) selection.set(trial); });
  return row;
}

function markChosenRow(container, trial) {
  for (const row of container.querySelectorAll("tr[data-trial]")) {
    row.classList.toggle("chosen", Number(row.dataset.trial) === trial?.number);
  }
}
