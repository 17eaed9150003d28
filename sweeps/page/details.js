// The selected trial: what it measured, what was searched, its run, its config and how to export it.

function drawDetails(container, trial) {
  if (!trial) {
    container.replaceChildren();
    return;
  }
  const measured = sweep.metrics.map(({ name }) => name).filter((name) => metricOf(trial, name) !== null);
  const named = objectives.map(({ metric }) => metric).filter((name) => measured.includes(name));
  const others = measured.filter((name) => !named.includes(name));
  container.replaceChildren(
    element("h2", {}, `Trial ${trial.number} `, element("span", { class: `state ${trial.kind}` }, stateText(trial))),
    trial.reason ? element("p", { class: "reason" }, trial.reason) : "",
    element("div", { class: "objectives" }, ...named.map((name) => bigNumber(trial, name))),
    trustDetails(trial),
    section(
      "Searched",
      valueList(sweep.params.map(({ name }) => [name, paramOf(trial, name)]).filter(([, value]) => value !== null)),
    ),
    others.length
      ? fold("Other metrics", valueList(others.map((name) => [withUnit(name), metricOf(trial, name)])))
      : "",
    fold("Config", configList(trial)),
    trial.state === "COMPLETE" ? section("Export", copyable(exportCommand(trial), "export command")) : "",
    section(
      "Run",
      trial.run ? copyable(trial.run, "run address") : element("p", { class: "quiet" }, "not delivered to MLflow yet"),
    ),
  );
}

function stateText(trial) {
  if (trial.standing) return trial.standing;
  if (trial.rank === 0) return "on the front";
  if (trial.rank !== null) return `dominated, rank ${trial.rank}`;
  return `${trial.state.toLowerCase()} after ${trial.epochs} of ${sweep.budget.epochs} epochs`;
}

function bigNumber(trial, name) {
  return element("div", {}, element("b", {}, formatNumber(metricOf(trial, name))), element("span", {}, withUnit(name)));
}

function section(title, content) {
  return element("div", { class: "part" }, element("h3", {}, title), content);
}

function fold(title, content) {
  return element("details", { class: "part" }, element("summary", {}, title), content);
}

// The base config line by line, with what this trial searched in its place and in bold.
function configList(trial) {
  const searched = new Map(
    sweep.params.map(({ name }) => [name, paramOf(trial, name)]).filter(([, value]) => value !== null),
  );
  const lines = new Map([...flatten(trial.config ?? sweep.config), ...searched]);
  const rows = [...lines].map(([key, value]) =>
    element("div", { class: searched.has(key) ? "searched" : null }, `${key}: ${configValue(value)}`),
  );
  return element("div", { class: "config" }, ...rows);
}

function flatten(tree, prefix = "") {
  return Object.entries(tree).flatMap(([key, value]) => {
    const isBranch = value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length;
    return isBranch ? flatten(value, `${prefix}${key}.`) : [[prefix + key, value]];
  });
}

function configValue(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
