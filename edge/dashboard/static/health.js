import { byId, make, rebuild, show, tone, write } from "./dom.js";
import * as format from "./format.js";
import { getJson, repeat } from "./http.js";

const EVERY_MS = 1000;
const KEPT = 120;
const BITS = ["under-voltage", "arm frequency capped", "throttled", "soft temperature limit"];
const SVG = "http://www.w3.org/2000/svg";
const history = new Map();

async function step() {
  const state = await getJson("/api/health");
  const wrong = state.warnings;
  write(byId("health-said"), wrong.length ? `${wrong.length} to look at` : "all is well");
  rebuild(byId("warnings"), wrong, () => wrong.map((text) => make("li", "", text)));
  renderTiles(state);
  renderStages(state.stages);
  renderPower(state.machine.throttle);
}

function failed(error) {
  write(byId("health-said"), `no answer: ${error.message}`);
}

function renderTiles(state) {
  const { machine, camera, lime } = state;
  const heat = Object.entries(machine.celsius);
  const hottest = heat.length ? Math.max(...heat.map(([, celsius]) => celsius)) : null;
  const tiles = [
    tile("Frames a second", state.fps, (v) => v.toFixed(1), `camera ${camera.state}`),
    tile("Age of the newest frame", state.frame_age_ms, format.age),
    tile("Frames replaced", state.frames_replaced, String, `of ${state.frames_seen + state.frames_replaced}`, false),
    tile("LIME", lime.last_ms, (v) => `${Math.round(v)} ms`, lime.last_ms === null ? "none yet" : `${lime.last_samples} samples, ${lime.waiting} waiting`),
    tile("Temperature", hottest, (v) => `${v.toFixed(0)} °C`, heat.length ? heat.map(([name, c]) => `${name} ${c.toFixed(0)}`).join(", ") : "no sensor"),
    tile("Load", machine.load, (v) => v.toFixed(2), `on ${machine.cores} ${machine.cores === 1 ? "core" : "cores"}`),
    tile("Memory of the app", machine.memory?.own, bytes, machine.memory ? `${bytes(machine.memory.available)} of ${bytes(machine.memory.total)} available` : ""),
    tile("Free on the disk", machine.disk?.free, bytes, machine.disk ? `journal ${bytes(machine.disk.journal)}, pictures ${bytes(machine.disk.pictures)}` : "cannot be asked"),
    tile("Clock follows a server", clock(machine.clock_synchronised), String, "for the journal’s times", false),
    tile("Running since", machine.uptime_s === null ? null : 1000 * machine.uptime_s, long, "the machine", false),
  ];
  byId("tiles").replaceChildren(...tiles);
}

function tile(name, value, text, more = "", drawn = true) {
  const node = make("div");
  node.append(make("dt", "", name), make("dd", "", value === null || value === undefined ? "–" : text(value)));
  if (more) node.append(make("dd", "small", more));
  if (drawn) node.append(make("dd", "small", ""));
  if (drawn && typeof value === "number") node.lastChild.append(spark(name, value));
  return node;
}

// What this page has seen of a value, as a line.
function spark(name, value) {
  const seen = history.get(name) ?? [];
  seen.push(value);
  if (seen.length > KEPT) seen.shift();
  history.set(name, seen);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", `0 0 ${KEPT - 1} 20`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const low = Math.min(...seen);
  const span = Math.max(...seen) - low || Math.abs(low) || 1;
  const from = KEPT - seen.length;
  const points = seen.map((v, i) => `${from + i},${(18 - (16 * (v - low)) / span).toFixed(1)}`);
  const line = document.createElementNS(SVG, "polyline");
  for (const [key, to] of Object.entries({ points: points.join(" "), fill: "none", stroke: "currentColor", "stroke-width": "1.5", "vector-effect": "non-scaling-stroke" })) {
    line.setAttribute(key, to);
  }
  svg.append(line);
  return svg;
}

function renderStages(stages) {
  const rows = Object.entries(stages);
  const longest = Math.max(1, ...rows.map(([, spread]) => spread.p95));
  write(byId("stages-of"), rows.length ? `of the last ${rows[0][1].count} frames` : "no frame yet");
  byId("stages").replaceChildren(...rows.map(([name, spread]) => stage(name, spread, longest)));
}

function stage(name, { p50, p95, largest }, longest) {
  const row = make("tr");
  const head = make("th", "", name);
  head.scope = "row";
  const bar = make("span", "span-bar");
  for (const [className, value] of [["to95", p95], ["", p50]]) {
    const part = make("span", className);
    part.style.setProperty("width", `${(100 * value) / longest}%`);
    bar.append(part);
  }
  const drawn = make("td", "bar-cell");
  drawn.append(bar);
  row.append(head, ...[p50, p95, largest].map((ms) => make("td", "num", `${ms.toFixed(1)} ms`)), drawn);
  return row;
}

function renderPower(throttle) {
  show(byId("power-empty"), !throttle);
  show(byId("power-box"), Boolean(throttle));
  if (!throttle) return;
  rebuild(byId("power"), throttle, () =>
    BITS.map((bit) => {
      const row = make("tr");
      const head = make("th", "", bit);
      head.scope = "row";
      row.append(head, said(throttle.now.includes(bit)), said(throttle.occurred.includes(bit)));
      return row;
    }),
  );
}

function said(yes) {
  const cell = make("td");
  const pill = make("span", "pill", yes ? "yes" : "no");
  tone(pill, yes ? "bad" : "good");
  cell.append(pill);
  return cell;
}

function clock(synchronised) {
  if (synchronised === null) return "–";
  return synchronised ? "yes" : "no";
}

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let power = 0;
  let value = count;
  while (value >= 1000 && power < units.length - 1) {
    value /= 1000;
    power += 1;
  }
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

function long(ms) {
  const hours = ms / 3.6e6;
  return hours < 48 ? format.age(ms) : `${Math.round(hours / 24)} days`;
}

repeat(step, () => EVERY_MS, failed);
