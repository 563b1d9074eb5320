import { byId, make, rebuild, show, tone, write } from "./dom.js";
import { TONES } from "./decision.js";
import * as format from "./format.js";

const OUTCOMES = ["confirmed", "fired", "review", "unmoved", "pending", "missed", "refused", "unknown"];

export function renderRecent(recent) {
  show(byId("recent-empty"), recent.length === 0);
  show(byId("recent-table"), recent.length > 0);
  rebuild(byId("recent-rows"), recent, () => recent.map(row));
}

function row(entry) {
  const line = make("tr");
  line.setAttribute("role", "row");
  const names = entry.labels.map(format.labelled).join(", ") || "none recognised";
  line.append(cell("time", format.clock(entry.seen_at_s)), cell("brick", names));
  line.append(cell("bin", format.binned(entry.bin)), outcomeCell(entry.outcome));
  line.append(cell("sentence", entry.sentence));
  return line;
}

function cell(className, text) {
  const node = make("td", className, text);
  node.setAttribute("role", "cell");
  return node;
}

function outcomeCell(outcome) {
  const node = cell("outcome");
  const pill = make("span", "pill", outcome);
  tone(pill, TONES[outcome] || "quiet");
  node.append(pill);
  return node;
}

export function renderBalance(balance) {
  write(byId("balance-seen"), balance.seen === 1 ? "1 item" : `${balance.seen} items`);
  const counted = OUTCOMES.filter((outcome) => balance[outcome] > 0);
  rebuild(byId("balance-stack"), balance, () => counted.map((outcome) => part(outcome, balance)));
  rebuild(byId("balance-counts"), balance, () => OUTCOMES.map((outcome) => count(outcome, balance)));
  show(byId("balance-note"), !balance.reconciles);
}

function part(outcome, balance) {
  const node = make("span");
  tone(node, TONES[outcome]);
  node.style.setProperty("flex-grow", balance[outcome]);
  return node;
}

function count(outcome, balance) {
  const pair = make("div", balance[outcome] ? "" : "zero");
  pair.append(make("dt", "", outcome), make("dd", "", String(balance[outcome])));
  return pair;
}
