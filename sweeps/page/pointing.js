// Mouse and touch on the scatter: the nearest trial's values, a click to select it, a drag to look closer.

function follow(root, tip, shown, scales) {
  let start = null;
  const frame = svg("rect", { class: "zoom", visibility: "hidden" });
  root.append(frame);
  const place = (event) => {
    const box = root.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  root.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (start) stretch(frame, start, at);
    else showTip(tip, nearest(shown, at), root.clientWidth);
  });
  root.addEventListener("pointerleave", () => {
    tip.hidden = true;
  });
  root.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) start = place(event);
  });
  root.addEventListener("pointerup", (event) => {
    const [from, to] = [start, place(event)];
    start = null;
    if (from && Math.abs(to[0] - from[0]) > 12 && Math.abs(to[1] - from[1]) > 12) zoomTo(scales, from, to);
    else frame.setAttribute("visibility", "hidden");
  });
  root.addEventListener("click", (event) => {
    const found = nearest(shown, place(event));
    if (found) selection.set(found.trial);
  });
}

// Points of the front win over what lies beside them.
function nearest(shown, [x, y]) {
  let [best, distance] = [null, NEAR_PX];
  for (const place of shown) {
    const away = Math.hypot(place.at[0] - x, place.at[1] - y) - (place.trial.kind === "front" ? 4 : 0);
    if (away < distance) [best, distance] = [place, away];
  }
  return best;
}

function showTip(tip, place, width) {
  tip.hidden = !place;
  if (!place) return;
  const { trial, at } = place;
  const axes = [...new Set([view.y, view.x, view.depth])].filter((name) => name && name !== "trial");
  const rows = [
    ...axes.map((name) => [withUnit(name), metricOf(trial, name)]),
    ...trustRows(trial),
    ...sweep.params.map(({ name }) => [name, paramOf(trial, name)]).filter(([, value]) => value !== null),
  ];
  tip.replaceChildren(
    element("strong", {}, `Trial ${trial.number}`),
    ` ${standing(trial)}`,
    valueList(rows),
  );
  tip.style.top = `${at[1] + 14}px`;
  const toLeft = at[0] > width / 2;
  tip.style.left = toLeft ? "auto" : `${at[0] + 14}px`;
  tip.style.right = toLeft ? `${width - at[0] + 14}px` : "auto";
}

function valueList(rows) {
  return element(
    "dl",
    {},
    ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, formatNumber(value))]),
  );
}

function stretch(frame, from, to) {
  frame.setAttribute("visibility", "visible");
  frame.setAttribute("x", Math.min(from[0], to[0]));
  frame.setAttribute("y", Math.min(from[1], to[1]));
  frame.setAttribute("width", Math.abs(to[0] - from[0]));
  frame.setAttribute("height", Math.abs(to[1] - from[1]));
}

function zoomTo(scales, from, to) {
  const span = (scale, a, b) => [scale.invert(a), scale.invert(b)].sort((u, v) => u - v);
  view.zoom = { x: span(scales.x, from[0], to[0]), y: span(scales.y, from[1], to[1]) };
  view.redraw();
}
