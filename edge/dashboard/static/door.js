// Logging in, and the set-up.
import { byId, show, write } from "./dom.js";
import { post } from "./http.js";

const form = byId("door");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const again = byId("again");
  if (again && again.value !== byId("password").value) return say("The two passwords differ.");
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await post(form.dataset.to, Object.fromEntries(new FormData(form)));
    location.assign(own(form.dataset.next));
  } catch (error) {
    say(sentence(error.message));
    button.disabled = false;
  }
  return undefined;
});

function say(text) {
  show(byId("said"), true);
  write(byId("said"), text);
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

// Only to a page of this device, whatever the address bar said.
function own(path) {
  const to = new URL(path || "/", location.origin);
  return to.origin === location.origin ? to.pathname + to.search : "/";
}
