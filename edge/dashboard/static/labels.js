import { announce, byId, make, show, write } from "./dom.js";
import * as format from "./format.js";
import { post } from "./http.js";

// One button for each label: whose explanation is shown.
export class Labels {
  #group = byId("chips");
  #auto = byId("chip-auto");
  #chips = new Map();
  #wanted = null;
  #state = null;
  #onChoose;

  constructor(onChoose) {
    this.#onChoose = onChoose;
    this.#auto.addEventListener("click", () => this.#choose(null, ""));
    byId("ask").addEventListener("submit", (event) => this.#ask(event));
  }

  render(state) {
    this.#state = state;
    const rows = rowsOf(state, this.#wanted);
    for (const row of rows) this.#put(row);
    this.#drop(new Set(rows.map((row) => row.index)));
    this.#order(rows);
    this.#press();
    const empty = state.frame
      ? "No brick type is above its threshold."
      : "Waiting for the first picture…";
    write(byId("labels-empty"), empty);
    show(byId("labels-empty"), state.labels.length === 0);
  }

  #put(row) {
    let chip = this.#chips.get(row.index);
    if (!chip) {
      chip = new Chip(row, () => this.#chooseChip(row));
      this.#chips.set(row.index, chip);
      this.#group.append(chip.node);
    }
    chip.update(row);
  }

  #drop(keep) {
    for (const [index, chip] of this.#chips) {
      if (keep.has(index)) continue;
      // A button is not taken away under a finger or from under the keyboard.
      if (chip.node.matches(":focus, :hover, :active")) {
        chip.node.classList.add("absent");
        continue;
      }
      chip.node.remove();
      this.#chips.delete(index);
    }
  }

  #order(rows) {
    if (this.#group.matches(":focus-within, :hover, :active")) return;
    let before = this.#auto;
    for (const row of rows) {
      const { node } = this.#chips.get(row.index);
      if (before.nextElementSibling !== node) before.after(node);
      before = node;
    }
  }

  #press() {
    this.#auto.setAttribute("aria-pressed", String(this.#wanted === null));
    for (const [index, chip] of this.#chips) {
      chip.node.setAttribute("aria-pressed", String(index === this.#wanted));
    }
  }

  #choose(index, name) {
    this.#wanted = index;
    if (this.#state) this.render(this.#state);
    this.#onChoose(index, name);
  }

  // Not every label that is present needs to have been explained yet.
  #chooseChip(row) {
    this.#choose(row.index, format.labelled(row));
    const explained = this.#state.explanation?.labels ?? [];
    if (!explained.some((label) => label.index === row.index)) request(row.id);
  }

  #ask(event) {
    event.preventDefault();
    const option = byId("ask-label").selectedOptions[0];
    if (!option) return;
    this.#choose(Number(option.dataset.index), option.textContent);
    request(option.value);
  }
}

async function request(labelId) {
  try {
    await post("/api/explain", { label: labelId });
  } catch (error) {
    announce(`Not asked: ${error.message}.`);
  }
}

class Chip {
  constructor(row, onClick) {
    this.node = make("button", "chip");
    this.node.type = "button";
    this.node.dataset.label = row.id;
    this.node.addEventListener("click", onClick);
    this.confidence = make("span", "chip-share");
    this.track = make("span", "track");
    this.track.append(make("span", "track-fill"), make("span", "track-mark"));
    this.node.append(make("span", "chip-name", row.name), " ", make("span", "chip-id", row.id));
    this.threshold = make("span", "chip-threshold");
    this.node.append(" ", this.confidence, " ", this.threshold, this.track);
  }

  update(row) {
    this.node.classList.toggle("absent", row.threshold === null);
    write(this.confidence, format.percent(row.confidence));
    this.track.style.setProperty("--share", row.confidence ?? 0);
    this.track.style.setProperty("--mark", row.threshold ?? 1);
    const threshold = row.threshold === null ? "not present" : `threshold ${format.percent(row.threshold)}`;
    if (this.node.title !== threshold) this.node.title = threshold;
    write(this.threshold, row.threshold === null ? "not present" : `≥ ${format.percent(row.threshold)}`);
  }
}

// The labels that are present, and those explained because somebody asked, by confidence.
function rowsOf(state, wanted) {
  const present = new Set(state.labels.map((label) => label.index));
  const explained = state.explanation ? state.explanation.labels : [];
  const asked = explained
    .filter((label) => !present.has(label.index) && label.index === wanted)
    .map((label) => ({ ...label, threshold: null }));
  return [...state.labels, ...asked].sort((a, b) => b.confidence - a.confidence);
}
