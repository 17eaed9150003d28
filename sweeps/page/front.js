// Puts the parts on the page of a front: the front at once, what lies below it when the browser has drawn that.

import { fromAddress, hasAddress, keepAddress } from "./address.js";
import { drawChoosing } from "./choosing.js";
import { drawColourLegend } from "./colour.js";
import { drawAxisPickers, drawLegend } from "./controls.js";
import { drawDetails } from "./details.js";
import { responsive } from "./drawing.js";
import { button, copyable, element, paragraph } from "./elements.js";
import { drawHistorySection } from "./history.js";
import { drawImportanceSection } from "./importance.js";
import { drawListening } from "./listening.js";
import { countedStates, formatNumber, plural } from "./numbers.js";
import { drawPairs } from "./pairs.js";
import { drawParallelSection } from "./parallel.js";
import { drawChosen, drawScatter } from "./scatter.js";
import { drawSpace } from "./space.js";
import { change, on, state } from "./state.js";
import { frontTrials, isRepeated, sweep, trials } from "./sweep.js";
import { drawTable } from "./table.js";
import { trustSentences } from "./trust.js";
import { drawVersus } from "./versus.js";
import { drawSetBar, drawWithin } from "./within.js";

function drawHeader(container) {
  const title = sweep.confirmed
    ? "A point is clear when chance does not explain its place on the front."
    : "Points were trained once; small differences may be noise.";
  const badge = element("span", { class: sweep.confirmed ? "badge good" : "badge", title }, sweep.standing);
  const [finished, due] = [sweep.history.length, sweep.budget.trials ?? sweep.history.length];
  container.replaceChildren(
    paragraph("kind", "Pareto front"),
    element("h1", {}, sweep.name, badge),
    paragraph(
      "summary",
      `${plural(frontTrials.length, "point")} from ${plural(trials.length, "trial")}: ${countedStates()}.`,
      `Hypervolume ${formatNumber(sweep.hypervolume)}.`,
    ),
    finished < due
      ? paragraph("summary", `So far ${formatNumber(finished)} of ${formatNumber(due)} trials have finished.`)
      : "",
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
      sweep.about_knee,
    ),
  );
}

// On narrow screens the details lie over the lower edge, folded until somebody chooses.
function drawSheet(aside) {
  const fold = button("Close", () => aside.classList.remove("open"), { class: "sheet-close" });
  aside.append(fold);
  on(["chosen"], () => aside.classList.add("open"));
}

const part = (name) => document.getElementById(name);

if (hasAddress()) change(fromAddress());
drawHeader(part("header"));
drawAxisPickers(part("axis-pickers"));
drawLegend(part("legend"));
const redrawPicture = responsive(part("scatter"), (width) => {
  if (state.depth) drawSpace(part("scatter"), width, () => redrawPicture());
  else drawScatter(part("scatter"), width);
  drawColourLegend(part("colour-legend"));
});
on(["x", "y", "log", "depth", "colour", "hidden", "zoom", "where"], redrawPicture);
on(["chosen", "pinned"], () => (state.depth ? redrawPicture() : drawChosen()));
on(["chosen", "pinned"], () => drawDetails(part("details")));
on(["chosen", "pinned"], () => drawVersus(part("versus")));
on(["chosen", "pinned", "clip", "where"], () => drawListening(part("listening")));
on(["where"], () => drawSetBar(part("set-bar")));
drawSetBar(part("set-bar"));
if (frontTrials.length) drawWithin(part("within"));
drawChoosing(part("choosing"));
drawDetails(part("details"));
drawVersus(part("versus"));
drawListening(part("listening"));
drawTable(part("trials"));
drawFooter(part("footer"));
drawSheet(part("chosen"));
requestAnimationFrame(() =>
  setTimeout(() => {
    drawPairs(part("pairs"));
    drawParallelSection(part("parallel"));
    drawImportanceSection(part("importance"));
    drawHistorySection(part("history"));
    keepAddress();
    document.documentElement.dataset.ready = "true";
  }),
);
