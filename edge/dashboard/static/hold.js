// Down while a pointer, Space or Enter is held on the node.
export function holdable(node, hold) {
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    hold(true);
  });
  for (const up of ["pointerup", "pointercancel", "pointerleave", "blur"]) {
    node.addEventListener(up, () => hold(false));
  }
  node.addEventListener("contextmenu", (event) => event.preventDefault());
  node.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) hold(true);
  });
  node.addEventListener("keyup", (event) => {
    if (event.key === " " || event.key === "Enter") hold(false);
  });
}
