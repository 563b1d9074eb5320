export function age(ms) {
  if (ms === null) return "–";
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

export function ago(ms) {
  return ms === null ? "" : `${age(ms)} ago`;
}

export function percent(share) {
  return share === null ? "–" : `${Math.round(share * 100)} %`;
}

export function logit(value) {
  return value === null ? "–" : `${Number(value.toPrecision(3))}\u00a0logit`;
}

export function labelled(label) {
  return label.name ? `${label.name} (${label.id})` : label.id;
}

export function binned(bin) {
  return bin ? `bin ${bin.number} ${bin.name}` : "not moved";
}

export function clock(seconds) {
  if (seconds === null) return "–";
  const time = new Date(seconds * 1000);
  const two = (n) => String(n).padStart(2, "0");
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
}
