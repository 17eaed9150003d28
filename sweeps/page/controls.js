// What stands around the scatter: which metrics are on the axes, which trials are shown.

function drawAxisPickers(container) {
  const names = [...metrics.keys()].filter((name) => name === "trial" || sweep.trials.metrics[name]);
  const options = names.map((name) => [name, name]);
  const picker = (axis, text) =>
    element(
      "label",
      {},
      text,
      choice(`${text} axis`, options, view[axis], (name) => {
        view[axis] = name;
        refresh();
      }),
      logBox(axis),
    );
  const refresh = () => {
    view.zoom = null;
    drawAxisPickers(container);
    view.redraw();
  };
  const logBox = (axis) => {
    const box = element("input", {
      type: "checkbox",
      "aria-label": `${axis} axis logarithmic`,
      checked: Boolean(view.log[view[axis]]),
    });
    box.addEventListener("change", () => {
      view.log[view[axis]] = box.checked;
      refresh();
    });
    return element("span", { class: "log" }, box, "log");
  };
  const depth = () =>
    element(
      "label",
      {},
      "Deep",
      choice("Deep axis", [["", "none"], ...options], view.depth ?? "", (name) => {
        view.depth = name || null;
        refresh();
      }),
    );
  container.replaceChildren(picker("y", "Up"), picker("x", "Across"), objectives.length > 2 ? depth() : "");
}

function drawLegend(container) {
  const present = Object.keys(KIND_NAMES).filter((kind) => trials.some((trial) => trial.kind === kind));
  container.replaceChildren(
    ...present.map((kind) => {
      const count = trials.filter((trial) => trial.kind === kind).length;
      const mark = svg(
        "svg",
        { width: 14, height: 14, "aria-hidden": "true" },
        svg("path", { class: `mark ${kind}`, d: MARKS[kind](7, 7) }),
      );
      const chip = element(
        "button",
        { type: "button", class: "chip", "aria-pressed": String(!view.hidden.has(kind)) },
        mark,
        `${KIND_NAMES[kind]} ${count}`,
      );
      chip.addEventListener("click", () => {
        if (!view.hidden.delete(kind)) view.hidden.add(kind);
        chip.setAttribute("aria-pressed", String(!view.hidden.has(kind)));
        view.redraw();
      });
      return chip;
    }),
  );
}
