// One question after the other. Nothing here knows a method.
import { agree } from "./ask.js";
import { byId, make, show, write } from "./dom.js";
import { post, Refused } from "./http.js";
import { say, turnTo } from "./study_words.js";

// What is pressed sooner after a choice was meant for the pictures, not for how sure one is.
const SETTLE_MS = 400;
const TIMEOUT_MS = 20000;
const sections = ["intro", "trial", "thanks"].map(byId);
const stage = byId("stage");
let question = null;
let shownAt = 0;
// "idle", "choosing", "sending", "sure"
let state = "idle";
let since = 0;

function become(next) {
  state = next;
  since = performance.now();
}

async function next() {
  become("idle");
  say("");
  show(byId("again"), false);
  show(byId("sure"), false);
  const found = await get("/participate/next");
  if (found.done || found.closed) return finish(found.closed);
  question = found.question;
  write(byId("question"), question.text);
  write(byId("progress-text"), `Question ${question.number} of ${question.of}`);
  byId("progress").value = (question.number - 1) / question.of;
  await present();
  for (const sha of found.upcoming) fetch(picture(sha)).catch(() => {});
  return undefined;
}

// All pictures are there before any is seen, and only then does the clock start.
async function present() {
  const objective = question.options.length > 0;
  const nodes = objective ? [byId("plain"), byId("map")] : [byId("plain"), ...byId("pair").querySelectorAll("img")];
  stage.dataset.state = "loading";
  for (const node of stage.querySelectorAll("img")) show(node, false);
  for (const button of choices()) button.setAttribute("aria-pressed", "false");
  show(byId("pair"), !objective);
  show(byId("one"), objective);
  byId("bricks").replaceChildren(...question.options.map(brick));
  show(byId("loading"), true);
  await Promise.all([question.picture, ...question.shown].map((sha, place) => load(nodes[place], sha)));
  for (const node of nodes) show(node, true);
  show(byId("loading"), false);
  stage.dataset.state = "shown";
  turnTo(byId("trial"), sections);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  shownAt = performance.now();
  become("choosing");
}

async function load(node, sha) {
  const answer = await fetch(picture(sha), { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
  if (node.src) URL.revokeObjectURL(node.src);
  node.src = URL.createObjectURL(await answer.blob());
  await node.decode();
}

function brick(name, place) {
  const button = make("button", "button study-brick");
  button.type = "button";
  button.dataset.choice = String(place + 1);
  const key = make("kbd", "", String(place + 1));
  key.setAttribute("aria-hidden", "true");
  button.append(key, " ", name);
  button.addEventListener("click", () => choose(button.dataset.choice));
  return button;
}

function choices() {
  return stage.querySelectorAll("[data-choice]");
}

async function choose(choice) {
  if (state !== "choosing" || !question.choices.includes(choice)) return;
  const rt = Math.round(performance.now() - shownAt);
  become("sending");
  for (const button of choices()) button.setAttribute("aria-pressed", String(button.dataset.choice === choice));
  await attempt(async () => {
    await post("/participate/answer", { trial: question.number, key: question.key, choice, rt_ms: rt });
    if (!question.ask_confidence) return next();
    show(byId("sure"), true);
    byId("sure-title").focus();
    become("sure");
    return undefined;
  });
}

async function beSure(level) {
  if (state !== "sure" || performance.now() - since < SETTLE_MS) return;
  become("sending");
  await attempt(async () => {
    if (level) await post("/participate/confidence", { trial: question.number, key: question.key, confidence: level });
    return next();
  });
}

// Nothing said is lost: what did not arrive is sent again, and the first answer stays.
async function attempt(act) {
  say("");
  show(byId("again"), false);
  try {
    await act();
  } catch (error) {
    if (error.status === 401 || error.status === 403 || error.status === 404) return location.reload();
    const over = error.status === 409;
    say(over ? error.message : `that did not reach the device (${error.message})`);
    write(byId("again"), over ? "Go on" : "Try again");
    byId("again").onclick = () => attempt(over ? next : act);
    show(sections[0], false);
    show(byId("trial"), true);
    show(byId("again"), true);
    byId("again").focus();
  }
  return undefined;
}

async function get(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  const said = await answer.json().catch(() => ({}));
  if (answer.status === 409) return { closed: said.error };
  if (!answer.ok) throw new Refused(answer.status, said);
  return said;
}

function picture(sha) {
  return `/participate/pictures/${sha}.jpg`;
}

function finish(closed) {
  if (closed) write(byId("thanks-text"), `${closed.charAt(0).toUpperCase()}${closed.slice(1)}.`);
  turnTo(byId("thanks"), sections);
}

for (const button of byId("pair").querySelectorAll("button")) {
  button.addEventListener("click", () => choose(button.dataset.choice));
}
for (const button of byId("sure").querySelectorAll("[data-sure]")) {
  button.addEventListener("click", () => beSure(Number(button.dataset.sure)));
}
byId("skip-sure").addEventListener("click", () => beSure(null));
byId("begin").addEventListener("click", () => attempt(next));

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const number = Number(event.key);
  if (!Number.isInteger(number) || number < 1) return;
  if (state === "choosing") choose(question.choices[number - 1]);
  else if (state === "sure" && number <= 5) beSure(number);
});

byId("withdraw").addEventListener("click", async () => {
  const sure = await agree("Withdraw from the study?", "Everything you answered is deleted for good, and your code ends.", "Delete my answers");
  if (!sure) return;
  await attempt(async () => {
    await post("/participate/withdraw", { confirm: true });
    await post("/logout").catch(() => {});
    become("idle");
    show(byId("withdraw"), false);
    write(byId("thanks-title"), "You withdrew");
    write(byId("thanks-text"), "Everything you answered was deleted. Thank you for your time.");
    turnTo(byId("thanks"), sections);
  });
});

byId("leave").addEventListener("click", () =>
  attempt(async () => {
    await post("/logout");
    location.assign("/participate");
  }),
);
