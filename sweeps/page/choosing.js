// The choosing rules as buttons, each saying why it chose; bounds narrow the field as --max and --min do.

function drawChoosing(container) {
  if (!frontTrials.length) {
    container.replaceChildren(element("p", { class: "why" }, `No trial is complete yet: ${countedStates()}.`));
    return;
  }
  const why = element("p", { class: "why", "aria-live": "polite" });
  const say = (points) => {
    selection.set(trialByNumber.get(points[0].trial));
    why.replaceChildren(
      ...points.map((point) => element("span", {}, point.why, points.length > 1 ? pick(point.trial) : null)),
    );
  };
  const pick = (number) => button(`Show ${number}`, () => selection.set(trialByNumber.get(number)), { class: "quiet" });
  const rules = sweep.choices.map(({ label: name, points }) => button(name, () => say(points)));
  container.replaceChildren(
    element("div", { class: "rules", role: "group", "aria-label": "Choose a point" }, ...rules),
    boundedChoice(say, why),
    why,
  );
  say(sweep.choices[0].points);
}

function boundedChoice(say, why) {
  const names = sweep.metrics
    .map(({ name }) => name)
    .filter((name) => frontTrials.every((trial) => metricOf(trial, name) !== null));
  const ask = { best: objectives[0].metric, bound: objectives.at(-1).metric, side: "<=", limit: "" };
  const limit = element("input", {
    type: "text",
    inputmode: "decimal",
    size: "7",
    "aria-label": "limit",
    placeholder: "limit",
  });
  const run = () => {
    ask.limit = limit.value.trim();
    const found = bestWithin(ask);
    if (found.points) say(found.points);
    else why.textContent = found.refusal;
  };
  limit.addEventListener("keydown", (event) => {
    if (event.key === "Enter") run();
  });
  const pairs = (list) => list.map((name) => [name, name]);
  const judged = names.filter((name) => metrics.get(name).goal !== null);
  return element(
    "details",
    { class: "bounded" },
    element("summary", {}, "Best within a bound"),
    element(
      "div",
      { class: "controls" },
      element("span", {}, "best"),
      choice("metric to optimise", pairs(judged), ask.best, (name) => (ask.best = name)),
      element("span", {}, "where"),
      choice("bounded metric", pairs(names), ask.bound, (name) => (ask.bound = name)),
      choice(
        "side of the bound",
        [
          ["<=", "\u2264"],
          [">=", "\u2265"],
        ],
        ask.side,
        (side) => (ask.side = side),
      ),
      limit,
      button("Choose", run),
    ),
  );
}

// As `dfkd export` judges: a confirmed front by the means over fresh seeds.
const judgedMetric = sweep.confirmed ? shownMetric : metricOf;
const byMeans = sweep.confirmed ? ", by the means of its fresh seeds" : "";

function bestWithin({ best, bound, side, limit }) {
  const number = Number(limit);
  if (limit === "" || Number.isNaN(number)) return { refusal: "The limit must be a number, such as 100000 or 1e5." };
  const excess = (trial) => (side === "<=" ? 1 : -1) * (judgedMetric(trial, bound) - number);
  const allowed = frontTrials.filter((trial) => excess(trial) <= 0);
  const least = (list, cost) => list.reduce((a, b) => (cost(b) < cost(a) ? b : a));
  if (!allowed.length) {
    const nearest = least(frontTrials, excess);
    const has = formatNumber(judgedMetric(nearest, bound));
    return {
      refusal: `No front point has ${bound} ${side} ${limit}; the nearest is trial ${nearest.number} with ${has}.`,
    };
  }
  const chosen = least(allowed, (trial) => costOf(trial, best, judgedMetric));
  const value = formatNumber(judgedMetric(chosen, best));
  const why = `Trial ${chosen.number} has the best ${best} (${value}) on the front with ${bound} ${side} ${limit}${byMeans}.`;
  return { points: [{ trial: chosen.number, why }] };
}
