// What happened last, in sentences.

import { h } from "./dom.js";
import { empty } from "./panel.js";
import { at, count, t, tOr } from "./words.js";

const KEPT = 60;
// Meter readings come every few seconds and say nothing that the usage does not.
const UNTOLD = new Set(["metered", "checkpointed"]);
const TONE = { ended: "good", leased: "info", started: "good", stop_decided: "warn", cancel_requested: "warn", centre_link_changed: "warn", nodes_changed: "warn" };
const BAD_CAUSES = new Set(["user_error", "limit", "node", "centre", "broker"]);

/** The newest events, newest first; the same id twice is once. */
export class Recent {
  #byId = new Map();

  add(event) {
    if (UNTOLD.has(event.kind) || this.#byId.has(event.id)) return;
    this.#byId.set(event.id, event);
    if (this.#byId.size > KEPT) this.#byId.delete(this.#byId.keys().next().value);
  }

  clear() {
    this.#byId.clear();
  }

  draw(jobName, centreName) {
    if (!this.#byId.size) return empty(t("events.none"), t("events.none_hint"));
    const rows = [...this.#byId.values()].reverse().map((event) => row(event, jobName, centreName));
    return h("ol.events", {}, rows);
  }
}

function row(event, jobName, centreName) {
  const tone = event.kind === "ended" && BAD_CAUSES.has(event.body.cause) ? "bad" : (TONE[event.kind] ?? "none");
  return h(
    "li",
    { "data-key": `e${event.id}`, "data-kind": event.kind },
    h("time", {}, at(event.at_ms, "time")),
    h("i.dot", { "data-tone": isGood(event) ? "good" : tone }),
    h("span", {}, event.job_id && [h("button.link", { type: "button", "data-job": event.job_id }, jobName(event.job_id)), " "], told(event, centreName)),
    event.tenant_id && h("span.muted", {}, event.tenant_id),
  );
}

const isGood = (event) => event.kind === "centre_link_changed" && event.body.is_heard;

function told(event, centreName) {
  const { body } = event;
  const key = event.kind === "centre_link_changed" ? `event.centre_${body.is_heard ? "heard" : "silent"}` : `event.${event.kind}`;
  const placement = body.placement ?? {};
  return t(key, {
    centre: centreName(placement.centre_id ?? body.centre_id ?? ""),
    device: placement.device_kind_id ?? "",
    cards: count((placement.shares ?? []).reduce((sum, share) => sum + share.card_count, 0)),
    nodes: count((placement.shares ?? []).length),
    cause: body.cause ? tOr("cause", body.cause) : "",
    code: body.exit_code ?? "—",
    online: count((body.online_node_ids ?? []).length),
    name: body.tenant?.id ?? body.park?.name ?? body.tenant_id ?? "",
  });
}
