import { Age } from "./age.js";
import { byId, make, rebuild, show, tone, write } from "./dom.js";
import * as format from "./format.js";

export const TONES = {
  confirmed: "good",
  fired: "good",
  pending: "quiet",
  unmoved: "quiet",
  review: "warn",
  missed: "bad",
  refused: "bad",
  unknown: "bad",
};

export class Decision {
  #age = new Age();

  constructor() {
    setInterval(() => write(byId("decision-age"), format.ago(this.#age.ms)), 500);
  }

  render({ decision, outcome, age_ms }) {
    show(byId("decision-empty"), !decision);
    show(byId("decision-body"), Boolean(decision));
    this.#age.tell(decision ? age_ms.decision : null);
    if (!decision) return;
    write(byId("decision-target"), decision.bin ? `→ ${format.binned(decision.bin)}` : "Not moved");
    write(byId("decision-sentence"), decision.sentence);
    write(byId("decision-reason"), decision.reason);
    byId("decision-reason").title = decision.reason_text;
    this.#outcome(outcome);
    const others = decision.alternatives;
    rebuild(byId("alternatives"), others, () => others.map(alternative));
  }

  #outcome(outcome) {
    const pill = byId("outcome-pill");
    write(pill, outcome ? outcome.code : "not recorded");
    tone(pill, outcome ? TONES[outcome.code] || "quiet" : "quiet");
    write(byId("outcome-sentence"), outcome ? outcome.sentence : "");
  }
}

function alternative(other) {
  const row = make("li");
  row.append(make("span", "others-name", format.labelled(other)));
  row.append(make("span", "others-bin", other.bin ? format.binned(other.bin) : "no bin"));
  row.append(make("span", "others-share", format.percent(other.confidence)));
  return row;
}
