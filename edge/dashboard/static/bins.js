import { announce, byId, make, rebuild, show, write } from "./dom.js";
import { post } from "./http.js";

export function renderBins({ bins, feeding, about }) {
  show(byId("bins-panel"), bins.length > 0);
  write(byId("bins-feeding"), feeding.ok ? "the feeder may go on" : `feeder: ${feeding.reason}`);
  rebuild(byId("bins-list"), bins, () => bins.map(row));
  show(byId("new-order"), about.wanted);
}

export function watchBins() {
  byId("new-order").addEventListener("click", () => {
    if (confirm("Begin the wanted list anew? What was delivered so far counts no more.")) {
      ask("/api/order", { confirm: true }, "A new order begins.");
    }
  });
}

function row(bin) {
  const node = make("li", bin.full ? "full" : "");
  const room = bin.capacity === null ? `${bin.items}` : `${bin.items} of ${bin.capacity}`;
  node.append(make("span", "", `${bin.number} ${bin.name}`), make("b", "", room));
  if (bin.items > 0) node.append(emptied(bin));
  return node;
}

function emptied(bin) {
  const button = make("button", "button small", "Emptied");
  button.type = "button";
  button.setAttribute("aria-label", `Bin ${bin.number} ${bin.name} was emptied`);
  button.addEventListener("click", () => {
    if (confirm(`Was bin ${bin.number} '${bin.name}' emptied by hand?`)) {
      ask("/api/bins/empty", { number: bin.number }, `Bin ${bin.number} counts from zero.`);
    }
  });
  return button;
}

async function ask(path, body, done) {
  try {
    await post(path, body);
    announce(done);
  } catch (error) {
    announce(`Not noted: ${error.message}.`);
  }
}
