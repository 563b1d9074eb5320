import { byId, make, rebuild, show, tone, write } from "./dom.js";
import { TONES } from "./decision.js";
import * as format from "./format.js";

export function renderRecent(recent) {
  show(byId("recent-empty"), recent.length === 0);
  show(byId("recent-table"), recent.length > 0);
  rebuild(byId("recent-rows"), recent, () => recent.map(row));
}

function row(entry) {
  const line = make("tr");
  line.setAttribute("role", "row");
  const names = entry.labels.map(format.labelled).join(", ") || "none recognised";
  line.append(timeCell(entry), cell("brick", names));
  line.append(cell("bin", format.binned(entry.bin)), outcomeCell(entry.outcome));
  line.append(cell("sentence", entry.sentence));
  return line;
}

function cell(className, text) {
  const node = make("td", className, text);
  node.setAttribute("role", "cell");
  return node;
}

function timeCell(entry) {
  const node = cell("time");
  const link = make("a", "", format.clock(entry.seen_at_s));
  link.href = `/items/${entry.item_id}`;
  link.setAttribute("aria-label", `Item ${entry.item_id}, ${link.textContent}`);
  node.append(link);
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
  const counted = balance.parts.filter((part) => part.items > 0);
  rebuild(byId("balance-stack"), balance, () => counted.map(stretch));
  rebuild(byId("balance-counts"), balance, () => balance.parts.flatMap(counts));
  show(byId("balance-note"), !balance.reconciles);
}

function stretch(part) {
  const node = make("span");
  tone(node, TONES[part.word]);
  node.style.setProperty("flex-grow", part.items);
  return node;
}

function counts(part) {
  const finer = part.within.map((inside) => pair(`of which ${inside.words}`, inside.items, "finer"));
  return [pair(part.word, part.items, part.items ? "" : "zero"), ...finer];
}

function pair(name, items, className) {
  const node = make("div", className);
  node.append(make("dt", "", name), make("dd", "", String(items)));
  return node;
}
