// Puts the comparison on the page.

function drawHeader(container) {
  container.replaceChildren(
    paragraph("kind", "Pareto fronts compared"),
    element("h1", {}, sweep.name),
    ...sweep.said.filter(Boolean).map((sentence) => paragraph("summary", sentence)),
    sweep.cautions.length ? paragraph("summary caution", ...sweep.cautions) : "",
  );
}

function drawSides(container) {
  const chip = (side) => {
    const toggle = element("button", { type: "button", class: "chip", "aria-pressed": "true" }, sideMark(side));
    toggle.append(`${sides[side].label} ${sides[side].points}`);
    toggle.addEventListener("click", () => {
      if (!view.hidden.delete(side)) view.hidden.add(side);
      toggle.setAttribute("aria-pressed", String(!view.hidden.has(side)));
      view.redraw();
    });
    return toggle;
  };
  container.replaceChildren(...sides.map((_, side) => chip(side)));
}

function drawFooter(container) {
  const written = new Date(sweep.written);
  const corner = objectives.map(({ metric }) => `${metric} ${formatNumber(sweep.reference[metric])}`);
  const hash = sides[0].data_hash;
  container.replaceChildren(
    paragraph("", `Written ${written.toISOString().slice(0, 16).replace("T", " ")} UTC.`),
    paragraph("", `Reference point: ${corner.join(", ")}.`, hash ? `Same data in all: ${hash.slice(0, 16)}.` : ""),
    ...sides.map(({ label: owner, folder, sweep_id: id }) =>
      element("p", {}, `${owner}: `, element("code", { class: "selectable" }, folder), `, sweep ${id}`),
    ),
  );
}

const part = (name) => document.getElementById(name);

drawHeader(part("header"));
drawAxisPickers(part("axis-pickers"));
drawSides(part("legend"));
view.redraw = responsive(part("scatter"), (width) => {
  drawPicture(part("scatter"), width);
  if (!view.depth) drawRibbon(part("scatter").firstChild, scatterScales(width, part("scatter").firstChild.clientHeight));
});
selection.listeners.push(
  () => view.redraw(),
  (trial) => drawDetails(part("details"), trial),
);
part("details").append(paragraph("quiet", "A click on a point shows its values, its run and its export command."));
drawClasses(part("classes"));
drawIndicators(part("indicators"));
drawFooter(part("footer"));
document.documentElement.dataset.ready = "true";
