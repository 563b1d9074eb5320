// Text reaches the page by textContent only: names and reasons come from machines and files.

export function byId(id) {
  return document.getElementById(id);
}

export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

// A button that cannot be used keeps the focus that a disabled one would lose.
export function usable(button, can) {
  const value = String(!can);
  if (button.getAttribute("aria-disabled") !== value) button.setAttribute("aria-disabled", value);
}

export function onUse(button, act) {
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") !== "true") act();
  });
}

export function tone(node, name) {
  if (node.dataset.tone !== name) node.dataset.tone = name;
}

// Replace the children only where what they are made of has changed, so that nothing is read
// out, scrolled or selected anew for nothing.
export function rebuild(node, source, children) {
  const key = JSON.stringify(source);
  if (node.rebuiltFrom === key) return;
  node.rebuiltFrom = key;
  node.replaceChildren(...children());
}

let clearing = 0;

export function announce(text, { stays = false } = {}) {
  const notice = byId("notice");
  write(notice, text);
  clearTimeout(clearing);
  if (!stays) clearing = setTimeout(() => write(notice, ""), 6000);
}
