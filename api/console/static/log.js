// The end of a job's log, as it is written.

import { Tail } from "./client.js";
import { byId, h } from "./dom.js";
import { ENDED } from "./jobs.js";
import { count, t } from "./words.js";

const KEPT_CHARACTERS = 200_000;
const MEMBERS_SHOWN = 64;

export class LogTail {
  #tail = null;
  #attempt = null;
  #member = 0;
  #text = "";
  #error = null;
  #isAtEnd = true;
  #drawing = null;

  constructor(changed) {
    this.changed = changed;
  }

  /** Follow the newest attempt of the job at `path`, unless that is followed already. */
  follow(job, path) {
    const attempt = job.attempts.at(-1)?.id ?? null;
    if (attempt === this.#attempt) return;
    this.stop();
    this.#attempt = attempt;
    this.#begin(path);
  }

  choose(member, path) {
    this.#member = member;
    this.#begin(path);
    this.changed();
  }

  stop() {
    this.#tail?.stop();
    [this.#tail, this.#attempt, this.#member, this.#text, this.#error, this.#isAtEnd] = [null, null, 0, "", null, true];
  }

  draw(job) {
    if (!job.attempts.length) return null;
    const none = this.#error ? `${t("job.log_failed")} ${this.#error.message}` : t(ENDED.includes(job.state) ? "job.log_none" : "job.log_not_yet");
    return h(
      "section",
      { "data-key": "log" },
      h("div.log-head", {}, h("h3", {}, t("job.log")), this.#members(job)),
      h(this.#text ? "pre.log" : "pre.log.none", { id: "log", tabindex: "0", role: "log", "aria-label": t("job.log") }, this.#text || none),
    );
  }

  /** After a redraw: stay at the end, if that is where the reader was. */
  scroll() {
    const box = byId("log");
    if (box && this.#isAtEnd) box.scrollTop = box.scrollHeight;
  }

  #members(job) {
    const names = memberNames(job);
    if (names.length < 2) return null;
    const options = names.map((name, member) => h("option", { value: member, selected: member === this.#member }, name));
    return h("select", { id: "log-member", "aria-label": t("job.members") }, options);
  }

  #begin(path) {
    this.#tail?.stop();
    [this.#text, this.#error, this.#isAtEnd] = ["", null, true];
    if (this.#attempt === null) return;
    const number = this.#attempt.split(".").at(-1);
    const query = new URLSearchParams({ attempt: number, member: this.#member, follow: true });
    this.#tail = new Tail(`${path}/logs?${query}`, {
      onBegin: () => this.#said(() => ([this.#text, this.#error] = ["", null])),
      onText: (text) => this.#said(() => (this.#text = (this.#text + text).slice(-KEPT_CHARACTERS))),
      onError: (error) => this.#said(() => (this.#error = error)),
    });
    this.#tail.run();
  }

  // However fast it writes, it is drawn once a frame.
  #said(change) {
    const box = byId("log");
    this.#isAtEnd = !box || box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    change();
    this.#drawing ??= requestAnimationFrame(() => {
      this.#drawing = null;
      this.changed();
    });
  }
}

/** What each member is called, by its rank; with roles `worker 0`. */
function memberNames({ spec, attempts }) {
  const roles = spec.roles ?? [];
  const named = roles.flatMap((role) => Array.from({ length: Math.min(MEMBERS_SHOWN, role.count) }, (_, n) => `${role.name} ${n}`));
  const members = Math.min(MEMBERS_SHOWN, spec.members ?? attempts.at(-1).nodes.length);
  const plain = Array.from({ length: members }, (_, member) => t("job.member", { n: count(member) }));
  return roles.length ? named.slice(0, MEMBERS_SHOWN) : plain;
}
