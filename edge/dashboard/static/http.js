const TIMEOUT_MS = 5000;

export async function get(path, headers = {}) {
  return fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
}

// Ask for something; resolves once the device has taken it, else throws what to tell a person.
export async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Bricksight": "1" },
    body: JSON.stringify(body),
    cache: "no-store",
    keepalive: true,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (answer.ok) return;
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.error || `the device answered ${answer.status}`);
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
