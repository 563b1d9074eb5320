import { byId, show, write } from "./dom.js";
import { getJson, repeat } from "./http.js";
import { turnWithKeys } from "./items_keys.js";

const EVERY_MS = 4000;
const AT_MOST = 50;

const list = byId("items");
const filters = byId("filters");

// What was left open is not asked for: the address stays short enough to be sent to somebody.
filters.addEventListener("submit", () => {
  for (const field of filters.elements) if (field.name && !field.value) field.disabled = true;
});
window.addEventListener("pageshow", () => {
  for (const field of filters.elements) field.disabled = false;
});

turnWithKeys();

if (list.dataset.first === "yes") repeat(lookForNewer, () => EVERY_MS, () => {});

async function lookForNewer() {
  const query = list.dataset.query ? `${list.dataset.query}&` : "?";
  const after = `after=${list.dataset.newest}&limit=${AT_MOST}`;
  const { items, newer } = await getJson(`/api/items${query}${after}`);
  const count = newer ? `more than ${AT_MOST}` : items.length;
  write(byId("news"), items.length === 1 ? "Show 1 newer item" : `Show ${count} newer items`);
  show(byId("news"), items.length > 0);
}
