// What went wrong, where a person sees it.
import { byId, show, write } from "./dom.js";

export function say(text, id = "said") {
  const node = byId(id);
  show(node, text !== "");
  write(node, text && `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`);
}

// Do what a button or form is for; it cannot be used again before it is over.
export async function once(button, act, saidAt) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  say("", saidAt);
  try {
    await act();
  } catch (error) {
    say(error.message, saidAt);
  }
  button.setAttribute("aria-disabled", "false");
}

// Show one part of the page, and begin reading there.
export function turnTo(section, others) {
  for (const other of others) show(other, other === section);
  const heading = section.querySelector("h2");
  heading.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}
