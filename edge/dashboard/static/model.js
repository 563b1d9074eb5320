// The model's page: the table of labels, the self-test, the swap.
import { agree, withPassword } from "./ask.js";
import { announce, byId, make, onUse, show, tone, usable, write } from "./dom.js";
import { get, pause, post } from "./http.js";

const TRY_MS = 200_000;
const AGAIN_MS = 500;
const ANEW_MS = 120_000;
const RESTART = "It is tried as a whole first. Then the device starts anew: it sorts nothing for some seconds, and a machine that moves has to be armed again.";

// --- labels ---

const body = byId("labels").tBodies[0];
const rows = [...body.rows];

byId("labels-find").addEventListener("input", ({ target }) => {
  const words = target.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const row of rows) {
    const text = `${row.cells[0].textContent} ${row.cells[1].textContent}`.toLowerCase();
    const fits = words.every((word) => text.includes(word));
    show(row, fits);
    found += fits;
  }
  write(byId("labels-count"), words.length ? `${found} of ${rows.length} labels` : `${rows.length} labels`);
});

for (const button of document.querySelectorAll("#labels th button")) {
  button.addEventListener("click", () => sort(button.closest("th")));
}

function sort(head) {
  const numbers = head.classList.contains("number");
  const was = head.getAttribute("aria-sort");
  // Figures begin with the largest, names with A.
  const up = was ? was === "descending" : !numbers;
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const of = (row) => row.cells[head.cellIndex].textContent.trim();
  const order = numbers
    ? (a, b) => value(of(a), up) - value(of(b), up)
    : (a, b) => of(a).localeCompare(of(b), undefined, { numeric: true });
  rows.sort((a, b) => (up ? order(a, b) : order(b, a)));
  body.append(...rows);
}

// What has no figure comes last, either way.
function value(text, up) {
  const number = parseFloat(text);
  return Number.isNaN(number) ? (up ? 1e9 : -1e9) : number;
}

// --- self-test ---

const again = byId("test-again");
if (again) onUse(again, test);

async function test() {
  usable(again, false);
  tone(byId("test-verdict"), "quiet");
  write(byId("test-verdict"), "runs…");
  try {
    tested(await post("/api/model/self-test", {}, TRY_MS));
  } catch (error) {
    verdict("bad", "failed", error.message, "now");
  }
  usable(again, true);
}

function tested({ pictures, tolerance, seconds, gradcam_ms: gradcam, runtime }) {
  const worst = Math.max(...pictures.map((one) => one.measure));
  verdict(
    "good",
    "passed",
    `${pictures.length} pictures, logits off by ${worst.toFixed(3)} of their spread at most; ${tolerance.toFixed(3)} is allowed. All of it took ${seconds.toFixed(1)} s on ${runtime}, a Grad-CAM ${gradcam.toFixed(0)} ms.`,
    `at ${new Date().toLocaleTimeString()}`,
  );
  byId("test-rows").replaceChildren(
    ...pictures.map((one) => {
      const row = make("tr");
      const head = make("th", "", one.role);
      head.scope = "row";
      const figures = [one.mean_off.toFixed(3), one.largest_off.toFixed(3), one.measure.toFixed(3), `${one.milliseconds.toFixed(1)} ms`];
      row.append(head, ...figures.map((text) => make("td", "number", text)));
      return row;
    }),
  );
}

function verdict(mood, word, said, when) {
  tone(byId("test-verdict"), mood);
  write(byId("test-verdict"), word);
  write(byId("test-said"), said);
  write(byId("test-when"), when);
  announce(`The self-test ${word}.`);
}

// --- swap ---

for (const button of document.querySelectorAll("[data-swap]")) {
  onUse(button, () =>
    swap(`Make ${button.dataset.name} live?`, "Make it live", "/api/model/swap", { bundle: button.dataset.swap }),
  );
}
const back = byId("roll-back");
if (back) onUse(back, () => swap(`Go back to ${back.dataset.name}?`, "Go back", "/api/model/rollback", {}));

const seen = byId("notice-seen");
if (seen) {
  onUse(seen, async () => {
    try {
      await post("/api/model/notice/dismiss");
      show(seen.closest("section"), false);
    } catch (error) {
      announce(`Not done: ${error.message}.`, { stays: true });
    }
  });
}

async function swap(title, act, path, asked) {
  if (!(await agree(title, RESTART, act))) return;
  offer(false);
  busy("The model is tried…");
  try {
    await withPassword(() => post(path, asked, TRY_MS));
  } catch (error) {
    busy(`Not done: ${error.message}. The model that runs stays.`, "bad");
    offer(true);
    return;
  }
  busy("It passed. The device starts anew…");
  await anew();
}

async function anew() {
  const run = byId("model").dataset.run;
  for (const began = performance.now(); performance.now() - began < ANEW_MS; await pause(AGAIN_MS)) {
    try {
      const answer = await get("/api/model");
      if (answer.ok && (await answer.json()).run !== run) return location.reload();
    } catch {
      // It starts.
    }
  }
  return busy("The device has not come back. Look at its log; at its next start it tries again, or goes back by itself.", "bad");
}

function offer(can) {
  for (const button of document.querySelectorAll("[data-swap], #roll-back")) usable(button, can);
}

function busy(text, mood = "") {
  show(byId("swap-busy"), true);
  tone(byId("swap-busy"), mood);
  write(byId("swap-busy"), text);
}
