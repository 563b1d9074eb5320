import { Age, BlobImage } from "./age.js";
import { announce, byId, show, tone, write } from "./dom.js";
import * as format from "./format.js";
import { get, repeat } from "./http.js";

const STALE_MS = 2000;
const EVERY_MS = 125;
const AFTER_FAILURE_MS = 700;
const NAMED = 6;

export class Live {
  #image = new BlobImage(byId("live-image"));
  #age = new Age();
  #sequence = -1;
  #failures = 0;
  #wasStale = false;

  start() {
    repeat(
      () => this.#step(),
      () => (this.#failures ? AFTER_FAILURE_MS : EVERY_MS),
      () => (this.#failures += 1),
    );
    setInterval(() => this.#render(), 200);
  }

  render({ camera, labels, frame }) {
    this.#camera(camera);
    write(byId("live-caption"), frame ? summary(labels) : "");
  }

  #camera(camera) {
    write(byId("camera-text"), camera.description || "");
    const words = { reconnecting: "The camera is reconnecting", closed: "The camera is closed" };
    const said = words[camera.state];
    show(byId("camera-note"), Boolean(said));
    write(byId("camera-note"), said ? [said, camera.problem].filter(Boolean).join(": ") : "");
    write(byId("live-empty"), said ? `${said}.` : "Waiting for the first picture…");
  }

  async #step() {
    const answer = await get(`/frame.jpg?after=${this.#sequence}`);
    const named = answer.headers.get("X-Frame-Sequence");
    if (answer.status === 200) {
      await this.#image.put(await answer.blob());
      this.#sequence = Number(named);
      byId("live-picture").dataset.sequence = named;
    } else if (answer.status !== 204) {
      throw new Error(`the device answered ${answer.status}`);
    } else if (named !== null && Number(named) < this.#sequence) {
      // The device has started anew and counts from the beginning.
      this.#sequence = -1;
      return;
    }
    if (named !== null) this.#age.tell(Number(answer.headers.get("X-Frame-Age-Ms")));
    this.#failures = 0;
  }

  #render() {
    const ms = this.#age.ms;
    const silent = this.#failures > 1;
    const stale = ms !== null && (ms > STALE_MS || silent);
    const state = ms === null ? "empty" : stale ? "stale" : "live";
    byId("live-picture").dataset.state = state;
    show(byId("live-empty"), state === "empty");
    show(byId("live-age"), state !== "empty");
    const word = silent ? "no connection" : "stale";
    write(byId("live-age"), stale ? `${word} · ${format.age(ms)} old` : `${format.age(ms)} old`);
    write(byId("frame-pill-age"), stale ? `${word} ${format.age(ms)}` : format.age(ms));
    tone(byId("frame-pill"), state === "live" ? "good" : stale ? "bad" : "quiet");
    if (stale !== this.#wasStale) announce(stale ? "The live picture is stale." : "The picture is live.");
    this.#wasStale = stale;
  }
}

function summary(labels) {
  if (labels.length === 0) return "No brick type is above its threshold.";
  const named = labels.slice(0, NAMED).map((label) => label.name);
  const more = labels.length > NAMED ? `, and ${labels.length - NAMED} more` : "";
  const types = labels.length === 1 ? "1 brick type" : `${labels.length} brick types`;
  return `${types}: ${named.join(", ")}${more}.`;
}
