// A part of the board that loads by itself: loading, empty, failed and filled are all designed.

import { h, show } from "./dom.js";
import { t } from "./words.js";

export class Panel {
  #newest = 0;
  #state = "loading";
  #error = null;
  data = null;

  /** `load()` gives the data, `draw(data)` the nodes to show in `body`, for whom it is. */
  constructor(body, { load, draw, rows = 4, isFor = () => true }) {
    this.body = body;
    this.isFor = isFor;
    this.load = load;
    this.drawData = draw;
    this.rows = rows;
    this.body.addEventListener("click", (event) => {
      if (event.target.closest("[data-retry]")) this.refresh();
    });
  }

  async refresh() {
    const mine = ++this.#newest;
    if (!this.isFor()) {
      this.#state = "forbidden";
      return this.draw();
    }
    try {
      const data = await this.load();
      if (mine !== this.#newest) return;
      [this.#state, this.data, this.#error] = ["ready", data, null];
    } catch (error) {
      if (mine !== this.#newest) return;
      this.#state = error.status === 403 ? "forbidden" : "failed";
      this.#error = error;
    }
    this.draw();
  }

  reset() {
    this.#newest += 1;
    [this.#state, this.data, this.#error] = ["loading", null, null];
    show(this.body);
  }

  draw() {
    const section = this.body.closest("section");
    section.hidden = this.#state === "forbidden";
    section.setAttribute("aria-busy", String(this.#state === "loading"));
    if (section.hidden) return;
    if (this.data !== null) {
      show(this.body, this.#state === "failed" && this.#failure(), this.drawData(this.data));
    } else if (this.#state === "failed") show(this.body, this.#failure());
    else show(this.body, skeleton(this.rows));
  }

  #failure() {
    return h(
      "div.failure",
      { role: "alert", "data-key": "failure" },
      h("span", {}, t("panel.failed")),
      h("code", {}, this.#error.message),
      h("button.plain", { type: "button", "data-retry": true }, t("panel.retry")),
    );
  }
}

function skeleton(rows) {
  const bars = Array.from({ length: rows }, () => h("i"));
  return h("div.skeleton", { role: "status", "aria-label": t("panel.loading") }, bars);
}

/** What stands where there is nothing: says so, and what would fill it. */
export function empty(title, hint) {
  return h("div.empty", {}, h("strong", {}, title), hint && h("span", {}, hint));
}
