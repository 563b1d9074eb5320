import { announce, byId, make, onUse, show, usable, write } from "./dom.js";
import { holdable } from "./hold.js";
import { getJson, post } from "./http.js";
import { turnWithKeys } from "./items_keys.js";

const id = byId("item").dataset.id;
const right = byId("right");
const choices = byId("choices");

turnWithKeys();
showMapsOf(document.querySelector("[data-map]")?.dataset.map);
for (const button of document.querySelectorAll("[data-map]")) {
  button.addEventListener("click", () => showMapsOf(button.dataset.map));
}
if (byId("compare")) {
  holdable(byId("compare"), (held) => {
    byId("panes").classList.toggle("comparing", held);
    byId("compare").setAttribute("aria-pressed", String(held));
  });
}
if (choices) letCorrect();
lookForAlike();

function showMapsOf(index) {
  if (index === undefined) return;
  for (const button of document.querySelectorAll("[data-map]")) {
    button.setAttribute("aria-pressed", String(button.dataset.map === index));
  }
  for (const map of document.querySelectorAll(".map[data-kind]")) {
    const caption = map.closest("figure").querySelector(`[data-of="${index}"]`);
    for (const line of map.closest("figure").querySelectorAll("[data-of]")) {
      show(line, line === caption);
    }
    show(map, Boolean(caption));
    if (!caption) continue;
    const address = `/items/${id}/${map.dataset.kind}/${index}.jpg`;
    if (!map.src.endsWith(address)) map.src = address;
    const method = map.dataset.kind === "cam" ? "Grad-CAM" : "LIME";
    map.alt = `${method} of ${caption.querySelector("b").textContent}`;
  }
}

function letCorrect() {
  choices.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-label]");
    if (chip) chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
  });
  byId("more").addEventListener("input", () => addNamed(false));
  byId("more").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    addNamed(true);
  });
  byId("correct").addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("save").getAttribute("aria-disabled") === "true") return;
    if (byId("more").value.trim() && !addNamed(true)) return;
    const pressed = choices.querySelectorAll('[aria-pressed="true"]');
    say("", { labels: [...pressed].map((chip) => chip.dataset.label), note: byId("note").value });
  });
  onUse(byId("confirm"), () => {
    const labels = [...document.querySelectorAll("#recognised [data-id]")].map((one) => one.dataset.id);
    say("", { labels, note: byId("note").value });
  });
  onUse(byId("undo"), () => say("/undo", {}));
}

// Add the type that is written there to the choices; whether there is such a one.
function addNamed(sure) {
  const field = byId("more");
  const written = field.value.trim().toLowerCase();
  const options = [...byId("types").options];
  const exact = (one) => [one.value.toLowerCase(), one.dataset.id.toLowerCase()].includes(written);
  const near = options.filter((one) => one.value.toLowerCase().includes(written));
  const whole = options.find((one) => one.value.toLowerCase() === written);
  const found = sure ? options.find(exact) || (near.length === 1 ? near[0] : null) : whole;
  if (!found) {
    if (sure && written) complain(`No type is called “${field.value}”${near.length ? `; ${near.length} are much like it` : ""}.`);
    return false;
  }
  const known = [...choices.children].find((chip) => chip.dataset.label === found.dataset.id);
  const chip = known || make("button", "button small", found.value);
  chip.type = "button";
  chip.dataset.label = found.dataset.id;
  chip.setAttribute("aria-pressed", "true");
  if (!known) choices.append(chip);
  field.value = "";
  complain("");
  return true;
}

async function say(where, body) {
  const buttons = [byId("confirm"), byId("undo"), byId("save")];
  for (const button of buttons) usable(button, false);
  complain("");
  try {
    const version = Number(right.dataset.version);
    const { correction } = await post(`/api/items/${id}/correction${where}`, { ...body, version });
    tell(correction);
    announce(`Kept: ${correction.said}.`);
  } catch (error) {
    // Somebody else was first: theirs is shown, and what was chosen here stays to be sent again.
    if (error.said?.correction) tell(error.said.correction);
    complain(error.message);
  }
  usable(byId("confirm"), true);
  usable(byId("save"), true);
  usable(byId("undo"), right.dataset.version !== "0");
}

function tell(correction) {
  right.dataset.version = correction.version;
  const words = make("b", "", correction.said);
  byId("said").replaceChildren(`${correction.who} at ${correction.at}: `, words);
  const line = make("li", "", `${correction.at} ${correction.who}: ${correction.said}`);
  byId("history-list").prepend(line);
  show(byId("history"), byId("history-list").children.length > 1);
}

function complain(text) {
  write(byId("right-problem"), text);
  show(byId("right-problem"), Boolean(text));
}

async function lookForAlike() {
  const { items } = await getJson(`/api/items/${id}/similar`).catch(() => ({ items: [] }));
  byId("alike-list").replaceChildren(...items.map(alike));
  show(byId("alike"), items.length > 0);
}

function alike(item) {
  const row = make("li");
  const link = make("a");
  link.href = `/items/${item.item_id}`;
  const picture = make("img");
  picture.src = `/items/${item.item_id}/thumb.jpg`;
  picture.alt = "";
  const said = item.correction ? `: ${item.correction.said}` : "";
  link.append(picture, `Item ${item.item_id}${said}`);
  row.append(link);
  return row;
}
