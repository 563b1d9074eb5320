// The way into a study: a code, consent and familiarity, and a code of one's own.
import { byId, write } from "./dom.js";
import { post } from "./http.js";
import { once, say, turnTo } from "./study_words.js";

const steps = ["step-code", "step-consent", "step-own"].map(byId);

byId("code-form").addEventListener("submit", (event) => {
  event.preventDefault();
  once(event.submitter, async () => {
    const found = await post("/participate/code", { code: byId("code").value });
    if (found.returned) {
      location.reload();
      return;
    }
    write(byId("study-title"), found.title);
    write(byId("study-questions"), String(found.questions));
    write(byId("study-minutes"), found.minutes === 1 ? "a minute" : `${found.minutes} minutes`);
    turnTo(steps[1], steps);
  });
});

byId("consent-form").addEventListener("submit", (event) => {
  event.preventDefault();
  once(event.submitter, async () => {
    const familiarity = new FormData(event.target).get("familiarity");
    const { code } = await post("/participate/join", { code: byId("code").value, consent: byId("agree").checked, familiarity });
    write(byId("own-code"), code);
    turnTo(steps[2], steps);
  });
});

byId("no-thanks").addEventListener("click", () => {
  byId("consent-form").reset();
  byId("code-form").reset();
  say("");
  turnTo(steps[0], steps);
});
