// Settings: gathered as changes, tried on the last items, applied to edge.toml, or undone.
import { agree } from "./ask.js";
import { announce, byId, make, onUse, rebuild, show, usable, write } from "./dom.js";
import * as format from "./format.js";
import { getJson, pause, post } from "./http.js";
import { Region } from "./machine_page_roi.js";

const ROI = "camera.roi";
const WAIT_MS = 700;
const TRIES = 120;
const PREVIEW_MS = 20000;
const AGAIN = "The device starts anew with it, and the machine stops: arm it again afterwards.";
const changes = new Map();
let settings = null;
let region = null;
let canChange = false;

export async function startSettings(may) {
  canChange = may;
  region = new Region((shares) => change(ROI, shares, settings?.roi), may);
  byId("settings").addEventListener("submit", (event) => event.preventDefault());
  byId("threshold-label").addEventListener("change", showThreshold);
  if (may) {
    onUse(byId("preview"), preview);
    onUse(byId("apply"), apply);
    onUse(byId("undo"), undo);
    byId("threshold-set").addEventListener("click", setThreshold);
    byId("threshold-own").addEventListener("click", () => setThreshold(null));
  }
  await load();
}

async function load() {
  try {
    settings = await getJson("/api/settings");
  } catch (error) {
    note(`The settings cannot be shown: ${error.message}.`);
    return;
  }
  if (settings.loaded !== settings.sha256) note("edge.toml was changed since the device started; that holds from its next start.");
  region.show(settings.roi);
  byId("numbers").replaceChildren(...settings.numbers.map(numberRow));
  const options = settings.thresholds.map((label) => {
    const option = make("option", "", format.labelled(label));
    option.value = label.id;
    return option;
  });
  byId("threshold-label").replaceChildren(...options);
  showThreshold();
  renderChanges();
}

function numberRow(setting) {
  const row = make("div");
  const label = make("label", "", setting.name);
  const input = make("input", "input");
  input.id = `set-${setting.path}`;
  label.htmlFor = input.id;
  Object.assign(input, { type: "number", min: setting.low, max: setting.high, step: "any" });
  input.placeholder = setting.default ?? "not set";
  input.value = setting.value ?? "";
  input.disabled = !canChange;
  input.addEventListener("change", () => {
    // What is no number reads as nothing, and would drop the setting.
    if (input.validity.badInput) {
      input.value = (changes.has(setting.path) ? changes.get(setting.path) : setting.value) ?? "";
      announce(`${setting.name}: expected a number, with a point: 0.3`);
    } else change(setting.path, input.value === "" ? null : input.valueAsNumber, setting.value);
  });
  row.append(label, input, make("span", "muted", setting.unit));
  return row;
}

function chosen() {
  return settings?.thresholds.find((label) => label.id === byId("threshold-label").value);
}

function showThreshold() {
  const label = chosen();
  if (!label) return;
  const now = label.threshold === null ? "The model does not report this type; a threshold set here makes it." : `${label.threshold} holds now, ${label.set === null ? "the model's own" : "set in edge.toml"}.`;
  write(byId("threshold-now"), now);
  byId("threshold-value").value = changes.get(`thresholds.${label.id}`) ?? label.threshold ?? "";
}

function setThreshold(value) {
  const label = chosen();
  if (!label) return;
  const typed = byId("threshold-value").valueAsNumber;
  if (value !== null && !(typed >= 0 && typed <= 1)) {
    announce("A threshold is a number from 0 to 1.");
    return;
  }
  change(`thresholds.${label.id}`, value === null ? null : typed, label.set);
}

function change(path, value, before) {
  if (JSON.stringify(value) === JSON.stringify(before ?? null)) changes.delete(path);
  else changes.set(path, value);
  show(byId("preview-box"), false);
  renderChanges();
}

function renderChanges() {
  const list = [...changes];
  show(byId("changes-empty"), list.length === 0);
  rebuild(byId("changes"), list, () => list.map(changeRow));
  if (!byId("apply")) return;
  usable(byId("preview"), list.length > 0);
  usable(byId("apply"), list.length > 0);
  usable(byId("undo"), Boolean(settings?.undo));
}

function changeRow([path, value]) {
  const node = make("li");
  const now = value === null ? "as without it" : path === ROI ? value.map((share) => `${Math.round(share * 100)} %`).join(", ") : value;
  const drop = make("button", "button small", "Drop");
  drop.type = "button";
  drop.setAttribute("aria-label", `Drop the change of ${path}`);
  drop.addEventListener("click", () => {
    changes.delete(path);
    const number = settings.numbers.find((one) => one.path === path);
    if (number) byId(`set-${path}`).value = number.value ?? "";
    if (path === ROI) region.show(settings.roi);
    showThreshold();
    show(byId("preview-box"), false);
    renderChanges();
  });
  node.append(make("span", "", `${path}: ${now}`), drop);
  return node;
}

async function preview() {
  announce("Deciding the last items again…");
  try {
    const found = await post("/api/settings/preview", { changes: Object.fromEntries(changes) }, PREVIEW_MS);
    renderPreview(found);
    announce("");
    show(byId("settings-note"), false);
  } catch (error) {
    refused(error);
  }
}

function renderPreview(found) {
  const [was, is] = found.review;
  const moved = found.moved === 1 ? "1 would go" : `${found.moved} would go`;
  const other = found.reworded ? `, ${found.reworded} to the same place for another reason` : "";
  const missing = found.without_evidence ? ` ${found.without_evidence} cannot be decided again.` : "";
  write(
    byId("preview-text"),
    `Of the last ${found.items} items ${moved} elsewhere${other}. For a person: ${format.percent(was)}, then ${format.percent(is)}.${missing}`,
  );
  const rows = [...found.bins, ...found.reasons];
  byId("preview-rows").replaceChildren(...rows.map(countRow));
  byId("preview-items").replaceChildren(...found.elsewhere.map(movedRow));
  show(byId("preview-box"), true);
}

function countRow({ name, before, after }) {
  const row = make("tr");
  const head = make("th", "", name);
  head.scope = "row";
  row.append(head, make("td", "", String(before)), make("td", before === after ? "" : "changed", String(after)));
  return row;
}

function movedRow(one) {
  const node = make("li");
  const link = make("a", "", `Item ${one.item_id}`);
  link.href = `/items/${one.item_id}`;
  node.append(link, ` ${one.labels.join(", ")}: ${one.before.bin} → ${one.after.bin}. ${one.after.text}`);
  return node;
}

async function apply() {
  if (!(await agree("Apply these settings?", AGAIN, "Apply and start anew"))) return;
  act("/api/settings/apply", { changes: Object.fromEntries(changes) });
}

async function undo() {
  if (!(await agree("Undo the last change?", `edge.toml becomes what it was before. ${AGAIN}`, "Undo and start anew"))) return;
  act("/api/settings/undo", {});
}

async function act(path, body) {
  try {
    await post(path, { ...body, sha256: settings.sha256, confirm: true });
  } catch (error) {
    refused(error);
    return;
  }
  for (const id of ["preview", "apply", "undo"]) usable(byId(id), false);
  note("The device starts anew; this page comes back by itself.");
  await back();
}

// It is back once what it loaded is what stands in the file.
async function back() {
  for (let tries = 0; tries < TRIES; tries += 1) {
    await pause(WAIT_MS);
    const found = await getJson("/api/settings").catch(() => null);
    if (found && found.loaded === found.sha256) {
      location.reload();
      return;
    }
  }
  note("The device did not come back. Look at its log; the file before is edge.toml.before.");
}

function refused(error) {
  announce("");
  note(error.message);
}

function note(text) {
  show(byId("settings-note"), true);
  write(byId("settings-note"), text);
}
