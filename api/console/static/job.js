// One job, opened at the side: what was asked, how it stands and why, its attempts, its log.

import { get, post } from "./client.js";
import { byId, h, show } from "./dom.js";
import { LogTail } from "./log.js";
import { ACTIVE, ENDED, WAITING, nameOf, needs, plannedStart, sentence, stateChip } from "./jobs.js";
import * as turns from "./turns.js";
import { at, count, durationMs, isChinese, near, nowMs, span, t, tOr, yuan } from "./words.js";

const dialog = byId("job");
const SHA_SHOWN = 16; // enough to tell two apart

/** Which members of which roles are on a node: ` (launcher 0, worker 0-1)`. */
const who = (members) =>
  members ? ` (${Object.entries(members).map(([role, numbers]) => `${role} ${numbers}`).join(", ")})` : "";

/** How small an elastic job may become, and by what steps where they are not halves. */
const leastOf = ({ min_devices: least, step_devices: step }) =>
  step ? t("job.least_by", { n: count(least), step: count(step) }) : count(least);

const detailOf = ({ detail, detail_zh: detailZh }) => (isChinese() && detailZh) || detail;

const withCost = (text, cost) => (cost ? t("job.costs", { text, cost }) : text);

/** The drawer; `names.centre` and `names.tenant` turn ids into names. */
export class Drawer {
  #id = null;
  #job = null;
  #explanation = null;
  #error = null;
  #confirming = false;
  #sooner = null; // what would let it start sooner, once somebody has asked
  #asked = 0;
  #log = new LogTail(() => this.draw());

  constructor(names) {
    this.names = names;
    dialog.addEventListener("close", () => dialog.open || this.#closed()); // told late: it may be open again
    dialog.addEventListener("click", (event) => this.#clicked(event));
    dialog.addEventListener("change", ({ target }) => {
      if (target.id === "log-member") this.#log.choose(Number(target.value), this.#path);
    });
  }

  get id() {
    return this.#id;
  }

  get #path() {
    return `/v1/jobs/${encodeURIComponent(this.#id)}`;
  }

  open(id) {
    this.#closed();
    this.#id = id;
    location.replace(`#job=${encodeURIComponent(id)}`);
    this.draw();
    if (!dialog.open) dialog.showModal();
    this.refresh();
  }

  close() {
    if (dialog.open) dialog.close();
  }

  async refresh() {
    if (this.#id === null) return;
    const [mine, path] = [++this.#asked, this.#path];
    try {
      const [job, explanation] = await Promise.all([get(path), get(`${path}/explain`)]);
      if (mine !== this.#asked) return;
      [this.#job, this.#explanation, this.#error] = [job, explanation, null];
      this.#log.follow(job, path);
    } catch (error) {
      if (mine !== this.#asked) return;
      this.#error = error;
    }
    this.draw();
  }

  draw() {
    if (this.#id === null) return;
    const job = this.#job;
    show(
      dialog,
      h(
        "header",
        {},
        h("div", {}, h("h2", { id: "job-title" }, job ? nameOf(job) : t("panel.loading")), h("code", {}, this.#id)),
        job && stateChip(job.state),
        h("button.icon", { type: "button", "data-close": true, "aria-label": t("job.close") }, "✕"),
      ),
      h(
        "div.drawer-body",
        {},
        this.#error && h("p.error", { role: "alert" }, `${t("panel.failed")} ${this.#error.message}`),
        job && [this.#why(), this.#turn(), this.#facts(job), this.#attempts(job), this.#log.draw(job), this.#command(job)],
      ),
      job && this.#actions(job),
    );
    this.#log.scroll();
  }

  #why() {
    const { summary, summary_zh: summaryZh, reasons, slip } = this.#explanation;
    const said = (isChinese() ? summaryZh : summary) || "";
    return h(
      "section.why",
      { "data-tone": WAITING.includes(this.#job.state) ? "warn" : "none" },
      h("h3", {}, WAITING.includes(this.#job.state) ? t("job.why_waiting") : t("job.why")),
      // The summary of a waiting job says its reasons in one breath; here each has its line.
      said && !reasons.length && h("p", {}, said),
      reasons.length > 0 && h("ul.reasons", {}, reasons.map((reason) => h("li", {}, sentence(reason)))),
      slip && [h("p.slip", {}, sentence(slip)), h("ul.slip", {}, (slip.causes ?? []).map((cause) => h("li", {}, sentence(cause))))],
      this.#job.state === "queued" && this.#whatIsSooner(),
    );
  }

  #turn() {
    const { standing } = this.#explanation;
    return standing && turns.standing(standing);
  }

  #whatIsSooner() {
    if (this.#sooner === null) return h("button.plain", { type: "button", "data-sooner": true }, t("job.ask_sooner"));
    const { items, error } = this.#sooner;
    if (error) return h("p.error", { role: "alert" }, error.message);
    if (!items) return h("p.muted", {}, t("panel.loading"));
    if (!items.length) return h("p", {}, t("job.nothing_sooner"));
    const told = items.map(({ text, text_zh: textZh, cost }) => h("li", {}, withCost(isChinese() ? textZh : text, cost)));
    return [h("h3", {}, t("job.sooner")), h("ul.sooner", {}, told)];
  }

  /** Each answer is several plans, so it is asked on demand. */
  async #askWhatIsSooner() {
    const id = this.#id;
    this.#sooner = {};
    this.draw();
    const answer = await get(`${this.#path}/alternatives`).catch((error) => ({ error }));
    if (id !== this.#id) return;
    this.#sooner = answer;
    this.draw();
  }

  #facts(job) {
    const { spec } = job;
    const facts = [
      ["job.needs", needs(spec) + (spec.nodes ? ` · ${t("job.nodes", { n: count(spec.nodes) })}` : "")],
      spec.roles?.length && ["job.roles", spec.roles.map((role) => `${role.name} ${count(role.count)} × ${count(role.devices)}`).join(", ")],
      spec.variants?.length && ["job.variants", spec.variants.map((one) => needs(one)).join(", ")],
      spec.min_devices && ["job.least", leastOf(spec)],
      spec.data?.length + (spec.data_class ? 1 : 0) > 0 && ["job.data", [...spec.data, spec.data_class].filter(Boolean).join(", ")],
      spec.after?.length + spec.after_any?.length > 0 && ["job.after", [...spec.after, ...spec.after_any].join(", ")],
      ["job.tenant", `${this.names.tenant(job.tenant)} · ${spec.project}`],
      ["job.priority", tOr("priority", spec.priority)],
      ["job.limit", span(durationMs(spec.limit))],
      (spec.workdir || spec.archive) && ["job.workdir", spec.workdir ?? t("job.shipped", { archive: spec.archive.slice(0, SHA_SHOWN) })],
      // Their values may be secrets.
      Object.keys(spec.env ?? {}).length > 0 && ["job.variables", Object.keys(spec.env).join(", ")],
      ["job.submitted", at(job.submitted_at_ms, "full")],
      job.position !== null && ["job.position", count(job.position)],
      WAITING.includes(job.state) && ["job.planned", plannedStart(job)],
      job.started_at_ms && ["job.started", at(job.started_at_ms, "full")],
      job.attempts.at(-1)?.saved_at_ms && ["job.saved", at(job.attempts.at(-1).saved_at_ms, "full")],
      job.ended_at_ms && ["job.ended", at(job.ended_at_ms, "full")],
      job.started_at_ms && ["job.ran", span((job.ended_at_ms ?? nowMs()) - job.started_at_ms)],
      job.started_at_ms && ["job.cost", yuan(job.cost)],
      job.end_cause && ["job.cause", tOr("cause", job.end_cause)],
      job.detail && ["job.detail", detailOf(job)],
    ];
    return h("dl.facts", {}, facts.filter(Boolean).map(([key, value]) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, value))));
  }

  #attempts(job) {
    if (!job.attempts.length) return null;
    const rows = [...job.attempts].reverse().map((attempt) => this.#attempt(attempt));
    return h("section", {}, h("h3", {}, t("job.attempts", { n: count(job.attempts.length) })), h("ol.attempts", {}, rows));
  }

  #attempt(attempt) {
    const end = attempt.ended_at_ms;
    const nodes = attempt.nodes.map((node) => `${node.node_id ?? node.id} × ${node.card_count ?? node.cards ?? "?"}${who(node.members)}`);
    return h(
      "li",
      { "data-key": attempt.id },
      h("i.dot", { "data-tone": end === null ? "info" : attempt.cause === "finished" ? "good" : "bad" }),
      h(
        "div",
        {},
        h("strong", {}, this.names.centre(attempt.centre)),
        h("span.muted", {}, ` ${attempt.pool} · ${attempt.device}`),
        h("div.muted", {}, nodes.join(", ")),
        attempt.detail && h("div", {}, detailOf(attempt)),
      ),
      h(
        "div.when",
        {},
        h("span", {}, near(attempt.started_at_ms ?? attempt.leased_at_ms), end !== null && ` – ${near(end)}`),
        attempt.cause && h("span.muted", {}, tOr("cause", attempt.cause), attempt.exit_code !== null && ` (${attempt.exit_code})`),
      ),
    );
  }

  #command({ spec }) {
    const own = (spec.roles ?? []).filter((role) => role.command).map((role) => `${role.name}: ${role.command}`);
    return h("section", {}, h("h3", {}, t("job.command")), h("pre.command", { tabindex: "0" }, [spec.command, ...own].join("\n")));
  }

  #actions(job) {
    if (ENDED.includes(job.state)) return null;
    const buttons = this.#confirming
      ? [
          h("span", {}, t(ACTIVE.includes(job.state) ? "job.cancel_running" : "job.cancel_waiting")),
          h("button.plain", { type: "button", "data-keep": true }, t("job.keep")),
          h("button.danger", { type: "button", "data-cancel": true }, t("job.cancel_now")),
        ]
      : [h("button.plain", { type: "button", "data-ask": true }, t("job.cancel"))];
    return h("footer", {}, buttons);
  }

  async #clicked(event) {
    const wants = (name) => event.target.closest(`[data-${name}]`);
    if (event.target === dialog || wants("close")) return this.close();
    if (wants("sooner")) return this.#askWhatIsSooner();
    if (wants("ask") || wants("keep")) {
      this.#confirming = Boolean(wants("ask"));
      this.draw();
    } else if (wants("cancel")) {
      this.#confirming = false;
      try {
        await post(`${this.#path}:cancel`);
        await this.refresh();
      } catch (error) {
        this.#error = error;
        this.draw();
      }
    }
  }

  #closed() {
    this.#log.stop();
    [this.#id, this.#job, this.#explanation, this.#error, this.#confirming, this.#sooner] = [null, null, null, null, false, null];
    this.#asked += 1;
    if (location.hash) history.replaceState(null, "", location.pathname);
    show(dialog);
  }
}
