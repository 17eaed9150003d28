// SVG elements, marks that stay one path however many trials they show, and drawings that follow their width.

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function label(x, y, text, attributes = {}) {
  return svg("text", { x, y, ...attributes }, text);
}

export const round = (value) => Math.round(value * 10) / 10;

export const MARKS = {
  front: (x, y) => circlePath(x, y, 5),
  dominated: (x, y) => circlePath(x, y, 2.6),
  pruned: (x, y) => circlePath(x, y, 3),
  infeasible: (x, y) => `M${x - 3.6} ${y}l3.6 -3.6l3.6 3.6l-3.6 3.6z`,
  failed: (x, y) => `M${x - 3} ${y - 3}l6 6m0 -6l-6 6`,
  running: (x, y) => `M${x - 3} ${y}h6m-3 -3v6`,
  waiting: (x, y) => `M${x - 3} ${y}h6`,
};

// One front is round; of several that are compared, each has a shape of its own.
const SIDE_SHAPES = [
  null,
  (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
  (x, y, r) => `M${x} ${y - 1.2 * r}l${1.2 * r} ${2.1 * r}h${-2.4 * r}z`,
  (x, y, r) => `M${x} ${y - 1.35 * r}l${1.35 * r} ${1.35 * r}l${-1.35 * r} ${1.35 * r}l${-1.35 * r} ${-1.35 * r}z`,
  (x, y, r) => `M${x} ${y + 1.2 * r}l${1.2 * r} ${-2.1 * r}h${-2.4 * r}z`,
];

export function pointMark(side, cx, cy, r, attributes = {}) {
  const shape = SIDE_SHAPES[(side ?? 0) % SIDE_SHAPES.length];
  return shape
    ? svg("path", { d: shape(cx, cy, 0.92 * r), ...attributes })
    : svg("circle", { cx, cy, r, ...attributes });
}

export const sideClass = ({ side }) => (side === undefined ? "" : `side-${side % 6}`);

export function circlePath(x, y, radius) {
  return `M${x - radius} ${y}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;
}

export function markPath(kind, places) {
  return places.map(([x, y]) => MARKS[kind](round(x), round(y))).join("");
}

export function linePath(places) {
  return places.map(([x, y], index) => `${index ? "L" : "M"}${round(x)} ${round(y)}`).join("");
}

// Where in a drawing an event happened.
export function placeIn(root, event) {
  const box = root.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

// Notes that are moved up or down until they cover neither each other nor what was there before.
export function noteBoard(top, bottom) {
  const taken = [];
  return (x, y, text, attributes = {}) => {
    const width = 7 * text.length;
    const left = attributes["text-anchor"] === "end" ? x - width : x;
    const free = (at) => taken.every((box) => left + width < box[0] || left > box[1] || Math.abs(at - box[2]) >= 15);
    const steps = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6].map((step) => y + 15 * step);
    const at = steps.find((step) => step > top + 8 && step < bottom - 2 && free(step)) ?? y;
    taken.push([left, left + width, at]);
    return label(round(x), round(at), text, { class: "note", ...attributes });
  };
}

const LEAST_WIDTH_PX = 240;

// Draws now and again whenever the container's width changes; on paper, where it can't, drawings shrink with it.
export function responsive(container, draw) {
  let width = 0;
  const redraw = () => {
    width = container.clientWidth;
    if (!width) return;
    draw(Math.max(width, LEAST_WIDTH_PX));
    for (const drawn of container.querySelectorAll(":scope svg[width][height]:not([viewBox])")) {
      drawn.setAttribute("viewBox", `0 0 ${drawn.getAttribute("width")} ${drawn.getAttribute("height")}`);
    }
  };
  new ResizeObserver(() => {
    if (Math.abs(container.clientWidth - width) >= 1) redraw();
  }).observe(container);
  redraw();
  return redraw;
}
