// What happened last, in sentences.

import { h } from "./dom.js";
import { empty } from "./panel.js";
import { count, near, t, tOr } from "./words.js";

const KEPT = 60;
const NAMED = 4; // nodes of one event
// These come often, and say nothing that others do not.
const UNTOLD = new Set(["metered", "measured", "saved", "hold_extended", "start_promised", "launching"]);
const TONE = { ended: "good", leased: "info", started: "good", stop_decided: "warn", cancel_requested: "warn", dependency_failed: "warn", overdrawn: "bad", budget_reached: "warn", centre_link_changed: "warn", nodes_changed: "warn", nodes_drained: "warn" };
// What happened in the same millisecond happened in this order.
const ORDER = ["submitted", "leased", "started", "cancel_requested", "stop_decided", "ended"];
const BAD_CAUSES = new Set(["user_error", "limit", "funds", "budget", "node", "centre", "broker"]);

/** The newest events, newest first; the same event twice is once. */
export class Recent {
  #byKey = new Map();

  add(event) {
    if (!UNTOLD.has(event.kind)) this.#keep([event]);
  }

  /** What had happened before the stream began, as far as these jobs tell it. */
  addPast(jobs) {
    this.#keep(jobs.flatMap(past));
  }

  clear() {
    this.#byKey.clear();
  }

  /** `hint` names the sentence about what is to come, which is not the same for each role. */
  draw(names, hint) {
    if (!this.#byKey.size) return empty(t("events.none"), t(hint));
    const rows = [...this.#byKey].map(([key, event]) => row(key, event, names));
    return h("ol.events", {}, rows);
  }

  #keep(events) {
    for (const event of events) this.#byKey.set(keyOf(event), event);
    const newest = [...this.#byKey].sort(([, a], [, b]) => b.at_ms - a.at_ms || ORDER.indexOf(b.kind) - ORDER.indexOf(a.kind));
    this.#byKey = new Map(newest.slice(0, KEPT));
  }
}

function keyOf(event) {
  const about = event.body.level ? event.seq : (event.body.attempt_id ?? event.job_id ?? event.seq);
  return `${event.kind} ${about}`;
}

function past(job) {
  const told = (kind, at_ms, body) => ({ kind, at_ms, job_id: job.id, tenant_id: job.tenant, body });
  const events = [told("submitted", job.submitted_at_ms, {})];
  for (const { id, ...attempt } of job.attempts) {
    const placement = { centre_id: attempt.centre, device_kind_id: attempt.device, shares: attempt.nodes };
    events.push(told("leased", attempt.leased_at_ms, { attempt_id: id, placement }));
    if (attempt.started_at_ms !== null) events.push(told("started", attempt.started_at_ms, { attempt_id: id }));
    if (attempt.ended_at_ms !== null) events.push(told("ended", attempt.ended_at_ms, { ...attempt, attempt_id: id }));
  }
  return events;
}

function row(key, event, names) {
  const tone = event.kind === "ended" && BAD_CAUSES.has(event.body.cause) ? "bad" : (TONE[event.kind] ?? "none");
  return h(
    "li",
    { "data-key": key, "data-kind": event.kind },
    h("time", {}, near(event.at_ms, "time")),
    h("i.dot", { "data-tone": isGood(event) ? "good" : tone }),
    h("span", {}, event.job_id && [h("button.link", { type: "button", "data-job": event.job_id }, names.job(event.job_id)), " "], told(event, names)),
    event.tenant_id && h("span.muted", { title: event.tenant_id }, names.tenant(event.tenant_id)),
  );
}

const isGood = (event) => event.kind === "centre_link_changed" && event.body.is_heard;

/** Two kinds say one thing or its opposite; what is granted, or by a voucher, is not paid in. */
function keyWord({ kind, body }) {
  if (kind === "centre_link_changed") return body.is_heard ? "centre_heard" : "centre_silent";
  if (kind === "nodes_drained") return body.is_drained ? "nodes_drained_on" : "nodes_drained_off";
  if (kind === "credited" && body.concession_id) return "credited_concession";
  if (kind === "credited" && body.voucher_id) return body.amount_micros < 0 ? "credited_voucher_back" : "credited_voucher";
  return kind;
}

function told(event, names) {
  const { body } = event;
  const key = `event.${keyWord(event)}`;
  const placement = body.placement ?? {};
  return t(key, {
    centre: names.centre(placement.centre_id ?? body.centre_id ?? ""),
    device: placement.device_kind_id ?? "",
    cards: count((placement.shares ?? []).reduce((sum, share) => sum + share.card_count, 0)),
    nodes: count((placement.shares ?? []).length),
    cause: body.cause ? tOr("cause", body.cause) : "",
    code: body.exit_code ?? "—",
    after: names.job(body.after_id ?? ""),
    online: count((body.online_node_ids ?? []).length),
    switched: "is_on" in body ? t(`event.switched_${body.is_on ? "on" : "off"}`) : "",
    name: body.tenant?.name ?? names.tenant(body.tenant_id ?? body.budget?.tenant_id ?? body.package?.tenant_id ?? event.tenant_id ?? ""),
    level: body.level ?? "",
    month: body.voucher_month ?? "",
    drained: (body.node_ids ?? []).slice(0, NAMED).join(", ") + ((body.node_ids ?? []).length > NAMED ? " …" : ""),
    dataset: body.dataset?.id ?? "",
    cohort: body.cohort?.name ?? "",
    project: body.project?.name ?? "",
    budget: body.budget?.job_id ?? body.budget?.project ?? names.tenant(body.budget?.tenant_id ?? ""),
  });
}
