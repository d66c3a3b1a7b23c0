// The end of a job's log, as it is written.

import { Tail } from "./client.js";
import { byId, h } from "./dom.js";
import { ENDED } from "./jobs.js";
import { t } from "./words.js";

const KEPT_CHARACTERS = 200_000;

export class LogTail {
  #tail = null;
  #text = "";
  #attempt = null;
  #error = null;
  #isAtEnd = true;

  constructor(changed) {
    this.changed = changed;
  }

  /** Start to follow the newest attempt of `job`, unless that is followed already. */
  follow(job, path) {
    const attempt = job.attempts.at(-1)?.id ?? null;
    if (attempt === this.#attempt) return;
    this.stop();
    this.#attempt = attempt;
    this.#tail = new Tail(`${path}/logs`, {
      onText: (text) => this.#take(text),
      onError: (error) => this.#fail(error),
    });
    this.#tail.run();
  }

  stop() {
    this.#tail?.stop();
    [this.#tail, this.#text, this.#attempt, this.#error, this.#isAtEnd] = [null, "", null, null, true];
  }

  draw(job) {
    if (!job.attempts.length) return null;
    const none = this.#error ? `${t("job.log_failed")} ${this.#error.message}` : t(ENDED.includes(job.state) ? "job.log_none" : "job.log_not_yet");
    return h(
      "section",
      { "data-key": "log" },
      h("div.log-head", {}, h("h3", {}, t("job.log"))),
      h(this.#text ? "pre.log" : "pre.log.none", { id: "log", tabindex: "0", role: "log", "aria-label": t("job.log") }, this.#text || none),
    );
  }

  scroll() {
    const box = byId("log");
    if (box && this.#isAtEnd) box.scrollTop = box.scrollHeight;
  }

  #take(text) {
    const box = byId("log");
    this.#isAtEnd = !box || box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    this.#text = (this.#text + text).slice(-KEPT_CHARACTERS);
    this.changed();
  }

  #fail(error) {
    this.#error = error;
    this.changed();
  }
}
