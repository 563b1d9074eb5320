import { agree, withPassword } from "./ask.js";
import { announce, byId } from "./dom.js";
import { post } from "./http.js";

for (const time of document.querySelectorAll("time[data-seconds]")) {
  const at = new Date(1000 * Number(time.dataset.seconds));
  time.dateTime = at.toISOString();
  time.textContent = at.toLocaleString();
}

byId("log-out").addEventListener("click", () => leave("/logout"));
byId("log-out-everywhere").addEventListener("click", () => leave("/account/logout-everywhere"));
onSubmit("own-password", (values) => post("/account/password", values), "The password is changed.");
onSubmit("add-user", (values) => withPassword(() => post("/api/users", values)), "Added.");

for (const row of document.querySelectorAll("tr[data-user]")) {
  const name = row.dataset.user;
  const path = `/api/users/${encodeURIComponent(name)}`;
  const role = row.querySelector("[data-act=role]");
  const theirs = role.value;
  role.addEventListener("change", async () => {
    const done = await tell(() => withPassword(() => post(path, { role: role.value })), `${name} is ${role.value} now.`);
    if (!done) role.value = theirs;
  });
  row.querySelector("[data-act=remove]").addEventListener("click", async () => {
    if (await agree(`Remove ${name}?`, "They are logged out at once and cannot log in any more.", "Remove")) {
      tell(() => withPassword(() => post(`${path}/remove`)), `${name} is removed.`);
    }
  });
}

function onSubmit(id, act, said) {
  const form = byId(id);
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    tell(() => act(Object.fromEntries(new FormData(form))), said);
  });
}

async function tell(act, said) {
  try {
    await act();
    announce(said);
    setTimeout(() => location.reload(), 800);
    return true;
  } catch (error) {
    announce(`Not done: ${error.message}.`, { stays: true });
    return false;
  }
}

async function leave(path) {
  try {
    await post(path);
  } catch (error) {
    // Who is not logged in any more has left; where the disk is full, this browser forgot.
    if (![401, 503].includes(error.status)) return announce(`You are still logged in: ${error.message}.`, { stays: true });
  }
  return location.assign("/login");
}
