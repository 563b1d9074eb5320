// One page: it polls the newest frame and the state, and asks for what a person wants.
import { renderBins, watchBins } from "./bins.js";
import { byId, show, write } from "./dom.js";
import { Decision } from "./decision.js";
import { get, repeat } from "./http.js";
import { renderBalance, renderRecent } from "./journal.js";
import { Labels } from "./labels.js";
import { Live } from "./live.js";
import { Machine } from "./machine.js";
import { Why } from "./why.js";

const EVERY_MS = 500;

const live = new Live();
const why = new Why();
const labels = new Labels((index, name) => why.choose(index, name));
const decision = new Decision();
const machine = new Machine();
watchBins();
let etag = null;
let model = null;
let failures = 0;

async function step() {
  const answer = await get("/api/state", etag ? { "If-None-Match": etag } : {});
  if (answer.status !== 304) {
    if (!answer.ok) throw new Error(`the device answered ${answer.status}`);
    render(await answer.json());
    etag = answer.headers.get("ETag");
  } else if (failures > 1) {
    alarm("");
  }
  failures = 0;
}

function render(state) {
  // Another model has other labels, which are part of the page.
  if (model !== null && model !== state.about.model_sha256) location.reload();
  model = state.about.model_sha256;
  alarm(state.problem ? `The pipeline stopped: ${state.problem}` : "");
  live.render(state);
  labels.render(state);
  why.render(state);
  decision.render(state);
  machine.render(state);
  renderRecent(state.recent);
  renderBalance(state.balance);
  renderBins(state);
  renderFoot(state);
  document.body.dataset.ready = "yes";
}

function renderFoot({ about, counters, stage_ms }) {
  write(byId("about-model"), `${about.bundle} · ${about.model_sha256.slice(0, 12)} · ${about.labels} labels`);
  byId("about-model").title = about.model_sha256;
  write(byId("about-mode"), about.mode);
  write(byId("about-frames"), `${counters.frames_seen} seen, ${counters.frames_replaced} replaced by newer`);
  const stages = Object.entries(stage_ms).map(([name, ms]) => `${name} ${ms} ms`);
  write(byId("about-stages"), stages.join(" · ") || "–");
}

function alarm(text) {
  show(byId("alarm"), text !== "");
  write(byId("alarm"), text);
}

function failed() {
  failures += 1;
  if (failures > 1) {
    etag = null;
    alarm("The device does not answer; what is shown may be out of date. STOP may not arrive: use the machine's own emergency stop.");
  }
}

live.start();
repeat(step, () => EVERY_MS, failed);
