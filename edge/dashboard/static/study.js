// All studies: how far they are made; making one; bringing one in.
import { agree } from "./ask.js";
import { announce, byId } from "./dom.js";
import { getJson, pause, post, Refused } from "./http.js";
import { once } from "./study_words.js";

const EVERY_MS = 1000;

async function watch() {
  while (document.querySelector('#studies [data-state="running"]')) {
    await pause(EVERY_MS);
    const { studies } = await getJson("/api/studies").catch(() => ({ studies: [] }));
    for (const study of studies) {
      const row = document.querySelector(`#studies [data-id="${study.id}"]`);
      if (!row || row.dataset.state !== study.state) return location.reload();
      if (study.state !== "running") continue;
      const bar = row.querySelector("progress");
      bar.max = study.of || 1;
      bar.value = study.made;
      row.querySelector(".study-made").textContent = `${study.made} of ${study.of} pictures`;
    }
  }
  return undefined;
}

byId("create").addEventListener("submit", (event) => {
  event.preventDefault();
  once(event.submitter, async () => {
    await post("/api/studies", {
      title: byId("title").value,
      folder: byId("source").value || null,
      count: Number(byId("count").value),
      asked: byId("asked").value,
      confidence: byId("confidence").checked,
      objective: byId("objective").checked,
    });
    location.reload();
  });
});

byId("import").addEventListener("submit", (event) => {
  event.preventDefault();
  once(event.submitter, () => bringIn(byId("file").files[0]), "import-said");
});

async function bringIn(file) {
  if (file.size > Number(byId("file").dataset.most)) {
    throw new Error("the file is too large for a page; on the device, bricksight-edge study import takes it");
  }
  const answer = await fetch("/api/studies/import", {
    method: "POST",
    headers: {
      "Content-Type": "application/octet-stream",
      "X-CSRF-Token": document.querySelector('meta[name="csrf-token"]').content,
    },
    body: file,
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, said);
  location.assign(`/study/${said.id}`);
}

for (const button of document.querySelectorAll("[data-remove]")) {
  button.addEventListener("click", async () => {
    if (!(await agree("Remove this study?", "It was not made, and nobody answered it.", "Remove"))) return;
    try {
      await post(`/api/studies/${button.dataset.remove}/remove`, { confirm: true });
      location.reload();
    } catch (error) {
      announce(error.message, { stays: true });
    }
  });
}

watch();
