// What each tenant used this month and what it costs; a tenant is opened into its lines.

import { h } from "./dom.js";
import { empty } from "./panel.js";
import { hours, t, tOr, yuan } from "./words.js";

const MS_PER_HOUR = 3_600_000;
const opened = new Set();

export function toggle(tenant) {
  if (!opened.delete(tenant)) opened.add(tenant);
}

export function draw(view, isOneTenant, names) {
  if (!view.lines.length) return empty(t("usage.none"), t("usage.none_hint"));
  const tenants = byTenant(view.lines);
  const most = Math.max(1, ...tenants.map((tenant) => tenant.fen));
  return h(
    "table.usage",
    {},
    h("thead", {}, h("tr", {}, ["tenant", "card_hours", "p_hours", "amount"].map((key) => h("th", { scope: "col" }, t(`usage.${key}`))))),
    tenants.map((tenant) => group(tenant, most, isOneTenant, names)),
    h(
      "tfoot",
      {},
      h("tr", {}, h("th", { scope: "row" }, t("usage.total")), h("td", {}, deviceTime(view.card_hours, view.core_hours)), h("td", {}, hours(view.p_hours)), h("td", {}, yuan(view.amount))),
    ),
  );
}

function byTenant(lines) {
  const tenants = new Map();
  for (const line of lines) {
    const tenant = tenants.get(line.tenant) ?? { id: line.tenant, cardMs: 0, coreMs: 0, pHours: 0, fen: 0, lines: [] };
    tenant[line.unit === "core" ? "coreMs" : "cardMs"] += line.device_ms;
    tenant.pHours += Number(line.p_hours);
    tenant.fen += line.amount_fen;
    tenant.lines.push(line);
    tenants.set(line.tenant, tenant);
  }
  return [...tenants.values()].sort((a, b) => b.fen - a.fen || a.id.localeCompare(b.id));
}

/** Card-hours, and core-hours below them where there are any: they are never added up. */
const deviceTime = (cards, cores) => (Number(cores) ? [hours(cards), h("br"), coreTime(cores)] : hours(cards));

const coreTime = (cores) => h("small", {}, t("usage.core_hours", { n: hours(cores) }));

const fenText = (fen) => `${fen < 0 ? "-" : ""}${Math.trunc(Math.abs(fen) / 100)}.${String(Math.abs(fen) % 100).padStart(2, "0")}`;

function group(tenant, most, isOneTenant, names) {
  const isOpen = isOneTenant || opened.has(tenant.id);
  const share = Math.max(0, tenant.fen / most);
  return h(
    "tbody",
    { "data-key": tenant.id, "data-tenant-row": tenant.id },
    h(
      "tr.sum",
      {},
      h("th", { scope: "row" }, isOneTenant ? names.tenant(tenant.id) : opener(tenant.id, isOpen, names)),
      h("td", {}, deviceTime(tenant.cardMs / MS_PER_HOUR, tenant.coreMs / MS_PER_HOUR)),
      h("td", {}, hours(tenant.pHours)),
      h("td.money", {}, yuan(fenText(tenant.fen)), h("span.share", {}, h("i", { style: { width: `${share * 100}%` } }))),
    ),
    isOpen && tenant.lines.map(lineRow),
  );
}

function opener(tenant, isOpen, names) {
  return h("button.opener", { type: "button", "data-tenant": tenant, "aria-expanded": String(isOpen) }, names.tenant(tenant), h("code", {}, tenant));
}

function lineRow(line) {
  const facts = [line.centre, line.project, tOr("priority", line.qos), t(line.unit === "core" ? "usage.price_core" : "usage.price", { price: line.price })];
  if (line.cause) facts.push(t("usage.given_back", { cause: tOr("cause", line.cause) }));
  return h(
    "tr.line",
    {},
    h("th", { scope: "row" }, h("span", {}, line.device), h("span.muted", {}, facts.join(" · "))),
    h("td", {}, line.unit === "core" ? coreTime(line.core_hours) : hours(line.card_hours)),
    h("td", {}, hours(line.p_hours)),
    h("td", {}, yuan(line.amount)),
  );
}
