// SVG elements, marks that stay one path however many trials they show, and drawings that follow their width.

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function label(x, y, text, attributes = {}) {
  return svg("text", { x, y, ...attributes }, text);
}

const round = (value) => Math.round(value * 10) / 10;

const MARKS = {
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

function pointMark(side, cx, cy, r) {
  const shape = SIDE_SHAPES[(side ?? 0) % SIDE_SHAPES.length];
  return shape ? svg("path", { d: shape(cx, cy, 0.92 * r) }) : svg("circle", { cx, cy, r });
}

const sideClass = ({ side }) => (side === undefined ? "" : `side-${side % 6}`);

function circlePath(x, y, radius) {
  return `M${x - radius} ${y}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;
}

function markPath(kind, places) {
  return places.map(([x, y]) => MARKS[kind](round(x), round(y))).join("");
}

function linePath(places) {
  return places.map(([x, y], index) => `${index ? "L" : "M"}${round(x)} ${round(y)}`).join("");
}

const LEAST_WIDTH_PX = 240;

// Draws now and again whenever the container's width changes; on paper, where it can't, drawings shrink with it.
function responsive(container, draw) {
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
