// The camera's region: a rectangle to drag, to move with the arrow keys, or to give in numbers.
import { byId, show } from "./dom.js";

const KEYS = ["x", "y", "width", "height"];
const LEAST = 0.05;
const STEP = 0.01;
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

const within = (value, low, high) => Math.min(high, Math.max(low, value));
const rounded = (value) => Math.round(value * 1000) / 1000;

export class Region {
  #changed;
  #now = [0, 0, 1, 1];
  #from = null;

  constructor(changed, may) {
    this.#changed = changed;
    const box = byId("roi-box");
    byId("roi-picture").addEventListener("load", () => {
      show(byId("roi-picture"), true);
      show(box, true);
    });
    this.load();
    if (!may) return;
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("pointerdown", (event) => this.#take(event));
    box.addEventListener("pointermove", (event) => this.#drag(event));
    for (const up of ["pointerup", "pointercancel"]) box.addEventListener(up, () => (this.#from = null));
    for (const key of KEYS) byId(`roi-${key}`).addEventListener("change", () => this.#typed());
    byId("roi-whole").addEventListener("click", () => this.#set([0, 0, 1, 1]));
    byId("roi-again").addEventListener("click", () => this.load());
  }

  load() {
    byId("roi-picture").src = `/machine/whole.jpg?at=${Date.now()}`;
  }

  show(shares) {
    this.#now = shares;
    const box = byId("roi-box").style;
    ["left", "top", "width", "height"].forEach((side, n) => box.setProperty(side, `${shares[n] * 100}%`));
    KEYS.forEach((key, n) => (byId(`roi-${key}`).value = rounded(shares[n] * 100)));
  }

  #set([x, y, width, height]) {
    // Rounded first: a corner and a size that are both rounded up end outside.
    const [wide, high] = [width, height].map((share) => rounded(within(share, LEAST, 1)));
    const shares = [within(x, 0, 1 - wide), within(y, 0, 1 - high), wide, high].map(rounded);
    this.show(shares);
    this.#changed(shares);
  }

  #typed() {
    const typed = KEYS.map((key, n) => {
      const value = byId(`roi-${key}`).valueAsNumber / 100;
      return Number.isFinite(value) ? value : this.#now[n];
    });
    this.#set(typed);
  }

  #key(event) {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    this.#by(this.#now, move, event.shiftKey);
  }

  #take(event) {
    event.currentTarget.setPointerCapture(event.pointerId);
    this.#from = { at: [event.clientX, event.clientY], shares: this.#now, size: event.target === byId("roi-grip") };
  }

  #drag(event) {
    if (!this.#from) return;
    const { width, height } = byId("roi-picture").getBoundingClientRect();
    const moved = [(event.clientX - this.#from.at[0]) / width, (event.clientY - this.#from.at[1]) / height];
    this.#by(this.#from.shares, moved, this.#from.size);
  }

  #by([x, y, width, height], [right, down], size) {
    if (size) this.#set([x, y, within(width + right, LEAST, 1 - x), within(height + down, LEAST, 1 - y)]);
    else this.#set([x + right, y + down, width, height]);
  }
}
