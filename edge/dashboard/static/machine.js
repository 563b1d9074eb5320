import { announce, byId, show, tone, write } from "./dom.js";
import { CONDITIONS, MISSING, NONE } from "./conditions.js";
import { post } from "./http.js";
import { stop } from "./shell.js";

export class Machine {
  #dialog = byId("arm-dialog");

  constructor() {
    byId("arm-stop").addEventListener("click", () => this.#close(stop));
    byId("arm").addEventListener("click", () => this.#dialog.showModal());
    byId("arm-cancel").addEventListener("click", () => this.#dialog.close());
    byId("arm-confirm").addEventListener("click", () => this.#close(arm));
  }

  render({ machine, about }) {
    const found = CONDITIONS[machine.condition] || (machine.problem ? MISSING : NONE);
    write(byId("machine-kind"), [machine.kind, `mode ${about.mode}`].filter(Boolean).join(" · "));
    write(byId("machine-condition"), found.text);
    tone(byId("machine-condition"), found.tone);
    write(byId("machine-reason"), reasonText(machine));
    show(byId("machine-reason"), reasonText(machine) !== "");
    write(byId("machine-pill-text"), found.word);
    tone(byId("machine-pill"), found.tone);
    write(byId("machine-promise"), promiseText(machine));
    show(byId("machine-promise"), promiseText(machine) !== "");
    byId("arm").disabled = machine.condition === null || machine.condition === "armed";
  }

  #close(then) {
    this.#dialog.close();
    then();
  }
}

function reasonText({ condition, reason, queued, problem }) {
  if (condition === null) return problem || "";
  const waiting = queued ? `${queued} waiting` : "";
  return [reason, waiting, problem].filter(Boolean).join(" · ");
}

const PROMISES = {
  "exactly once": "Each command acts exactly once",
  "at most once": "Each command acts at most once; without an answer it is unknown",
};
const TIMINGS = {
  "machine timed": "timed by the machine",
  "host timed": "timed by this computer, late by milliseconds when it is busy",
};

export function promiseText({ promise, timing, confirms }) {
  if (!promise) return "";
  const drops = confirms ? "a sensor confirms drops" : "no sensor sees drops";
  return `${PROMISES[promise] || promise}; ${TIMINGS[timing] || timing}; ${drops}.`;
}

async function arm() {
  try {
    await post("/api/arm", { confirm: true });
    announce("Asked the machine to arm.");
  } catch (error) {
    announce(`Not armed: ${error.message}.`);
  }
}
