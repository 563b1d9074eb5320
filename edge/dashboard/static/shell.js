// What every page has: STOP, and what the picture and the machine do.
import { announce, byId, show, tone, write } from "./dom.js";
import * as format from "./format.js";
import { get, pause, post, repeat } from "./http.js";
import { CONDITIONS, MISSING, NONE } from "./conditions.js";

const RETRIES = 20;
const RETRY_MS = 300;
const EVERY_MS = 1000;
const STALE_MS = 2000;

export async function stop() {
  announce("Stopping…");
  for (let tries = 0; tries < RETRIES; tries += 1) {
    try {
      await post("/api/stop");
      announce("STOP was delivered.");
      return;
    } catch (error) {
      announce(`STOP did not arrive (${error.message}). Use the machine's own emergency stop.`, { stays: true });
      await pause(RETRY_MS);
    }
  }
}

byId("stop").addEventListener("click", stop);
// Escape stops from anywhere, also out of a question.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.repeat) stop();
});

let failures = 0;

async function beat() {
  const answer = await get("/api/pulse");
  if (!answer.ok) throw new Error(`the device answered ${answer.status}`);
  const { frame_age_ms: age, machine, problem } = await answer.json();
  failures = 0;
  alarm(problem ? `The pipeline stopped: ${problem}` : "");
  write(byId("frame-pill-age"), format.age(age));
  tone(byId("frame-pill"), age === null ? "quiet" : age > STALE_MS ? "bad" : "good");
  const found = CONDITIONS[machine.condition] || (machine.problem ? MISSING : NONE);
  write(byId("machine-pill-text"), found.word);
  tone(byId("machine-pill"), found.tone);
}

function failed() {
  failures += 1;
  if (failures > 1) {
    alarm("The device does not answer; what is shown may be out of date. STOP may not arrive: use the machine's own emergency stop.");
  }
}

function alarm(text) {
  show(byId("alarm"), text !== "");
  write(byId("alarm"), text);
}

// The live page knows all this, and sooner.
if (!byId("live-picture")) repeat(beat, () => EVERY_MS, failed);

document.querySelector(".tabs [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
