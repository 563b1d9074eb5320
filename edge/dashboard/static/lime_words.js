// What is said of LIME, in words.
import * as format from "./format.js";

const R2_LOW = 0.5;
const HIDDEN = { mean: "by their mean", blur: "by a blurred picture", colour: "by one colour" };
const ENGINES = { lime: "stock lime" };

export function stateText(lime) {
  const fewer = lime.lowered_from ? `, not ${lime.lowered_from}: the machine is hot or busy` : "";
  const counted = `${lime.samples}/${lime.budget}${fewer}`;
  switch (lime.state) {
    case "queued":
      return "queued";
    case "segmenting":
      return "segmenting: cutting the picture into superpixels";
    case "sampling":
      return `sampling ${counted}`;
    case "done":
      return doneText(lime, counted);
    case "cancelled":
      return lime.samples ? `cancelled at ${counted}: this is what there was` : "cancelled before there was anything";
    case "superseded":
      return "superseded: a newer picture came before its turn";
    case "failed":
      return `failed: ${lime.problem || "it is not known why"}`;
    default:
      return lime.state;
  }
}

function doneText(lime, counted) {
  const ended = lime.explanation ? lime.explanation.ended : null;
  if (ended === "stable") return `done at ${counted}: the strongest superpixels stay the same`;
  if (ended === "deadline") return `out of time at ${counted}: this is what there was`;
  return `done: ${counted}`;
}

// The same without numbers that change all the time, to be read out.
export function saidText(lime, label) {
  const of = label ? ` of ${format.labelled(label)}` : "";
  if (lime.state === "sampling") return `LIME${of}: sampling`;
  return `LIME${of}: ${stateText(lime)}`;
}

export function badges({ samples }, { superpixels, hide, target }, label) {
  const low = label.r2 === null || label.r2 < R2_LOW;
  const unit = target === "logit" ? "\u00a0logit" : "";
  const few = samples < superpixels;
  return [
    { text: few ? `N ${samples}, fewer than K` : `N ${samples}`, tone: few ? "warn" : "quiet" },
    { text: `K ${superpixels}` },
    { text: low ? `R² ${number(label.r2)}, low: do not read much into it` : `R² ${number(label.r2)}`, tone: low ? "warn" : "quiet" },
    { text: `SE ${number(label.standard_error)}${label.standard_error === null ? "" : unit}` },
    { text: `stable ${format.percent(label.stability)}` },
    { text: `superpixels hidden ${HIDDEN[hide] || hide}` },
  ];
}

export function scaleText(explanation, label) {
  const value = amount(explanation.target);
  const scale = `Scale: ${explanation.scale_name}, max ${value(explanation.scale_max)}.`;
  if (label.no_evidence) return `No positive evidence for this label. ${scale}`;
  return `${scale} This label: ${value(label.min)} to ${value(label.max)} a superpixel.`;
}

export function amount(target) {
  return target === "logit" ? format.logit : number;
}

export function agreementText(agreement, lime) {
  if (!agreement) return lime.over ? "" : "With HiResCAM: known once it is done.";
  const { both, only_cam, only_lime, none, spearman, jaccard, signs } = agreement;
  const counts = `both ${both}, only HiResCAM ${only_cam}, only LIME ${only_lime}, neither ${none}`;
  return `With HiResCAM: ${counts} · rank ${number(spearman)} · strongest ${number(jaccard)} · signs ${number(signs)}`;
}

export function methodText({ engine, design, seed, target, milliseconds }) {
  const parts = [ENGINES[engine] || "LIME", `${design} design`, `${target} as target`, `seed ${seed}`];
  if (milliseconds !== null) parts.push(`${(milliseconds / 1000).toFixed(1)}\u00a0s`);
  return parts.join(" · ");
}

// What not to believe besides what a badge says already, which is told label by label.
export function warningsOf({ warnings, labels }) {
  return warnings.filter((warning) => !labels.some(({ id }) => warning.startsWith(`${id}:`)));
}

function number(value) {
  return value === null ? "–" : String(Number(value.toPrecision(2)));
}
