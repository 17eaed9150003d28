// Puts the parts on the page: the front at once, what lies below it when the browser has drawn that.

function drawHeader(container) {
  const badge = sweep.confirmed
    ? element("span", { class: "badge good" }, "confirmed")
    : element(
        "span",
        { class: "badge", title: "Each point was trained once; small differences may be noise." },
        "unconfirmed",
      );
  const [finished, due] = [sweep.history.length, sweep.budget.trials];
  const points = `${frontTrials.length} ${frontTrials.length === 1 ? "point" : "points"}`;
  container.replaceChildren(
    paragraph("kind", "Pareto front"),
    element("h1", {}, sweep.name, badge),
    paragraph(
      "summary",
      `${points} from ${formatNumber(trials.length)} trials: ${countedStates()}.`,
      `Hypervolume ${formatNumber(sweep.hypervolume)}.`,
    ),
    finished < due ? paragraph("summary", `So far ${finished} of ${formatNumber(due)} trials have finished.`) : "",
    ...(isRepeated || (finished >= due && frontTrials.length) ? trustSentences() : []),
  );
}

function drawFooter(container) {
  const written = new Date(sweep.written);
  container.replaceChildren(
    element(
      "p",
      {},
      `Written ${written.toISOString().slice(0, 16).replace("T", " ")} UTC, sweep `,
      element("code", { class: "selectable" }, sweep.sweep_id),
    ),
    sweep.look ? element("div", {}, "Runs: ", copyable(sweep.look, "command")) : "",
    paragraph(
      "",
      "A point is on the front when it was trained to the end, meets the constraints, and no other such trial is",
      "at least as good in every objective and better in one.",
      "The knee is the point furthest below the line between the front\u2019s extremes.",
    ),
  );
}

const part = (name) => document.getElementById(name);

drawHeader(part("header"));
drawAxisPickers(part("axis-pickers"));
drawLegend(part("legend"));
view.redraw = responsive(part("scatter"), (width) => drawPicture(part("scatter"), width));
selection.listeners.push(
  () => view.redraw(),
  (trial) => drawDetails(part("details"), trial),
  (trial) => drawListening(part("listening"), trial),
  (trial) => markChosenRow(part("trials"), trial),
);
drawChoosing(part("choosing"));
drawTable(part("trials"));
drawFooter(part("footer"));
requestAnimationFrame(() =>
  setTimeout(() => {
    drawParallelSection(part("parallel"));
    drawImportanceSection(part("importance"));
    drawHistorySection(part("history"));
    document.documentElement.dataset.ready = "true";
  }),
);
