// The bins: what lies in them, what is wanted, and what to take away.
import { agree } from "./ask.js";
import { announce, byId, make, rebuild, show, tone, write } from "./dom.js";
import * as format from "./format.js";
import { get, post, repeat } from "./http.js";
import { renderBalance } from "./journal.js";

const EVERY_MS = 1000;
const FIRST = 6;
const may = byId("bins-page").dataset.may === "yes";
const cards = new Map();
let etag = null;
let shown = null;

async function step() {
  const answer = await get("/api/bins", etag ? { "If-None-Match": etag } : {});
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(`the device answered ${answer.status}`);
  render(await answer.json());
  etag = answer.headers.get("ETag");
}

function render(state) {
  shown = state;
  const full = state.bins.filter((bin) => bin.full);
  write(byId("bins-feeding"), state.feeding.ok ? "the feeder may go on" : `feeder: ${state.feeding.reason}`);
  show(byId("bins-full"), full.length > 0);
  write(byId("bins-full"), full.map(warning).join(" "));
  show(byId("bins-problem"), Boolean(state.problem));
  write(byId("bins-problem"), state.problem || "");
  show(byId("bins-empty"), state.bins.length === 0);
  for (const bin of state.bins) card(bin.number).render(bin);
  renderBalance(state.balance);
  renderWanted(state.wanted);
}

function warning(bin) {
  const then = bin.overflow ? `Meanwhile ${bin.overflow} takes over.` : "Nothing takes over.";
  return `Bin ${bin.number} ${bin.name} is full (${room(bin)}): empty it. ${then}`;
}

function room(bin) {
  return bin.capacity === null ? `${bin.items}` : `${bin.items} of ${bin.capacity}`;
}

function card(number) {
  if (!cards.has(number)) cards.set(number, new Card());
  return cards.get(number);
}

// Parts stay, so that whoever has the focus keeps it while the numbers change.
class Card {
  #name = make("h3");
  #room = make("b");
  #bar = make("progress");
  #note = make("p", "muted");
  #lots = make("ul", "lots");
  #details = make("details");
  #summary = make("summary");
  #rest = make("ul", "lots");
  #emptied = make("button", "button small", "Emptied…");
  #node = make("li", "bin-card");
  #bin = null;

  constructor() {
    const top = make("div", "bin-top");
    top.append(this.#name, this.#room);
    this.#details.append(this.#summary, this.#rest);
    this.#emptied.type = "button";
    this.#emptied.addEventListener("click", () => emptied(this.#bin));
    this.#node.append(top, this.#bar, this.#note, this.#lots, this.#details);
    if (may) this.#node.append(this.#emptied);
    byId("bin-cards").append(this.#node);
  }

  render(bin) {
    this.#bin = bin;
    this.#node.classList.toggle("full", bin.full);
    write(this.#name, `${bin.number} ${bin.name}`);
    write(this.#room, room(bin));
    show(this.#bar, bin.capacity !== null);
    this.#bar.max = bin.capacity || 1;
    this.#bar.value = Math.min(bin.items, this.#bar.max);
    this.#bar.setAttribute("aria-label", `How full bin ${bin.number} ${bin.name} is`);
    tone(this.#bar, bin.full ? "bad" : "good");
    write(this.#note, note(bin));
    rebuild(this.#lots, bin.lots.slice(0, FIRST), () => bin.lots.slice(0, FIRST).map(lot));
    const rest = bin.lots.slice(FIRST);
    show(this.#details, rest.length > 0);
    write(this.#summary, `${rest.length + bin.more} more types`);
    rebuild(this.#rest, rest, () => rest.map(lot));
    show(this.#emptied, bin.items > 0 || bin.full);
    this.#emptied.setAttribute("aria-label", `Bin ${bin.number} ${bin.name} was emptied`);
  }
}

function note(bin) {
  if (bin.full) return `Full. ${bin.overflow ? `Goes to ${bin.overflow} meanwhile.` : "Nothing takes over."}`;
  const parts = [bin.capacity === null ? "No limit." : `Room for ${bin.capacity - bin.items} more.`];
  if (bin.pruned) parts.push(`${bin.pruned} from before the journal's memory.`);
  if (bin.items === 0) parts.push("Empty.");
  return parts.join(" ");
}

function lot(found) {
  const node = make("li");
  const name = make("span", "", found.name || found.id);
  if (found.name && found.id) name.append(" ", make("span", "muted", found.id));
  node.append(name, make("b", "", String(found.quantity)));
  return node;
}

async function emptied(bin) {
  const sure = await agree(
    `Was bin ${bin.number} emptied?`,
    `'${bin.name}' counts from zero then; what is on its way to it still counts.`,
    "It was emptied",
  );
  if (sure) ask("/api/bins/empty", { number: bin.number }, `Bin ${bin.number} counts from zero.`);
}

async function newOrder() {
  const sure = await agree("Begin a new order?", "What was delivered so far counts no more.", "Begin a new order");
  if (sure) ask("/api/order", { confirm: true }, "A new order begins.");
}

async function ask(path, body, done) {
  try {
    await post(path, body);
    announce(done);
  } catch (error) {
    announce(`Not noted: ${error.message}.`);
  }
}

function renderWanted(lines) {
  const list = byId("wanted-list");
  if (!list) return;
  const done = lines.filter((line) => line.remaining === 0).length;
  write(byId("wanted-sum"), `${done} of ${lines.length} complete`);
  rebuild(list, lines, () => lines.map(wanted));
}

function wanted(line) {
  const node = make("li");
  const top = make("div", "wanted-top");
  const many = line.quantity === null ? `${line.delivered}` : `${line.delivered} of ${line.quantity}`;
  top.append(make("span", "", format.labelled(line)), make("b", "", many));
  node.append(top);
  if (line.quantity !== null) node.append(progress(line));
  const left = line.quantity === null ? "any number" : line.remaining ? `${line.remaining} to go` : "complete";
  node.append(make("p", "muted", `${left} · ${line.bin ? format.binned(line.bin) : "no bin"}`));
  return node;
}

function progress(line) {
  const bar = make("progress");
  bar.max = line.quantity;
  bar.value = Math.min(line.delivered, line.quantity);
  bar.setAttribute("aria-label", `Delivered of ${format.labelled(line)}`);
  tone(bar, line.remaining === 0 ? "good" : "quiet");
  return bar;
}

// An inventory of nothing would be an error page.
byId("exports").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || !shown) return;
  const lots = shown.bins.flatMap((bin) => bin.lots);
  const some = link.dataset.format === "csv" ? lots : lots.filter((found) => found.id !== null);
  if (some.length > 0) return;
  event.preventDefault();
  announce("Nothing that this format can list lies in the bins yet.");
});
byId("new-order")?.addEventListener("click", newOrder);
repeat(step, () => EVERY_MS, () => (etag = null));
