// The hypervolume over finished trials: whether more trials still pay.

function drawHistory(container, width) {
  const values = sweep.history;
  const height = Math.round(Math.min(280, Math.max(200, width * 0.5)));
  const x = makeScale([0, Math.max(values.length, 1)], [58, width - 14], false);
  const y = makeScale([0, (Math.max(...values, 0) || 1) * 1.06], [height - 46, 30], false);
  const steps = [[x(0), y(0)]];
  values.forEach((value, index) => {
    steps.push([x(index + 1), steps.at(-1)[1]]);
    steps.push([x(index + 1), y(value)]);
  });
  const root = svg("svg", {
    width,
    height,
    role: "img",
    "aria-label": `Hypervolume ${formatNumber(sweep.hypervolume)} after ${values.length} finished trials`,
  });
  root.append(
    drawAxes({ x, y }, { x: "finished trials", y: "hypervolume \u2191 better" }),
    svg("path", { class: "front-line", d: linePath(steps) }),
  );
  container.replaceChildren(root);
}

function drawHistorySection(container) {
  const drawing = element("div", { class: "chart" });
  const corner = objectives.map(({ metric }) => `${metric} ${formatNumber(sweep.reference[metric])}`);
  container.replaceChildren(
    element("h2", { id: "history-title" }, "Hypervolume over finished trials"),
    drawing,
    paragraph("caption", `What the front dominates, up to ${corner.join(", ")}, on the objectives\u2019 scales.`),
  );
  responsive(drawing, (width) => drawHistory(drawing, width));
}
