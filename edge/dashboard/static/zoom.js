import { byId, write } from "./dom.js";

const STEP = 1.5;
const MOST = 8;
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// One zoom for several pictures: what is seen of one is seen of all.
export class Zoom {
  #box;
  #factor = 1;
  #x = 0;
  #y = 0;
  #drag = null;

  // `box` holds the pictures, which follow its --zoom, --pan-x and --pan-y.
  constructor(box) {
    this.#box = box;
    byId("zoom-in").addEventListener("click", () => this.#to(this.#factor * STEP));
    byId("zoom-out").addEventListener("click", () => this.#to(this.#factor / STEP));
    for (const id of ["zoom-in", "zoom-out"]) byId(id).addEventListener("keydown", (event) => this.#key(event));
    for (const picture of box.querySelectorAll(".picture")) this.#watch(picture);
    this.#show();
  }

  #watch(picture) {
    picture.addEventListener("wheel", (event) => this.#wheel(event, picture), { passive: false });
    picture.addEventListener("pointerdown", (event) => {
      if (this.#factor > 1) this.#drag = { x: event.clientX, y: event.clientY, width: picture.clientWidth, height: picture.clientHeight };
    });
    picture.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
      picture.addEventListener(end, () => (this.#drag = null));
    }
  }

  // Only with Ctrl, or once it is zoomed: the wheel else scrolls the page.
  #wheel(event, picture) {
    if (!event.ctrlKey && this.#factor === 1) return;
    event.preventDefault();
    const box = picture.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5];
    this.#to(this.#factor * STEP ** (-event.deltaY / 200), at);
  }

  #move(event) {
    const from = this.#drag;
    if (!from) return;
    this.#pan((event.clientX - from.x) / from.width, (event.clientY - from.y) / from.height);
    Object.assign(from, { x: event.clientX, y: event.clientY });
  }

  #key(event) {
    const way = ARROWS[event.key];
    if (!way || this.#factor === 1) return;
    event.preventDefault();
    this.#pan(way[0] * 0.1, way[1] * 0.1);
  }

  // What lies at `at`, in shares of the picture from its middle, stays there.
  #to(factor, at = [0, 0]) {
    const next = Math.min(MOST, Math.max(1, factor));
    const grown = next / this.#factor;
    this.#factor = next;
    this.#x = at[0] - (at[0] - this.#x) * grown;
    this.#y = at[1] - (at[1] - this.#y) * grown;
    this.#pan(0, 0);
  }

  #pan(x, y) {
    const most = (this.#factor - 1) / 2;
    this.#x = Math.min(most, Math.max(-most, this.#x + x));
    this.#y = Math.min(most, Math.max(-most, this.#y + y));
    this.#show();
  }

  #show() {
    const style = this.#box.style;
    style.setProperty("--zoom", this.#factor);
    style.setProperty("--pan-x", `${100 * this.#x}%`);
    style.setProperty("--pan-y", `${100 * this.#y}%`);
    this.#box.dataset.zoomed = this.#factor > 1 ? "yes" : "no";
    write(byId("zoom-value"), `${Number(this.#factor.toFixed(1))}×`);
    byId("zoom-out").disabled = this.#factor <= 1;
    byId("zoom-in").disabled = this.#factor >= MOST;
  }
}
