// The machine: its link, what went wrong, and what it said last.
import { agree } from "./ask.js";
import { CONDITIONS, MISSING, NONE } from "./conditions.js";
import { announce, byId, make, onUse, rebuild, show, tone, usable, write } from "./dom.js";
import * as format from "./format.js";
import { get, post, repeat } from "./http.js";
import { promiseText } from "./machine.js";
import { Hand } from "./machine_page_hand.js";
import { startSettings } from "./machine_page_settings.js";

const EVERY_MS = 1000;
const TONES = { confirmed: "good", fired: "good", accepted: "quiet", missed: "bad", refused: "bad", unknown: "warn" };
const may = byId("machine-page").dataset.may === "yes";
const hand = may ? new Hand(byId("machine-page").dataset.person) : null;
let waiting = [];
let etag = null;

async function step() {
  const answer = await get("/api/machine", etag ? { "If-None-Match": etag } : {});
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(`the device answered ${answer.status}`);
  render(await answer.json());
  etag = answer.headers.get("ETag");
}

function render(state) {
  renderLink(state);
  renderTrips(state.round_trips);
  renderFaults(state.faults);
  renderHand(state);
  renderReceipts(state);
}

function renderLink({ machine, mode, clock_s: clock, faults }) {
  const found = CONDITIONS[machine.condition] || (machine.problem ? MISSING : NONE);
  write(byId("link-kind"), `${machine.kind} · mode ${mode}`);
  write(byId("link-condition"), found.text);
  tone(byId("link-condition"), found.tone);
  optional("link-reason", [machine.reason, machine.problem].filter(Boolean).join(" · "));
  optional("link-promise", promiseText(machine));
  const rows = [
    ["Waiting", machine.queued === null ? "–" : `${machine.queued} of ${machine.queue_depth ?? "–"}`],
    ["Its clock", clock === null ? "–" : `${clock.toFixed(1)} s`],
    ["Watchdog", machine.watchdog_s === null ? "–" : `${machine.watchdog_s} s`],
    ["Bins", String(machine.bins.length)],
  ];
  facts("link-facts", rows);
  if (may) usable(byId("machine-arm"), machine.condition !== null && machine.condition !== "armed" && !faults.waiting);
}

function optional(id, text) {
  show(byId(id), text !== "");
  write(byId(id), text);
}

function facts(id, rows) {
  rebuild(byId(id), rows, () =>
    rows.map(([name, value]) => {
      const node = make("div");
      node.append(make("dt", "", name), make("dd", "", value));
      return node;
    }),
  );
}

function renderTrips({ count, p50, p95, max, last }) {
  show(byId("trips-none"), count === 0);
  // An SVG has no `hidden` of its own in script.
  byId("trips").toggleAttribute("hidden", count === 0);
  const top = Math.max(...last, 0.001);
  const points = last.map((ms, n) => `${((n * 200) / Math.max(1, last.length - 1)).toFixed(1)},${(38 - (36 * ms) / top).toFixed(1)}`);
  byId("trips-line").setAttribute("points", points.join(" "));
  byId("trips").setAttribute("aria-label", `The last ${last.length} round trips, up to ${top} ms`);
  const ms = (value) => `${value} ms`;
  facts("trips-facts", count ? [["Half within", ms(p50)], ["95 % within", ms(p95)], ["Longest", ms(max)], ["Measured", `last ${count}`]] : []);
}

function renderFaults({ waiting: many, list }) {
  waiting = list.filter((fault) => fault.seen_by === null).map((fault) => fault.number);
  write(byId("faults-sum"), many ? `${many} to acknowledge` : "");
  optional("faults-wait", many ? "Look at the machine first. It is armed again only when every fault is acknowledged." : "");
  show(byId("faults-empty"), list.length === 0);
  show(byId("faults"), list.length > 0);
  rebuild(byId("faults"), list, () => list.map(fault));
  if (may) usable(byId("faults-all"), many > 0);
}

function fault(found) {
  const node = make("li");
  const top = make("div", "fault-top");
  const pill = make("span", "pill", found.kind);
  tone(pill, found.seen_by === null ? "bad" : "quiet");
  const times = found.times > 1 ? `${found.times} times, last ` : "";
  top.append(pill, make("span", "muted", `${times}${format.clock(found.at_s)}`));
  if (may && found.seen_by === null) top.append(seenButton(found));
  node.append(top, make("p", "", found.text));
  if (found.seen_by !== null) node.append(make("p", "muted", `seen by ${found.seen_by} at ${format.clock(found.seen_at_s)}`));
  return node;
}

function seenButton(found) {
  const button = make("button", "button small", "Acknowledge");
  button.type = "button";
  button.setAttribute("aria-label", `Acknowledge: ${found.text}`);
  button.addEventListener("click", () => acknowledge([found.number]));
  return button;
}

async function acknowledge(numbers) {
  await ask("/api/machine/acknowledge", { faults: numbers }, "Acknowledged. Arm the machine to go on.");
  byId("faults-title").closest("section").querySelector("#faults-all").focus();
}

async function ask(path, body, done) {
  try {
    await post(path, body);
    announce(done);
  } catch (error) {
    announce(`Not done: ${error.message}.`);
  }
}

function renderHand(state) {
  const { who, ended, moves } = state.by_hand;
  write(byId("hand-who"), who ? `${who} moves it` : "");
  rebuild(byId("hand-moves"), moves, () =>
    moves.map((moved) => make("li", "", `${format.binned(moved.bin)}: ${moved.sent ? moved.text : `not sent, ${moved.text}`}`)),
  );
  if (hand) hand.render(state);
  else write(byId("hand-text"), who ? "Sorting waits." : ended ? `Ended: ${ended}.` : "A technician can move it by hand.");
}

function renderReceipts({ receipts, problem }) {
  optional("receipts-problem", problem || "");
  show(byId("receipts-empty"), receipts.length === 0 && !problem);
  show(byId("receipts-box"), receipts.length > 0);
  rebuild(byId("receipts"), receipts, () => receipts.map(receipt));
}

function receipt(said) {
  const row = make("tr");
  const link = make("a", "", String(said.item_id));
  link.href = `/items/${said.item_id}`;
  link.setAttribute("aria-label", `Item ${said.item_id}`);
  const pill = make("span", "pill", said.state);
  tone(pill, TONES[said.state] || "quiet");
  const why = [said.cause === "none" ? "" : said.cause.replaceAll("_", " "), said.reason].filter(Boolean).join(": ");
  for (const part of [format.clock(said.at_s), link, `${said.bin.number} ${said.bin.name}`, pill, `${said.after_ms} ms`, why]) {
    const cell = make("td");
    cell.append(part);
    row.append(cell);
  }
  return row;
}

async function arm() {
  const sure = await agree(
    "Arm the machine?",
    "From then on it moves by itself whenever a brick is recognised. Make sure that nobody reaches into it.",
    "Arm the machine",
  );
  if (sure) ask("/api/arm", { confirm: true }, "Asked the machine to arm.");
}

if (may) {
  onUse(byId("machine-arm"), arm);
  onUse(byId("faults-all"), () => acknowledge(waiting));
}
startSettings(may);
repeat(step, () => EVERY_MS, () => (etag = null));
