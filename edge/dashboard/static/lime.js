import { Age, BlobImage } from "./age.js";
import { announce, byId, make, onUse, rebuild, show, tone, usable, write } from "./dom.js";
import * as format from "./format.js";
import { get, post } from "./http.js";
import * as words from "./lime_words.js";

const PATIENCE_MS = 8000;

// LIME as far as it is: always on the very picture it is made of.
export class Lime {
  #map = new BlobImage(byId("lime-image"));
  #plain = new BlobImage(byId("lime-plain"));
  #plainOf = null;
  #age = new Age();
  #state = null;
  #label = null;
  #wanted = null;
  #asked = null;
  #shown = null;
  #loading = false;
  #held = false;
  #tell;
  #drawing;

  // `moved` is told when LIME is made of another frame than was asked for, `refused` when of none.
  constructor(drawing, { moved, refused }) {
    this.#drawing = drawing;
    this.#tell = { moved, refused };
    onUse(byId("lime-cancel"), () => this.#cancel());
  }

  // The request of this person, if there is one that is looked at.
  get asked() {
    return this.#asked;
  }

  // Whether asking for what is looked at would bring anything new.
  get busy() {
    if (!this.#asked) return false;
    const lime = this.#own();
    return !lime || !["cancelled", "failed"].includes(lime.state);
  }

  async ask(sequence) {
    const newest = Math.max(0, ...this.#state.lime.map((lime) => lime.number));
    const asked = { sequence, after: newest, number: null, at: performance.now() };
    this.#asked = asked;
    this.#update();
    try {
      await post("/api/lime", { sequence });
    } catch (error) {
      this.#refuse(asked, `Not asked for LIME: ${error.message}.`);
    }
  }

  // Show the newest LIME again, whoever asked for it.
  release() {
    this.#asked = null;
    this.#update();
  }

  hold(down) {
    this.#held = down;
    if (!down) this.#update();
  }

  // What is known now; `label` is whose Grad-CAM is shown, `wanted` what a person chose.
  render(state, label, wanted) {
    this.#state = state;
    this.#label = label;
    this.#wanted = wanted;
    this.#find();
    this.#update();
  }

  #refuse(asked, why) {
    announce(why);
    if (this.#asked !== asked) return;
    this.release();
    this.#tell.refused();
  }

  #find() {
    const asked = this.#asked;
    if (!asked || asked.number !== null) return;
    const pinned = this.#state.lime.filter((lime) => lime.pinned && lime.number > asked.after);
    const found = pinned.find((lime) => lime.sequence === asked.sequence) || pinned[0];
    if (found) {
      asked.number = found.number;
      if (found.sequence !== asked.sequence) this.#tell.moved(asked.sequence, found.sequence);
    } else if (performance.now() - asked.at > PATIENCE_MS) {
      this.#refuse(asked, "LIME was not taken up: it is switched off, or too many wait already.");
    }
  }

  #own() {
    const asked = this.#asked;
    return this.#state?.lime.find((lime) => lime.number === asked.number) || asked.last || null;
  }

  // What runs or waits, and what there is a map of; both are the same where a person asked.
  #choose() {
    if (this.#asked) {
      const own = this.#asked.number === null ? null : this.#own();
      this.#asked.last = own;
      return { running: own, drawn: own };
    }
    const lime = this.#state.lime.filter((one) => this.#wanted === null || has(one, this.#wanted));
    const drawn = lime.find((one) => one.explanation) || null;
    const going = lime.filter((one) => !one.over);
    const running = going.find((one) => one.state !== "queued") || going[0];
    return { running: running || drawn || lime[0] || null, drawn };
  }

  #labelOf(lime) {
    const labels = lime.explanation ? lime.explanation.labels : lime.labels;
    const index = this.#wanted ?? this.#label?.index;
    const found = labels.find((label) => label.index === index);
    if (found || this.#wanted !== null) return found || null;
    return [...labels].sort((a, b) => (b.confidence ?? 0) - (a.confidence ?? 0))[0];
  }

  async #update() {
    if (!this.#state || this.#loading || this.#held) return;
    const { drawn } = this.#choose();
    const label = drawn ? this.#labelOf(drawn) : null;
    const next = label ? { lime: drawn, label, query: this.#drawing.query } : null;
    if (next && keyOf(next) !== keyOf(this.#shown)) {
      this.#loading = true;
      try {
        if (await this.#load(next)) this.#shown = next;
      } catch {
        // The next state brings another chance, and says so where the device is gone.
      } finally {
        this.#loading = false;
      }
    } else if (next) {
      this.#shown = next;
    }
    this.#draw();
  }

  async #load({ lime, label, query }) {
    const address = `/lime/${lime.number}`;
    const wanted = [];
    if (this.#plainOf !== lime.number) wanted.push(this.#fetch(`${address}.jpg`, this.#plain));
    if (lime.explanation) {
      wanted.push(this.#fetch(`${address}/${label.index}.jpg?samples=${lime.samples}&${query}`, this.#map));
    }
    const puts = await Promise.all(wanted);
    if (puts.includes(null) || this.#held) return false;
    await Promise.all(puts.map((put) => put()));
    this.#plainOf = lime.number;
    return true;
  }

  async #fetch(address, image) {
    const answer = await get(address);
    if (!answer.ok) return null;
    const blob = await answer.blob();
    return () => image.put(blob);
  }

  #draw() {
    const { running, drawn } = this.#choose();
    const shown = this.#shown;
    const fits = shown && drawn && shown.lime.number === drawn.number && this.#fits(shown);
    const mapped = Boolean(fits && shown.lime.explanation);
    const picture = byId("lime-picture");
    picture.dataset.state = fits ? "shown" : "empty";
    picture.dataset.number = fits ? shown.lime.number : "";
    picture.dataset.sequence = fits ? shown.lime.sequence : "";
    picture.dataset.label = mapped ? shown.label.id : "";
    picture.dataset.samples = mapped ? shown.lime.samples : "";
    show(byId("lime-empty"), !fits);
    show(byId("lime-age"), Boolean(fits));
    show(byId("lime-image"), mapped);
    for (const id of ["lime-caption", "lime-facts"]) byId(id).dataset.empty = mapped ? "no" : "yes";
    write(byId("lime-empty"), this.#emptyText(running));
    this.#age.tell(fits ? (this.#state.age_ms.lime[shown.lime.number] ?? this.#age.ms) : null);
    if (mapped) this.#caption(shown);
    const other = fits && this.#label && shown.label.index !== this.#label.index;
    show(byId("lime-subject"), Boolean(other || (fits && !this.#label)));
    if (fits) write(byId("lime-subject"), format.labelled(shown.label));
    this.#run(running);
    this.tick();
  }

  #fits({ label }) {
    return this.#wanted === null || label.index === this.#wanted;
  }

  #run(lime) {
    const going = Boolean(lime && !lime.over);
    const bar = byId("lime-progress");
    bar.value = lime && lime.budget ? lime.samples / lime.budget : 0;
    bar.setAttribute("aria-valuetext", lime ? words.stateText(lime) : "nothing runs");
    tone(bar, lime && lime.state === "failed" ? "bad" : "quiet");
    const asked = this.#asked && this.#asked.number === null ? "asked for" : "";
    const late = going && this.#shown && this.#shown.lime.number !== lime.number;
    const of = late ? ` (frame ${lime.sequence})` : "";
    write(byId("lime-state"), lime ? `${words.stateText(lime)}${of}` : asked);
    byId("lime-state").dataset.state = lime ? lime.state : "";
    // What comes by itself comes all the time, and is not read out.
    const own = lime && this.#asked;
    write(byId("lime-said"), own ? words.saidText(lime, this.#labelOf(lime)) : asked && "LIME asked for");
    usable(byId("lime-cancel"), going);
    byId("lime-cancel").dataset.number = going ? lime.number : "";
  }

  #emptyText(running) {
    if (this.#asked && this.#asked.number === null) return "Waiting for LIME to begin…";
    if (this.#asked && running) return "LIME of this picture does not speak of this label.";
    if (running && !running.over) return "LIME is on its way…";
    if (running) return "There is no LIME of this label yet.";
    return "LIME hides parts of the picture and watches what the model says then.";
  }

  #caption({ lime, label }) {
    const explanation = lime.explanation;
    const value = words.amount(explanation.target);
    byId("lime-image").alt = `LIME of ${format.labelled(label)}: orange speaks for it, blue against it`;
    const ofMap = Math.max(label.max, -label.min);
    const full = this.#drawing.maximum(explanation.scale_max, ofMap);
    write(byId("lime-scale-min"), value(-full));
    write(byId("lime-scale-max"), value(full));
    write(byId("lime-scale"), words.scaleText({ ...explanation, scale_max: full, scale_name: this.#drawing.name }, label));
    const shown = words.badges(lime, explanation, label);
    rebuild(byId("lime-badges"), shown, () => shown.map(badge));
    write(byId("lime-agreement"), words.agreementText(label.agreement, lime));
    write(byId("lime-method"), words.methodText(explanation));
    const notes = words.warningsOf(explanation);
    show(byId("lime-note"), notes.length > 0);
    write(byId("lime-note"), notes.join(" "));
  }

  tick() {
    this.#find();
    const ms = this.#age.ms;
    if (ms === null || !this.#shown) return;
    write(byId("lime-age"), `made of frame ${this.#shown.lime.sequence}, ${format.age(ms)} old`);
  }

  async #cancel() {
    const number = Number(byId("lime-cancel").dataset.number);
    try {
      await post("/api/lime/cancel", { number });
    } catch (error) {
      announce(`Not cancelled: ${error.message}.`);
    }
  }
}

function has(lime, index) {
  return lime.labels.some((label) => label.index === index);
}

function keyOf(shown) {
  if (!shown) return "";
  const { lime, label, query } = shown;
  return [lime.number, lime.explanation ? lime.samples : "plain", label.index, query].join("/");
}

function badge({ text, tone: name = "quiet" }) {
  const node = make("li", "pill", text);
  tone(node, name);
  return node;
}
