// The queue: what runs and where, what waits and why, what has ended and how.

import { h } from "./dom.js";
import { empty } from "./panel.js";
import { count, durationMs, isChinese, near, nowMs, span, t, tOr } from "./words.js";

const STATE_TONE = {
  running: "good", succeeded: "good", failed: "bad", stopping: "warn", held: "warn",
  leased: "info", starting: "info", queued: "none", cancelled: "none",
};
export const ACTIVE = ["running", "stopping", "starting", "leased"];
export const WAITING = ["queued", "held"];
export const SHOWN = 50;
const NAME_KEPT = 14; // characters of a task's name
export const ENDED = ["succeeded", "failed", "cancelled"];

export const shortId = (id) => `${id.slice(0, 4)}…${id.slice(-6)}`;
export const nameOf = (job) => (job.spec.name || shortId(job.id)) + indexOf(job);
/** Where there is little room: of a long name of a task its index stays. */
export function shortName(job) {
  const name = nameOf(job);
  const [kept, index] = [NAME_KEPT, indexOf(job)];
  return index && name.length > kept + index.length ? `${name.slice(0, kept)}…${index}` : name;
}
/** Of a task of an array, which it is. */
export const indexOf = (job) => (job.array ? `[${job.array.index}]` : "");

export function needs(spec) {
  const devices = spec.device.length ? spec.device.join(" / ") : t("jobs.any_device");
  return t("jobs.needs", { n: count(spec.devices), device: devices });
}

export function stateChip(state) {
  return h("span.chip", { "data-tone": STATE_TONE[state] ?? "none", "data-state": state }, tOr("state", state));
}

/** The sentence of a reason in the language of the page. */
export function sentence(reason) {
  const written = isChinese() ? reason.text_zh : reason.text;
  return written || t("reason.bare", { code: tOr("reason", reason.code), where: reason.where, gap: count(reason.gap) });
}

export function active(page, names) {
  if (!page.items.length) return empty(t("jobs.none_running"), t("jobs.none_running_hint"));
  return list("active", page, (job) => activeRow(job, names));
}

export function ended(page, names) {
  if (!page.items.length) return empty(t("jobs.none_ended"));
  const items = [...page.items].sort((a, b) => (b.ended_at_ms ?? 0) - (a.ended_at_ms ?? 0));
  return list("ended", { ...page, items }, (job) => endedRow(job, names));
}

export function waiting(page, names) {
  const kept = page.kept.length > 0 && h("ul.jobs", { "data-kind": "kept" }, page.kept.map((quote) => keptRow(quote, names)));
  if (!page.items.length) return [kept || empty(t("jobs.none_waiting"), t("jobs.none_waiting_hint"))];
  const items = [...page.items].sort((a, b) => (a.position ?? Infinity) - (b.position ?? Infinity));
  const shown = { items: items.slice(0, SHOWN), next: page.next ?? items.length > SHOWN };
  return [kept, ...list("waiting", shown, (job) => waitingRow(job, names))];
}

/** A quote that stands in the queue in the place of its job. */
function keptRow(quote, names) {
  return h(
    "li.job",
    { "data-key": quote.id, "data-quote": quote.id },
    h("div.cell.position", {}, "—"),
    h(
      "div.cell",
      {},
      h("div.title", {}, h("span", { title: quote.id }, quote.spec.name || shortId(quote.id)), h("span.tag", {}, t("jobs.kept_quote"))),
      h("div.muted", {}, names.tenant(quote.tenant)),
    ),
    h("div.cell.where", {}, h("span", {}, needs(quote.spec)), h("span.muted", {}, quote.pool)),
    h("div.cell.time", {}, t("jobs.kept_until", { at: near(quote.expires_at_ms) })),
  );
}

function list(kind, page, row) {
  return [
    h("ul.jobs", { "data-kind": kind }, page.items.map(row)),
    page.next && page.items.length > 0 && h("p.more", {}, t("jobs.more", { n: count(page.items.length) })),
  ];
}

function title(job) {
  return h(
    "div.title",
    {},
    h("button.link", { type: "button", "data-job": job.id, title: job.id }, shortName(job)),
    job.spec.priority !== "normal" && h("span.tag", { "data-priority": job.spec.priority }, tOr("priority", job.spec.priority)),
  );
}

function where(job, names) {
  const attempt = job.attempts.at(-1);
  if (!attempt) return [h("span", {}, "—")];
  const cards = attempt.nodes.reduce((sum, node) => sum + node.card_count, 0);
  return [
    h("span", { title: names.centre(attempt.centre) }, names.centre(attempt.centre)),
    h("span.muted", {}, t("jobs.needs", { n: count(cards), device: attempt.device })),
  ];
}

function activeRow(job, names) {
  const since = job.started_at_ms;
  return h(
    "li.job",
    { "data-key": job.id, "data-job": job.id },
    h("div.cell", {}, title(job), h("div.muted", {}, names.tenant(job.tenant))),
    h("div.cell.where", {}, where(job, names)),
    h(
      "div.cell.time",
      {},
      since === null ? stateChip(job.state) : elapsed(since, durationMs(job.spec.limit)),
      since !== null && job.state !== "running" && stateChip(job.state),
    ),
  );
}

function elapsed(sinceMs, limitMs) {
  const used = nowMs() - sinceMs;
  const share = limitMs > 0 ? Math.min(1, used / limitMs) : 0;
  return [
    h("span", {}, h("time", { "data-since": sinceMs }, span(used)), h("span.muted", {}, ` / ${span(limitMs)}`)),
    h(
      "span.progress",
      { "data-tone": share > 0.9 && "warn", title: t("jobs.of_limit") },
      h("i", { "data-since": sinceMs, "data-limit": limitMs, style: { width: `${share * 100}%` } }),
    ),
  ];
}

/** Where it would start; of a job with several forms on how many cards as well. */
function plannedPool(job) {
  if (!job.planned_devices) return job.planned_pool;
  return t("jobs.needs", { n: count(job.planned_devices), device: job.planned_pool });
}

export function plannedStart(job) {
  if (!job.planned_start_ms || !job.planned_pool) return t("jobs.unplanned");
  const values = { at: near(job.planned_start_ms), pool: plannedPool(job) };
  const start = t(job.is_start_promised ? "jobs.promised" : "jobs.planned", values);
  if (!job.start_p50_ms || !job.start_p90_ms) return start;
  return start + t("jobs.by_quantiles", { half: near(job.start_p50_ms), most: near(job.start_p90_ms) });
}

function waitingRow(job, names) {
  const [first, ...others] = job.reasons;
  return h(
    "li.job",
    { "data-key": job.id, "data-job": job.id },
    h("div.cell.position", { title: t("jobs.position") }, job.position ?? "—"),
    h("div.cell", {}, title(job), h("div.muted", {}, names.tenant(job.tenant))),
    h("div.cell.where", {}, h("span", {}, needs(job.spec)), h("span.muted", {}, t("jobs.limit", { span: span(durationMs(job.spec.limit)) }))),
    h(
      "div.cell.time",
      {},
      h("time", { "data-since": job.submitted_at_ms }, span(nowMs() - job.submitted_at_ms)),
      h("span.muted", {}, plannedStart(job)),
    ),
    h(
      "p.reason",
      {},
      first ? sentence(first) : t("jobs.just_arrived"),
      others.length > 0 && h("span.muted", {}, ` ${t("jobs.more_reasons", { n: others.length })}`),
    ),
  );
}

function endedRow(job, names) {
  const ran = job.started_at_ms !== null && job.ended_at_ms !== null;
  return h(
    "li.job",
    { "data-key": job.id, "data-job": job.id },
    h("div.cell", {}, title(job), h("div.muted", {}, names.tenant(job.tenant))),
    h("div.cell.where", {}, where(job, names)),
    h(
      "div.cell.time",
      {},
      h("span", {}, stateChip(job.state)),
      h("span.muted", {}, ran ? t("jobs.ran", { span: span(job.ended_at_ms - job.started_at_ms), at: near(job.ended_at_ms) }) : near(job.ended_at_ms)),
    ),
  );
}
