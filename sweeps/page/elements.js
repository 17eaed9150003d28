// Elements; whatever comes from a sweep enters the page as text, never as markup.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function paragraph(kind, ...sentences) {
  return element("p", { class: kind }, sentences.filter(Boolean).join(" "));
}

export function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, label);
}

export function choice(label, options, chosen, onchange) {
  const select = element("select", { "aria-label": label, onchange: () => onchange(select.value) });
  for (const [value, text] of options) select.append(element("option", { value, selected: value === chosen }, text));
  return select;
}

export function section(title, content) {
  return element("div", { class: "part" }, element("h3", {}, title), content);
}

export function fold(title, content, open = false) {
  return element("details", { class: "part", open }, element("summary", {}, title), content);
}

export function valueList(rows) {
  const lines = rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  return element("dl", {}, ...lines);
}

// True inside a tracker's frame, where copying is forbidden.
export const isFramed = window !== window.top;

// Copies, or selects for the user's own copying where that is forbidden; says which on the button.
export async function copy(text, shown, at) {
  const label = at.textContent;
  try {
    if (isFramed) throw new Error("framed");
    await navigator.clipboard.writeText(text);
    at.textContent = "Copied";
  } catch {
    shown.hidden = false;
    shown.textContent = text;
    getSelection().selectAllChildren(shown);
    at.textContent = "Selected";
  }
  setTimeout(() => {
    at.textContent = label;
  }, 1500);
}

export function copyable(text, label) {
  const code = element("code", { class: "selectable", tabindex: "0", "aria-label": label }, text);
  const act = button("Copy", () => copy(text, code, act), { class: "quiet", "aria-label": `Copy ${label}` });
  return element("div", { class: "copyable" }, code, act);
}
