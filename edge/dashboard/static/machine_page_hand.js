// Moving the machine by hand, only as long as this page is there and can be seen.
import { agree } from "./ask.js";
import { announce, byId, make, onUse, rebuild, show, usable, write } from "./dom.js";
import * as format from "./format.js";
import { post } from "./http.js";

const BEAT_MS = 500;
const PATIENCE_MS = 1500;

// Not randomUUID: that is only there over TLS.
function name() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Hand {
  #page = name();
  #person;
  #mode = "";
  #beating = 0;
  #mine = false;

  constructor(person) {
    this.#person = person;
    onUse(byId("hand-begin"), () => this.#begin());
    onUse(byId("hand-stop"), () => this.#end(false));
    onUse(byId("hand-on"), () => this.#goOn());
    // Nobody moves what they do not look at.
    const leave = () => {
      if (this.#mine || this.#beating) this.#end(false);
    };
    addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", () => document.hidden && leave());
  }

  render({ machine, mode, by_hand: hand }) {
    this.#mode = mode;
    this.#mine = hand.page === this.#page && hand.who === this.#person;
    if (this.#mine) this.#beat();
    else this.#rest();
    const armed = machine.condition === "armed";
    write(byId("hand-text"), this.#words(hand, armed));
    const focused = [byId("hand-stop"), byId("hand-on")].includes(document.activeElement);
    show(byId("hand-begin"), !this.#mine);
    if (focused && !this.#mine) byId("hand-begin").focus();
    usable(byId("hand-begin"), armed && !hand.who);
    for (const id of ["hand-stop", "hand-on", "hand-bins"]) show(byId(id), this.#mine);
    rebuild(byId("hand-bins"), machine.bins, () => machine.bins.map((bin) => this.#button(bin)));
  }

  #words(hand, armed) {
    if (this.#mine) return "You move it by hand; sorting waits. If this page goes away, the machine stops.";
    if (hand.who) return "Sorting waits until they end it.";
    const last = hand.ended ? `Ended: ${hand.ended}. ` : "";
    return last + (armed ? "While somebody moves it by hand, sorting waits and items stay where they are." : "Arm the machine first.");
  }

  #button(bin) {
    const button = make("button", "button", `${bin.number} ${bin.name}`);
    button.type = "button";
    button.addEventListener("click", () => this.#move(bin));
    return button;
  }

  async #begin() {
    const sure = await agree(
      "Move the machine by hand?",
      "Sorting waits until you end it. It moves as soon as you choose a bin: make sure that nobody reaches into it.",
      "Move by hand",
    );
    if (!sure) return;
    await this.#ask("begin", { confirm: true, take_over: this.#mode !== "watch" });
    this.#beat();
  }

  async #move(bin) {
    const request = name();
    const body = { request, bin: bin.number };
    try {
      // Once more where no answer came: the same request acts once.
      await this.#post("move", body, PATIENCE_MS).catch((error) => {
        if (error.status) throw error;
        return this.#post("move", body, PATIENCE_MS);
      });
      announce(`Asked to move to ${format.binned(bin)}.`);
    } catch (error) {
      announce(`Not moved: ${error.message}.`);
    }
  }

  async #goOn() {
    const sure = await agree("Let it sort again?", "It moves by itself whenever a brick is recognised.", "Sort again");
    if (sure) this.#end(true);
  }

  #end(goOn) {
    this.#rest();
    return this.#ask("end", { go_on: goOn });
  }

  #beat() {
    if (this.#beating) return;
    this.#beating = setInterval(() => this.#post("beat", {}, PATIENCE_MS).catch(() => {}), BEAT_MS);
  }

  #rest() {
    clearInterval(this.#beating);
    this.#beating = 0;
  }

  async #ask(what, body) {
    try {
      await this.#post(what, body);
    } catch (error) {
      announce(`Not done: ${error.message}.`);
    }
  }

  #post(what, body, timeoutMs) {
    return post(`/api/manual/${what}`, { page: this.#page, ...body }, timeoutMs);
  }
}
