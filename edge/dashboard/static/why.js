import { Age, BlobImage } from "./age.js";
import { byId, show, write } from "./dom.js";
import * as format from "./format.js";
import { get } from "./http.js";

const OLD_MS = 2000;
const PATIENCE_MS = 8000;
const METHODS = { "grad-cam": "Grad-CAM" };

// The explanation that is shown: always a map with the very picture it was computed from.
export class Why {
  #map = new BlobImage(byId("why-image"));
  #plain = new BlobImage(byId("why-plain"));
  #age = new Age();
  #wanted = null;
  #wantedName = "";
  #wantedAt = 0;
  #shown = null;
  #state = null;
  #loading = false;
  #held = false;

  constructor() {
    const button = byId("compare");
    holdable(button, (down) => this.#hold(down));
    holdable(byId("why-picture"), (down) => this.#hold(down));
    setInterval(() => this.#tick(), 200);
  }

  // Whose map is wanted: the index of a label, or null for the most confident one.
  choose(index, name = "") {
    this.#wanted = index;
    this.#wantedName = name;
    this.#wantedAt = performance.now();
    this.#update();
  }

  render(state) {
    this.#state = state;
    const newest = state.explanation;
    if (newest && this.#shown && newest.sequence === this.#shown.explanation.sequence) {
      this.#age.tell(state.age_ms.explanation);
    }
    this.#update();
  }

  async #update() {
    if (this.#loading || this.#held || !this.#state) return;
    const next = this.#next();
    if (!next || keyOf(next) === keyOf(this.#shown)) {
      this.#draw();
      return;
    }
    this.#loading = true;
    try {
      if (await this.#load(next)) this.#shown = next;
    } catch {
      // The next state brings another chance, and says so where the device is gone.
    } finally {
      this.#loading = false;
    }
    this.#draw();
  }

  #next() {
    const explanation = this.#state.explanation;
    if (!explanation || explanation.labels.length === 0) return null;
    const label = this.#pick(explanation.labels);
    return label ? { explanation, label, told: this.#state.age_ms.explanation } : null;
  }

  #pick(labels) {
    if (this.#wanted !== null) return labels.find((label) => label.index === this.#wanted);
    if (this.#state.labels.length === 0) return undefined;
    return [...labels].sort((a, b) => b.confidence - a.confidence)[0];
  }

  async #load({ explanation, label, told }) {
    const began = performance.now();
    const { sequence } = explanation;
    const [map, plain] = await Promise.all([
      get(`/explanation/${sequence}/${label.index}.jpg`),
      get(`/explained/${sequence}.jpg`),
    ]);
    if (!map.ok || !plain.ok) return false;
    const blobs = await Promise.all([map.blob(), plain.blob()]);
    if (this.#held) return false;
    await Promise.all([this.#map.put(blobs[0]), this.#plain.put(blobs[1])]);
    this.#age.tell(told + performance.now() - began);
    return true;
  }

  #draw() {
    const fits = this.#shown && this.#fits();
    const picture = byId("why-picture");
    picture.dataset.state = fits ? "shown" : "empty";
    show(byId("why-empty"), !fits);
    show(byId("why-caption"), Boolean(fits));
    show(byId("why-age"), Boolean(fits));
    write(byId("why-empty"), this.#emptyText());
    write(byId("why-subject"), "");
    if (fits) this.#caption(this.#shown);
    this.#tick();
  }

  #fits() {
    if (this.#wanted !== null) return this.#shown.label.index === this.#wanted;
    return this.#state.labels.length > 0;
  }

  #emptyText() {
    if (this.#wanted !== null) {
      const late = performance.now() - this.#wantedAt > PATIENCE_MS;
      const word = late ? "Still waiting" : "Waiting";
      return `${word} for the explanation of ${this.#wantedName}…`;
    }
    if (!this.#state.frame) return "No picture was explained yet.";
    if (this.#state.labels.length === 0) return "No brick type is present, so there is nothing to explain.";
    return "Waiting for the explanation…";
  }

  #caption({ explanation, label }) {
    const picture = byId("why-picture");
    picture.dataset.sequence = explanation.sequence;
    picture.dataset.label = label.id;
    const method = METHODS[explanation.method] || explanation.method;
    byId("why-image").alt = `${method} of ${format.labelled(label)}`;
    write(byId("why-subject"), `${format.labelled(label)} · ${format.percent(label.confidence)}`);
    write(byId("why-scale-max"), format.logit(explanation.scale_max));
    write(byId("why-scale"), scaleText(explanation, label));
    write(byId("why-method"), methodText(method, explanation));
    const notes = this.#notes(explanation, label);
    show(byId("why-note"), notes.length > 0);
    write(byId("why-note"), notes.join(" "));
  }

  #notes(explanation, label) {
    const notes = [];
    if (label.disagrees) {
      notes.push("The float companion disagrees with the model that decides about this label here.");
    }
    if (!this.#state.labels.some((present) => present.index === label.index)) {
      notes.push("This label is not present in the newest picture.");
    }
    return notes;
  }

  #tick() {
    const ms = this.#age.ms;
    if (ms === null || !this.#shown) return;
    const old = ms > OLD_MS ? " · an earlier picture" : "";
    write(byId("why-age"), `${format.age(ms)} old${old}`);
  }

  #hold(down) {
    if (!this.#shown || byId("why-picture").dataset.state !== "shown") down = false;
    this.#held = down;
    byId("why-picture").classList.toggle("comparing", down);
    byId("compare").setAttribute("aria-pressed", String(down));
    show(byId("why-plain-badge"), down);
    if (!down) this.#update();
  }
}

function keyOf(shown) {
  if (!shown) return "";
  return [shown.explanation.sequence, shown.label.index, shown.explanation.scale_max].join("/");
}

function scaleText(explanation, label) {
  const scale = `Scale: ${explanation.scale_name}, max ${format.logit(explanation.scale_max)}.`;
  if (label.no_evidence) return `No positive evidence for this label. ${scale}`;
  return `${scale} This label: max ${format.logit(label.max)}.`;
}

function methodText(method, { layer, grid, pooling, milliseconds }) {
  const parts = [method, layer, `${grid[1]}\u00a0×\u00a0${grid[0]}\u00a0cells`];
  if (pooling) parts.push(`${pooling}-pooled gradients`);
  if (milliseconds !== null) parts.push(`${milliseconds}\u00a0ms`);
  return parts.filter(Boolean).join(" · ");
}

// Down while a pointer, Space or Enter is held on the node.
function holdable(node, hold) {
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    hold(true);
  });
  for (const up of ["pointerup", "pointercancel", "pointerleave", "blur"]) {
    node.addEventListener(up, () => hold(false));
  }
  node.addEventListener("contextmenu", (event) => event.preventDefault());
  node.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) hold(true);
  });
  node.addEventListener("keyup", (event) => {
    if (event.key === " " || event.key === "Enter") hold(false);
  });
}
