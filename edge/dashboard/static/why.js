import { Age, BlobImage } from "./age.js";
import { announce, byId, make, onUse, rebuild, show, tone, usable, write } from "./dom.js";
import { Drawing } from "./drawing.js";
import * as format from "./format.js";
import { holdable } from "./hold.js";
import { get } from "./http.js";
import { Lime } from "./lime.js";
import { Zoom } from "./zoom.js";

const OLD_MS = 2000;
const PATIENCE_MS = 8000;
const METHODS = { "grad-cam": "Grad-CAM" };

// The picture, its Grad-CAM and LIME: always maps with the very picture they were computed from.
export class Why {
  #map = new BlobImage(byId("why-image"));
  #plain = new BlobImage(byId("why-plain"));
  #photo = new BlobImage(byId("why-photo-image"));
  #drawing = new Drawing(() => this.#update());
  #lime = new Lime(this.#drawing, {
    moved: (asked, found) => this.#moved(asked, found),
    refused: () => this.#follow(),
  });
  #age = new Age();
  #wanted = null;
  #wantedName = "";
  #wantedAt = 0;
  #shown = null;
  #kept = null;
  #gone = "";
  #state = null;
  #loading = false;
  #held = false;

  constructor() {
    holdable(byId("compare"), (down) => this.#hold(down));
    for (const id of ["why-picture", "lime-picture"]) {
      // A zoomed picture is taken hold of to move it.
      holdable(byId(id), (down) => this.#hold(down && byId("panes").dataset.zoomed !== "yes"));
    }
    byId("opacity").addEventListener("input", () => this.#fade());
    onUse(byId("lime-ask"), () => this.#ask());
    onUse(byId("follow"), () => this.#follow());
    new Zoom(byId("panes"));
    this.#fade();
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
    const newest = this.#kept ? null : state.explanation;
    if (newest && this.#shown && newest.sequence === this.#shown.explanation.sequence) {
      this.#age.tell(state.age_ms.explanation);
    }
    this.#update();
  }

  // Keep this picture with all its labels, and ask for its LIME.
  #ask() {
    this.#kept = this.#shown.explanation;
    this.#lime.ask(this.#kept.sequence);
    this.#draw();
  }

  #follow() {
    this.#kept = null;
    this.#gone = "";
    this.#lime.release();
    this.#update();
  }

  // The device had forgotten the frame by then; Grad-CAM goes on, LIME says which frame it is of.
  #moved(asked, found) {
    announce(`Frame ${asked} was gone already: LIME is made of frame ${found}.`);
    this.#kept = null;
    this.#update();
  }

  async #update() {
    if (this.#loading || this.#held || !this.#state) return;
    const next = this.#next();
    if (!next || keyOf(next) === keyOf(this.#shown) || keyOf(next) === this.#gone) {
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
    const explanation = this.#kept || this.#state.explanation;
    if (!explanation || explanation.labels.length === 0) return null;
    const label = this.#pick(explanation.labels);
    if (!label) return null;
    const { query } = this.#drawing;
    return { explanation, label, query, told: this.#kept ? this.#age.ms : this.#state.age_ms.explanation };
  }

  #pick(labels) {
    if (this.#wanted !== null) return labels.find((label) => label.index === this.#wanted);
    if (!this.#kept && this.#state.labels.length === 0) return undefined;
    return [...labels].sort((a, b) => b.confidence - a.confidence)[0];
  }

  async #load({ explanation, label, query, told }) {
    const began = performance.now();
    const { sequence } = explanation;
    const [map, plain] = await Promise.all([
      get(`/explanation/${sequence}/${label.index}.jpg?${query}`),
      get(`/explained/${sequence}.jpg`),
    ]);
    if (this.#kept && map.status === 404) this.#gone = keyOf({ explanation, label, query });
    if (!map.ok || !plain.ok) return false;
    const blobs = await Promise.all([map.blob(), plain.blob()]);
    if (this.#held) return false;
    const puts = [this.#map.put(blobs[0]), this.#plain.put(blobs[1]), this.#photo.put(blobs[1])];
    await Promise.all(puts);
    this.#age.tell(told + performance.now() - began);
    return true;
  }

  #draw() {
    const fits = this.#shown && this.#fits();
    const picture = byId("why-picture");
    picture.dataset.state = fits ? "shown" : "empty";
    byId("why-photo").dataset.state = this.#shown ? "shown" : "empty";
    byId("why-photo").dataset.sequence = this.#shown ? this.#shown.explanation.sequence : "";
    byId("why-caption").dataset.empty = fits ? "no" : "yes";
    show(byId("why-empty"), !fits);
    show(byId("why-age"), Boolean(this.#shown));
    show(byId("why-map-age"), Boolean(fits));
    write(byId("why-empty"), this.#emptyText());
    write(byId("why-subject"), "");
    if (fits) this.#caption(this.#shown);
    else show(byId("why-note"), false);
    this.#lime.render(this.#state, fits ? this.#shown.label : null, this.#wanted);
    this.#keeping(Boolean(fits));
    this.#tick();
  }

  #fits() {
    if (this.#wanted !== null) return this.#shown.label.index === this.#wanted;
    return this.#kept !== null || this.#state.labels.length > 0;
  }

  #keeping(fits) {
    const busy = this.#kept !== null && this.#lime.busy;
    show(byId("lime-ask"), this.#state.about.lime);
    usable(byId("lime-ask"), fits && !busy);
    usable(byId("follow"), this.#kept !== null || this.#lime.asked !== null);
    write(byId("why-kept"), this.#keptText());
    byId("panes").dataset.kept = this.#kept ? "yes" : "no";
  }

  #keptText() {
    if (this.#kept) return `Keeping frame ${this.#kept.sequence}.`;
    if (this.#lime.asked) return "Following the newest picture; LIME is of an earlier one.";
    return "Following the newest picture.";
  }

  #fade() {
    const share = Number(byId("opacity").value);
    write(byId("opacity-value"), `${share}\u00a0%`);
    byId("panes").style.setProperty("--map-opacity", share / 100);
  }

  #emptyText() {
    if (this.#kept && this.#wanted !== null) {
      const known = this.#kept.labels.some((label) => label.index === this.#wanted);
      const why = known ? "is not kept any more" : "was not made of this picture";
      return `Grad-CAM of ${this.#wantedName} ${why}; follow the newest to see one.`;
    }
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
    this.#drawing.suggest(explanation.scale_max);
    write(byId("why-scale-max"), format.logit(this.#drawing.maximum(explanation.scale_max, label.max)));
    write(byId("why-scale"), scaleText(this.#drawing.text(explanation.scale_max, label.max), label));
    const made = badges(method, explanation, label, this.#state);
    rebuild(byId("why-badges"), made, () => made.map(badge));
    write(byId("why-method"), methodText(explanation, this.#state));
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
    const text = `frame ${this.#shown.explanation.sequence}, ${format.age(ms)} old`;
    write(byId("why-age"), `${text}${old}`);
    write(byId("why-map-age"), text);
    this.#lime.tick();
  }

  #hold(down) {
    const shown = ["why-picture", "lime-picture"].some((id) => byId(id).dataset.state === "shown");
    this.#held = down && shown;
    byId("panes").classList.toggle("comparing", this.#held);
    byId("compare").setAttribute("aria-pressed", String(this.#held));
    this.#lime.hold(this.#held);
    if (!this.#held && this.#state) this.#update();
  }
}

function keyOf(shown) {
  if (!shown) return "";
  const { explanation, label, query } = shown;
  return [explanation.sequence, label.index, explanation.scale_max, query].join("/");
}

function scaleText(scale, label) {
  if (label.no_evidence) return `No positive evidence for this label. ${scale}`;
  return `${scale} This label: max ${format.logit(label.max)}.`;
}

function badges(method, { layer, grid, milliseconds }, { disagrees }, { about }) {
  const shown = [
    { text: method },
    { text: about.bundle },
    { text: layer },
    { text: `${grid[1]}\u00a0×\u00a0${grid[0]}\u00a0cells` },
    { text: milliseconds === null ? null : `${milliseconds}\u00a0ms` },
    disagrees ? { text: "int8 ≠ companion", tone: "warn" } : { text: "int8 = companion", tone: "good" },
  ];
  return shown.filter(({ text }) => text);
}

function badge({ text, tone: name = "quiet" }) {
  const node = make("li", "pill", text);
  tone(node, name);
  return node;
}

function methodText({ pooling }, { stage_ms }) {
  const took = Object.entries(stage_ms).map(([name, ms]) => `${name} ${ms}\u00a0ms`);
  return [pooling && `${pooling}-pooled gradients`, ...took].filter(Boolean).join(" · ");
}
