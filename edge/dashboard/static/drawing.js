import { byId, show } from "./dom.js";
import { logit } from "./format.js";

const BARS = { spotlight: "spotlight", heat: "inferno" };
const KEPT = "bricksight-drawing";

// How this person wants maps drawn; kept by their browser.
export class Drawing {
  #look = byId("look");
  #scale = byId("scale");
  #fixed = byId("fixed");

  constructor(changed) {
    this.#recall();
    for (const field of [this.#look, this.#scale, this.#fixed]) {
      field.addEventListener("change", () => {
        this.#keep();
        this.#show();
        changed();
      });
    }
    this.#show();
  }

  // What the next picture of a map is asked for with.
  get query() {
    return `look=${this.#look.value}&scale=${this.#full ?? this.#scale.value}`;
  }

  // A fixed scale begins at what is shown now.
  suggest(maximum) {
    if (!(Number(this.#fixed.value) > 0) && maximum > 0) this.#fixed.value = Number(maximum.toPrecision(2));
  }

  // What full colour stands for, of a map and its frame.
  maximum(ofFrame, ofMap) {
    if (this.#scale.value === "map") return ofMap;
    return this.#full ?? ofFrame;
  }

  get name() {
    if (this.#full) return "fixed";
    return this.#scale.value === "map" ? "this map" : "this frame";
  }

  text(ofFrame, ofMap) {
    const full = `Scale: ${this.name}, max ${logit(this.maximum(ofFrame, ofMap))}.`;
    return this.#look.value === "contour" ? "Lines hold 50 % and 80 % of the evidence." : full;
  }

  get #full() {
    const value = Number(this.#fixed.value);
    return this.#scale.value === "fixed" && value > 0 && value <= 1e6 ? value : null;
  }

  #show() {
    show(byId("fixed-box"), this.#scale.value === "fixed");
    const bar = BARS[this.#look.value];
    byId("why-bar").parentElement.hidden = !bar;
    const address = `/colour-bar.png?style=${bar}`;
    if (bar && !byId("why-bar").src.endsWith(address)) byId("why-bar").src = address;
  }

  #keep() {
    const kept = { look: this.#look.value, scale: this.#scale.value, fixed: this.#fixed.value };
    localStorage.setItem(KEPT, JSON.stringify(kept));
  }

  #recall() {
    let kept = null;
    try {
      kept = JSON.parse(localStorage.getItem(KEPT));
    } catch {
      return; // What another program left there says nothing.
    }
    if (!kept) return;
    for (const [field, value] of [[this.#look, kept.look], [this.#scale, kept.scale]]) {
      if ([...field.options].some((option) => option.value === value)) field.value = value;
    }
    if (Number(kept.fixed) > 0) this.#fixed.value = kept.fixed;
  }
}
