// One study: open it, close it, remove it.
import { agree } from "./ask.js";
import { byId } from "./dom.js";
import { post } from "./http.js";
import { once } from "./study_words.js";

const address = `/api/studies/${byId("one").dataset.id}`;

function act(name, question, to) {
  const button = byId(name);
  button?.addEventListener("click", () =>
    once(button, async () => {
      if (question && !(await agree(...question))) return;
      await post(`${address}/${name}`, question ? { confirm: true } : {});
      location.assign(to || location.pathname);
    }),
  );
}

act("open");
act("close", ["Close this study?", "No more answers are taken, and it cannot be opened again. Who has not finished cannot go on.", "Close it"]);
act("remove", ["Remove this study?", "Its pictures are deleted. Nobody has answered it.", "Remove"], "/study");
