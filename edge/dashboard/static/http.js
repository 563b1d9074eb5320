const TIMEOUT_MS = 5000;

// What the device refused, with its status and all that it said.
export class Refused extends Error {
  constructor(status, said) {
    super(said.error || `the device answered ${status}`);
    this.status = status;
    this.said = said;
  }
}

export async function get(path, headers = {}) {
  const answer = await fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (answer.status === 401) goLogIn();
  return answer;
}

// GET as JSON, or throws what to tell a person.
export async function getJson(path) {
  const answer = await get(path);
  if (answer.ok) return answer.json();
  throw new Refused(answer.status, await answer.json().catch(() => ({})));
}

// Ask for something; resolves to what the device said once it has taken it, else throws `Refused`.
export async function post(path, body = {}, timeoutMs = TIMEOUT_MS) {
  try {
    return await send(path, body, timeoutMs);
  } catch (error) {
    if (!error.said?.stale_page) throw error;
  }
  // Its person logged in anew in another tab: this page is still theirs.
  pageToken().content = (await getJson("/api/page-token")).token;
  return send(path, body, timeoutMs);
}

async function send(path, body, timeoutMs) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": pageToken().content },
    body: JSON.stringify(body),
    cache: "no-store",
    keepalive: true,
    signal: AbortSignal.timeout(timeoutMs),
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw new Refused(answer.status, said);
}

function pageToken() {
  return document.querySelector('meta[name="csrf-token"]');
}

// The session is over: back to this page after logging in.
function goLogIn() {
  if (location.pathname !== "/login") {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
}

export function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

// Run a step again and again while somebody can see the page, one at a time.
export async function repeat(step, everyMs, whenItFails) {
  for (;;) {
    await visible();
    const began = performance.now();
    try {
      await step();
    } catch (error) {
      whenItFails(error);
    }
    await pause(Math.max(20, everyMs() - (performance.now() - began)));
  }
}

function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((done) => {
    document.addEventListener("visibilitychange", () => done(), { once: true });
  });
}
