// Questions to a person, in a dialog: yes or no, or their password.
import { make } from "./dom.js";
import { post } from "./http.js";

// Whether they agree. `act` names what will happen, on the button.
export function agree(title, text, act) {
  return ask(title, [make("p", "", text)], act, () => true);
}

// Do it; where the device wants the password first, ask for it and do it again.
export async function withPassword(act) {
  try {
    return await act();
  } catch (error) {
    if (!error.said?.reauthenticate) throw error;
  }
  if (!(await password())) throw new Error("the password was not given");
  return act();
}

async function password() {
  const field = make("input");
  Object.assign(field, { type: "password", autocomplete: "current-password", required: true, id: "ask-password" });
  const label = make("label", "", "Password");
  label.htmlFor = field.id;
  const given = await ask("Your password, once more", [label, field], "Go on", () => field.value);
  if (!given) return false;
  await post("/account/prove", { password: given });
  return true;
}

function ask(title, content, act, value) {
  const dialog = make("dialog");
  const form = make("form", "fields");
  const heading = make("h2", "", title);
  heading.id = "ask-title";
  dialog.setAttribute("aria-labelledby", heading.id);
  const no = make("button", "button", "Cancel");
  no.type = "button";
  const yes = make("button", "button primary", act);
  const buttons = make("div", "buttons");
  buttons.append(no, yes);
  form.append(heading, ...content, buttons);
  dialog.append(form);
  document.body.append(dialog);
  return new Promise((done) => {
    const end = (answer) => {
      dialog.remove();
      done(answer);
    };
    no.addEventListener("click", () => end(null));
    dialog.addEventListener("cancel", () => end(null));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      end(value());
    });
    dialog.showModal();
  });
}
