// The conditions of a machine, in words.
export const CONDITIONS = {
  armed: { word: "armed", text: "Armed: it moves when a brick is recognised.", tone: "good" },
  disarmed: { word: "not armed", text: "Not armed: nothing moves until somebody arms it.", tone: "warn" },
  safe: { word: "stopped", text: "Stopped and safe: nothing moves until somebody arms it.", tone: "bad" },
};
export const MISSING = { word: "no answer", text: "The machine does not answer.", tone: "bad" };
export const NONE = { word: "none", text: "No machine is connected.", tone: "quiet" };
