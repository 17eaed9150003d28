// Mouse, touch and keys on a drawing of trials: the nearest one's values, a choice, a region; arrows walk the front.

import { placeIn, round, svg } from "./drawing.js";
import { choose, state } from "./state.js";
import { showTip } from "./tip.js";

const NEAR_PX = 26;
const DRAG_PX = 10;

// `places` are {trial or reference, at}; a drag of the mouse hands its two corners to `region`, where there is one.
export function follow({ root, tip, places, region = null }) {
  let start = null;
  const frame = svg("rect", { class: "region", visibility: "hidden" });
  const halo = svg("circle", { class: "hover", r: 10, visibility: "hidden" });
  root.append(frame, halo);
  const hover = (found) => {
    showTip(tip, found, root.clientWidth);
    halo.setAttribute("visibility", found ? "visible" : "hidden");
    if (!found) return;
    halo.setAttribute("cx", round(found.at[0]));
    halo.setAttribute("cy", round(found.at[1]));
  };
  root.addEventListener("pointermove", (event) => {
    const at = placeIn(root, event);
    if (start) stretch(frame, start, at);
    else hover(nearest(places, at));
  });
  root.addEventListener("pointerleave", () => hover(null));
  root.addEventListener("pointerdown", (event) => {
    if (region && event.pointerType === "mouse" && event.button === 0) {
      start = placeIn(root, event);
      root.setPointerCapture(event.pointerId);
      hover(null);
    }
  });
  let dragged = false;
  root.addEventListener("pointerup", (event) => {
    const [from, to] = [start, placeIn(root, event)];
    start = null;
    frame.setAttribute("visibility", "hidden");
    dragged = Boolean(from) && Math.abs(to[0] - from[0]) > DRAG_PX && Math.abs(to[1] - from[1]) > DRAG_PX;
    if (dragged) region(from, to);
  });
  root.addEventListener("click", (event) => {
    const found = dragged ? null : nearest(places, placeIn(root, event));
    dragged = false;
    if (found?.trial) choose(found.trial);
    else if (found) hover(found);
  });
}

// Points of the front win over what lies beside them.
export function nearest(places, [x, y]) {
  let [best, distance] = [null, NEAR_PX];
  for (const place of places) {
    const away = Math.hypot(place.at[0] - x, place.at[1] - y) - (place.trial?.kind === "front" ? 4 : 0);
    if (away < distance) [best, distance] = [place, away];
  }
  return best;
}

function stretch(frame, from, to) {
  frame.setAttribute("visibility", "visible");
  frame.setAttribute("x", Math.min(from[0], to[0]));
  frame.setAttribute("y", Math.min(from[1], to[1]));
  frame.setAttribute("width", Math.abs(to[0] - from[0]));
  frame.setAttribute("height", Math.abs(to[1] - from[1]));
}

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

// One stop for Tab; inside, arrows walk over `ordered` ({trial, at}), Home and End go to its ends.
export function walk(root, ordered) {
  root.addEventListener("keydown", (event) => {
    if (!ordered.length || event.target !== root || event.ctrlKey || event.altKey || event.metaKey) return;
    const here = ordered.findIndex(({ trial }) => trial === state.chosen);
    const step = STEPS[event.key];
    const ends = { Home: 0, End: ordered.length - 1 };
    let next = ends[event.key] ?? null;
    if (step) next = here < 0 ? 0 : Math.max(0, Math.min(ordered.length - 1, here + step));
    if (next === null) return;
    event.preventDefault();
    choose(ordered[next].trial);
  });
}
