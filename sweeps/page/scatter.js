// The front: any metric against any other, with the trials that did not make it in their own quiet looks.

const KIND_NAMES = {
  front: "On the front",
  dominated: "Dominated",
  pruned: "Pruned",
  infeasible: "Infeasible",
  failed: "Failed",
  running: "Running",
  waiting: "Waiting",
};
const NEAR_PX = 26;

const view = { ...initialAxes(), depth: null, hidden: new Set(), zoom: null, redraw: () => {} };

// Quality upright, size across: the first minimised objective lies on x. One objective is shown over the trials.
function initialAxes() {
  if (!objectives.length) return { x: "trial", y: "trial", log: {} };
  const across = objectives.find((objective) => objective.goal === "minimize") ?? objectives[0];
  const upright = objectives.find((objective) => objective !== across);
  const log = Object.fromEntries(sweep.metrics.map((metric) => [metric.name, metric.log]));
  return upright ? { x: across.metric, y: upright.metric, log } : { x: "trial", y: across.metric, log };
}

function drawPicture(container, width) {
  if (view.depth) drawSpace(container, width);
  else drawScatter(container, width);
}

function drawScatter(container, width) {
  const height = Math.round(Math.min(540, Math.max(320, width * 0.66)));
  const scales = scatterScales(width, height);
  const shown = placedTrials(scales);
  const root = svg("svg", { width, height, role: "group", "aria-label": `${view.y} against ${view.x}` });
  const titles = {
    x: axisTitle(view.x, scales.x.log, ["\u2190", "\u2192"]),
    y: axisTitle(view.y, scales.y.log, ["\u2193", "\u2191"]),
  };
  root.append(plotClip(scales), drawAxes(scales, titles));
  const plot = svg("g", { "clip-path": "url(#plot)" });
  plot.append(
    ...attained(scales),
    ...constraintLines(scales),
    ...quietMarks(shown),
    ...externalMarks(scales),
    ...intervalBars(shown, scales),
    ...frontMarks(shown, scales.x.range[1]),
  );
  root.append(plot, rug(scales));
  container.replaceChildren(root, element("div", { class: "tip", role: "status", hidden: true }));
  follow(root, container.lastChild, shown, scales);
  container.append(...trustCaption());
  if (view.zoom)
    container.append(
      button(
        "Show all",
        () => {
          view.zoom = null;
          view.redraw();
        },
        { class: "reset" },
      ),
    );
}

// Marks on the frame are whole, marks beyond it (zoomed) are cut.
function plotClip({ x, y }) {
  const room = 8;
  const [left, top] = [x.range[0] - room, y.range[1] - room];
  const size = { width: x.range[1] - x.range[0] + 2 * room, height: y.range[0] - y.range[1] + 2 * room };
  return svg("defs", {}, svg("clipPath", { id: "plot" }, svg("rect", { x: left, y: top, ...size })));
}

function scatterScales(width, height) {
  const bounds = { x: [58, width - 14], y: [height - 50, 34] };
  const make = (axis) => {
    const name = view[axis];
    const log = Boolean(view.log[name]);
    const values = visibleTrials()
      .flatMap((trial) => shownValues(trial, name))
      .filter((value) => value !== null);
    for (const other of sweep.references) if (other.values[name] !== undefined) values.push(other.values[name]);
    return makeScale(view.zoom?.[axis] ?? paddedDomain(values, log), bounds[axis], log);
  };
  return { x: make("x"), y: make("y") };
}

function visibleTrials() {
  return trials.filter((trial) => !view.hidden.has(trial.kind) && !view.hidden.has(trial.side));
}

function drawable(scale, value) {
  return value !== null && (!scale.log || value > 0);
}

function placedTrials({ x, y }) {
  return visibleTrials()
    .map((trial) => ({ trial, vx: shownMetric(trial, view.x), vy: shownMetric(trial, view.y) }))
    .filter(({ vx, vy }) => drawable(x, vx) && drawable(y, vy))
    .map(({ trial, vx, vy }) => ({ trial, at: [x(vx), y(vy)] }));
}

function attained(scales) {
  return fronts().flatMap((members) => attainedBy(members, scales));
}

// The boundary of what a front attains, as a staircase, when the axes are exactly the sweep's objectives.
function attainedBy(members, { x, y }) {
  const line = view.hidden.has(members[0]?.side) ? [] : stairs(members);
  if (!line.length) return [];
  const sign = (axis) => (metrics.get(view[axis]).goal === "maximize" ? -1 : 1);
  const far = [sign("x") > 0 ? x.range[1] : x.range[0], sign("y") > 0 ? y.range[1] : y.range[0]];
  const corners = [[x(line[0][0]), far[1]]];
  line.forEach(([vx, vy], index) => {
    corners.push([x(vx), y(vy)]);
    corners.push([index + 1 < line.length ? x(line[index + 1][0]) : far[0], y(vy)]);
  });
  const edge = linePath(corners);
  return [
    svg("path", { class: `attained ${sideClass(members[0])}`, d: `${edge}L${round(far[0])} ${round(far[1])}Z` }),
    svg("path", { class: `front-line ${sideClass(members[0])}`, d: edge }),
  ];
}

function stairs(members) {
  const named = objectives.map((objective) => objective.metric);
  if (named.length === 1 && view.x === "trial" && view.y === named[0]) return bestSoFar(members, named[0]);
  if (named.length !== 2 || !named.includes(view.x) || !named.includes(view.y) || view.x === view.y) return [];
  const cost = (name) => (value) => (metrics.get(name).goal === "maximize" ? -value : value);
  const [across, upright] = [cost(view.x), cost(view.y)];
  let best = Infinity;
  return members
    .map((trial) => [shownMetric(trial, view.x), shownMetric(trial, view.y)])
    .sort((a, b) => across(a[0]) - across(b[0]) || upright(a[1]) - upright(b[1]))
    .filter(([, value]) => upright(value) < best && ((best = upright(value)), true));
}

function bestSoFar(members, name) {
  let best = null;
  const steps = [];
  for (const trial of trials) {
    if (trial.side !== members[0]?.side) continue;
    if (trial.state !== "COMPLETE" || (best && costOf(trial, name) >= costOf(best, name))) continue;
    best = trial;
    steps.push([trial.number, metricOf(trial, name)]);
  }
  return steps;
}

function constraintLines({ x, y }) {
  return sweep.constraints.flatMap(({ metric, sign, limit }) => {
    const text = `${sign === "<=" ? "at most" : "at least"} ${formatNumber(limit)}`;
    const inside = (scale) => limit >= scale.domain[0] && limit <= scale.domain[1];
    if (metric === view.x && inside(x)) {
      const at = round(x(limit));
      return limitLine(`M${at} ${y.range[0]}V${y.range[1]}`, text, at - 6, y.range[1] + 12);
    }
    if (metric === view.y && inside(y)) {
      const at = round(y(limit));
      return limitLine(`M${x.range[0]} ${at}H${x.range[1]}`, text, x.range[1], at - 6);
    }
    return [];
  });
}

function limitLine(d, text, x, y) {
  return [svg("path", { class: "limit", d }), label(x, y, text, { class: "note", "text-anchor": "end" })];
}

function quietMarks(shown) {
  return Object.keys(KIND_NAMES)
    .filter((kind) => kind !== "front")
    .map((kind) => {
      const places = shown.filter(({ trial }) => trial.kind === kind).map(({ at }) => at);
      return svg("path", { class: `mark ${kind}`, d: markPath(kind, places) });
    });
}

// Trials that ended before they had the upright value still show where they stood across.
function rug({ x, y }) {
  const inside = (value) => value !== null && value >= x.domain[0] && value <= x.domain[1];
  const unmeasured = visibleTrials().filter(
    (trial) => metricOf(trial, view.y) === null && inside(metricOf(trial, view.x)),
  );
  const ticks = unmeasured.map((trial) => `M${round(x(metricOf(trial, view.x)))} ${y.range[0]}v-7`);
  return svg("path", { class: "mark rug", d: ticks.join("") });
}

function externalMarks({ x, y }) {
  return sweep.references.flatMap(({ name, values }) => {
    const known = (scale, value) => (drawable(scale, value ?? null) ? value : undefined);
    const [vx, vy] = [known(x, values[view.x]), known(y, values[view.y])];
    if (vx !== undefined && vy !== undefined) return [externalMark(round(x(vx)), round(y(vy)), name, x.range[1])];
    if (vy !== undefined)
      return limitLine(`M${x.range[0]} ${round(y(vy))}H${x.range[1]}`, name, x.range[1] - 6, round(y(vy)) - 6);
    if (vx !== undefined)
      return limitLine(`M${round(x(vx))} ${y.range[0]}V${y.range[1]}`, name, round(x(vx)) - 6, y.range[1] + 12);
    return [];
  });
}

function externalMark(cx, cy, name, edge) {
  const mark = svg("rect", { x: cx - 4, y: cy - 4, width: 8, height: 8 });
  return svg("g", { class: "external" }, mark, noteBeside(cx, cy + 4, name, 9, edge));
}

const LETTER_PX = 7;

// A note to the right of a mark, or to its left where the picture ends.
function noteBeside(cx, cy, text, gap, edge) {
  const fits = cx + gap + LETTER_PX * text.length <= edge;
  return label(fits ? cx + gap : cx - gap, cy, text, { class: "note", "text-anchor": fits ? "start" : "end" });
}

function frontMarks(shown, edge) {
  const knee = sweep.choices.find((rule) => rule.label === "Knee")?.points[0].trial;
  const ordered = shown.filter(({ trial }) => trial.kind === "front").sort((a, b) => a.at[0] - b.at[0]);
  return ordered.map(({ trial, at: [cx, cy] }, index) => {
    const chosen = selection.trial === trial;
    const node = svg("g", {
      class: `front-point ${sideClass(trial)}${chosen ? " chosen" : ""}`,
      tabindex: "0",
      role: "button",
      "aria-pressed": String(chosen),
      "aria-label": describe(trial),
      "data-trial": trial.id,
    });
    node.append(pointMark(trial.side, round(cx), round(cy), chosen ? 8 : 6));
    if (trial.number === knee) node.append(noteBeside(round(cx), round(cy) + 16, "knee", 11, edge));
    node.addEventListener("keydown", (event) => onKey(event, trial, ordered, index));
    return node;
  });
}

function onKey(event, trial, ordered, index) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const next = step ? ordered[index + step]?.trial : ["Enter", " "].includes(event.key) ? trial : null;
  if (!next) return;
  event.preventDefault();
  selection.set(next);
  document.querySelector(`#scatter [data-trial="${next.id}"]`)?.focus();
}

// What a trial is, in a few words; where fronts are compared, whose it is.
function standing(trial) {
  return trial.standing ?? KIND_NAMES[trial.kind].toLowerCase();
}

function describe(trial) {
  const values = objectives.map(({ metric }) => `${metric} ${formatNumber(metricOf(trial, metric))}`);
  return `Trial ${trial.number}, ${standing(trial)}, ${values.join(", ")}`;
}
