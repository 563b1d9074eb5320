// An age the device told, counted on here until it tells a newer one.
export class Age {
  #ms = null;
  #toldAt = 0;

  tell(ms) {
    this.#ms = ms;
    this.#toldAt = performance.now();
  }

  get ms() {
    return this.#ms === null ? null : this.#ms + performance.now() - this.#toldAt;
  }
}

// An image element that shows blobs and lets go of the one before.
export class BlobImage {
  #node;
  #url = null;

  constructor(node) {
    this.#node = node;
  }

  async put(blob) {
    const url = URL.createObjectURL(blob);
    const loaded = new Image();
    loaded.src = url;
    try {
      await loaded.decode();
    } catch (error) {
      URL.revokeObjectURL(url);
      throw error;
    }
    this.#node.src = url;
    this.#node.hidden = false;
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = url;
  }
}
