// Puts the comparison of fronts on the page.

import { fromAddress, hasAddress, keepAddress } from "./address.js";
import { drawAxisPickers, showPressed, toggleHidden } from "./controls.js";
import { drawDetails } from "./details.js";
import { responsive } from "./drawing.js";
import { button, element, paragraph } from "./elements.js";
import { formatNumber, withItsUnit } from "./numbers.js";
import { drawChosen, drawScatter, scatterScales } from "./scatter.js";
import { drawSpace } from "./space.js";
import { change, on, state } from "./state.js";
import { objectives, sides, sweep } from "./sweep.js";
import { drawClasses, drawIndicators, drawRibbon, sideMark } from "./verdicts.js";

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
    const toggle = button("", () => toggleHidden(side), { class: "chip" });
    toggle.append(sideMark(side), `${sides[side].label} ${formatNumber(sides[side].points)}`);
    return showPressed(toggle, side);
  };
  container.replaceChildren(...sides.map((_, side) => chip(side)));
}

function drawFooter(container) {
  const written = new Date(sweep.written);
  const corner = objectives.map(({ metric }) => `${metric} ${withItsUnit(metric, sweep.reference[metric])}`);
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

if (hasAddress()) change(fromAddress());
drawHeader(part("header"));
drawAxisPickers(part("axis-pickers"));
drawSides(part("legend"));
const redrawPicture = responsive(part("scatter"), (width) => {
  if (state.depth) drawSpace(part("scatter"), width, () => redrawPicture());
  else drawScatter(part("scatter"), width);
  const height = Number(part("scatter").firstChild.getAttribute("height"));
  if (!state.depth) drawRibbon(part("scatter").firstChild, scatterScales(width, height));
});
on(["x", "y", "log", "depth", "hidden", "zoom", "where"], redrawPicture);
on(["chosen"], () => (state.depth ? redrawPicture() : drawChosen()));
on(["chosen"], () => drawDetails(part("details")));
drawDetails(part("details"));
drawClasses(part("classes"));
drawIndicators(part("indicators"));
drawFooter(part("footer"));
keepAddress();
document.documentElement.dataset.ready = "true";
