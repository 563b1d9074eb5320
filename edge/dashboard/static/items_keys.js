import { byId } from "./dom.js";

// j goes to what is older, k to what is newer, unless somebody writes.
export function turnWithKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) return;
    const link = { j: byId("older"), k: byId("newer") }[event.key];
    if (link) link.click();
  });
}
