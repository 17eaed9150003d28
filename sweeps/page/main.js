// Puts the parts on the page: the front at once, what lies below it when the browser has drawn that.

function drawHeader(container) {
  const counted = Object.entries(sweep.counts).filter(([, count]) => count).map(([state, count]) => `${count} ${state.toLowerCase()}`);
  const unfinished = (sweep.counts.RUNNING ?? 0) + (sweep.counts.WAITING ?? 0);
  const badge = sweep.confirmed ? element("span", { class: "badge good" }, "confirmed") : element("span", { class: "badge", title: "Each point was trained once; differences may be noise." }, "unconfirmed");
  container.replaceChildren(
    element("p", { class: "kind" }, "Pareto front"),
    element("h1", {}, sweep.name, badge),
    element("p", { class: "summary" }, `${frontTrials.length} ${frontTrials.length === 1 ? "point" : "points"} from ${trials.length} trials: ${counted.join(", ") || "none yet"}. Hypervolume ${formatNumber(sweep.hypervolume)}.`),
    unfinished ? element("p", { class: "summary" }, `Still running: ${unfinished} of ${sweep.budget.trials} trials are not finished.`) : "",
  );
}

function drawFooter(container) {
  const written = new Date(sweep.written);
  container.replaceChildren(
    element("p", {}, `Written ${written.toISOString().slice(0, 16).replace("T", " ")} UTC, sweep `, element("code", { class: "selectable" }, sweep.sweep_id)),
    sweep.look ? element("div", {}, "Runs: ", copyable(sweep.look, "command")) : "",
    element("p", {}, "A point is on the front when it was trained to the end, meets the constraints, and no other such trial is at least as good in every objective and better in one. The knee is the point furthest below the line between the front\u2019s extremes."),
  );
}

const part = (name) => document.getElementById(name);

drawHeader(part("header"));
drawAxisPickers(part("axis-pickers"));
drawLegend(part("legend"));
view.redraw = responsive(part("scatter"), (width) => drawScatter(part("scatter"), width));
selection.listeners.push(
  () => view.redraw(),
  (trial) => drawDetails(part("details"), trial),
  (trial) => drawListening(part("listening"), trial),
  (trial) => markChosenRow(part("trials"), trial),
);
drawChoosing(part("choosing"));
drawTable(part("trials"));
drawFooter(part("footer"));
requestAnimationFrame(() => setTimeout(() => {
  drawParallelSection(part("parallel"));
  drawImportanceSection(part("importance"));
  drawHistorySection(part("history"));
  document.documentElement.dataset.ready = "true";
}));
