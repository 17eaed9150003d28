// Parallel coordinates: which searched values the good trials share.

const RANK_CLASSES = [
  ["rank-rest", (rank) => rank > 4],
  ["rank-late", (rank) => rank > 1 && rank <= 4],
  ["rank-next", (rank) => rank === 1],
  ["rank-front", (rank) => rank === 0],
];
const AXIS_ROOM_PX = 112;
const MOST_LINES = 600;

const ranked = trials.filter((trial) => trial.rank !== null).sort((a, b) => a.rank - b.rank || a.number - b.number);
const drawnTrials = ranked.slice(0, Math.max(MOST_LINES, frontTrials.length));

function drawParallelSection(container) {
  if (!sweep.params.length) return;
  const drawing = element("div", { class: "chart" });
  container.replaceChildren(
    element("h2", { id: "parallel-title" }, "Searched values"),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "parallel coordinates" }, drawing),
    paragraph("caption", parallelCaption()),
  );
  const columns = parallelColumns();
  drawing.style.minWidth = `${columns.length * AXIS_ROOM_PX}px`;
  const redraw = responsive(drawing, (width) => drawParallel(drawing, width, columns));
  selection.listeners.push(redraw);
}

function parallelCaption() {
  const which =
    drawnTrials.length < ranked.length
      ? `One line a trial, the best-ranked ${drawnTrials.length} of ${formatNumber(ranked.length)} complete ones`
      : "One line a complete trial";
  return `${which}, from its searched values to its objectives; the front in colour, later ranks ever quieter.`;
}

function parallelColumns() {
  const column = (name, log, of) => {
    const values = drawnTrials.map(of).filter((value) => value !== null);
    const numeric = values.length > 0 && values.every((value) => typeof value === "number");
    const categories = numeric ? null : [...new Set(values.map(formatNumber))].sort();
    const absent = values.length < drawnTrials.length;
    return { name, log: log && values.every((value) => value > 0), of, values, categories, absent };
  };
  return [
    ...sweep.params.map(({ name, log }) => column(name, log, (trial) => paramOf(trial, name))),
    ...objectives.map(({ metric, scale }) => column(metric, scale === "log", (trial) => metricOf(trial, metric))),
  ];
}

function drawParallel(container, width, columns) {
  const height = 340;
  const at = (index) => 56 + ((width - 112) * index) / Math.max(1, columns.length - 1);
  const axes = columns.map((column, index) => parallelAxis(column, at(index), [height - 40, 52]));
  const root = svg("svg", { width, height, role: "img", "aria-label": "Parallel coordinates of the searched values" });
  const lineOf = (trial) => linePath(axes.map((axis) => [axis.at, axis.place(trial)]));
  for (const [name, holds] of RANK_CLASSES) {
    const lines = drawnTrials.filter((trial) => holds(trial.rank)).map(lineOf);
    root.append(svg("path", { class: `line ${name}`, d: lines.join("") }));
  }
  if (selection.trial?.state === "COMPLETE")
    root.append(svg("path", { class: "line chosen", d: lineOf(selection.trial) }));
  root.append(...axes.map((axis) => axis.draw()));
  root.addEventListener("click", (event) => selectLine(event, root, axes));
  container.replaceChildren(root);
}

function parallelAxis(column, at, range) {
  const scale = column.categories
    ? categoryScale(column.categories, range)
    : makeScale(paddedDomain(column.values, column.log, 0.02), range, column.log);
  const absent = range[0] + 26;
  const place = (trial) => {
    const value = column.of(trial);
    return value === null ? absent : scale(column.categories ? formatNumber(value) : value);
  };
  return { at, place, draw: () => drawParallelAxis(column, at, scale, range) };
}

function categoryScale(categories, [bottom, top]) {
  const scale = (name) => bottom + ((top - bottom) * (categories.indexOf(name) + 0.5)) / categories.length;
  scale.ticks = () => categories;
  return scale;
}

function drawParallelAxis(column, at, scale, [bottom, top]) {
  const group = svg("g", { class: "axes" }, svg("path", { class: "frame", d: `M${round(at)} ${bottom}V${top}` }));
  const [, parent, leaf] = splitPath(column.name);
  if (parent) group.append(label(at, top - 32, parent, { "text-anchor": "middle" }));
  group.append(label(at, top - 16, leaf, { class: "title", "text-anchor": "middle" }));
  for (const tick of scale.ticks(5)) {
    const text = column.categories ? tick : formatTick(tick);
    group.append(label(at + 6, round(scale(tick)) + 4, text, { class: "halo" }));
  }
  if (column.absent) group.append(label(at + 6, bottom + 30, "absent", { class: "halo" }));
  return group;
}

function selectLine(event, root, axes) {
  const box = root.getBoundingClientRect();
  const [px, py] = [event.clientX - box.left, event.clientY - box.top];
  const next = axes.findIndex((axis) => axis.at > px);
  if (next < 1) return;
  const [from, to] = [axes[next - 1], axes[next]];
  const share = (px - from.at) / (to.at - from.at);
  const distance = (trial) =>
    Math.abs(from.place(trial) * (1 - share) + to.place(trial) * share - py) + (trial.rank === 0 ? 0 : 3);
  const best = drawnTrials.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  if (distance(best) < 14) selection.set(best);
}
