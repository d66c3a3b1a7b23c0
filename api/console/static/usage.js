// What each tenant used this month and what it costs; a tenant is opened into its lines.

import { h } from "./dom.js";
import { empty } from "./panel.js";
import { decimal, percent, t, tOr, yuan } from "./words.js";

const MS_PER_HOUR = 3_600_000;
const opened = new Set();

export function toggle(tenant) {
  if (!opened.delete(tenant)) opened.add(tenant);
}

export function draw(view, isOneTenant) {
  if (!view.lines.length) return empty(t("usage.none"), t("usage.none_hint"));
  const tenants = byTenant(view.lines);
  return h(
    "table.usage",
    {},
    h("thead", {}, h("tr", {}, ["tenant", "card_hours", "p_hours", "amount"].map((key) => h("th", { scope: "col" }, t(`usage.${key}`))))),
    tenants.map((tenant) => group(tenant, view, isOneTenant)),
    h(
      "tfoot",
      {},
      h("tr", {}, h("th", { scope: "row" }, t("usage.total")), h("td", {}, decimal(view.card_hours)), h("td", {}, decimal(view.p_hours)), h("td", {}, yuan(view.amount))),
    ),
  );
}

function byTenant(lines) {
  const tenants = new Map();
  for (const line of lines) {
    const tenant = tenants.get(line.tenant) ?? { id: line.tenant, deviceMs: 0, pHours: 0, fen: 0, lines: [] };
    tenant.deviceMs += line.device_ms;
    tenant.pHours += Number(line.p_hours);
    tenant.fen += line.amount_fen;
    tenant.lines.push(line);
    tenants.set(line.tenant, tenant);
  }
  return [...tenants.values()].sort((a, b) => b.fen - a.fen || a.id.localeCompare(b.id));
}

const fenText = (fen) => `${fen < 0 ? "-" : ""}${Math.trunc(Math.abs(fen) / 100)}.${String(Math.abs(fen) % 100).padStart(2, "0")}`;

function group(tenant, view, isOneTenant) {
  const isOpen = isOneTenant || opened.has(tenant.id);
  const share = view.amount_fen > 0 ? Math.max(0, tenant.fen / view.amount_fen) : 0;
  return h(
    "tbody",
    { "data-key": tenant.id, "data-tenant-row": tenant.id },
    h(
      "tr.sum",
      {},
      h("th", { scope: "row" }, isOneTenant ? tenant.id : opener(tenant.id, isOpen)),
      h("td", {}, decimal(tenant.deviceMs / MS_PER_HOUR)),
      h("td", {}, decimal(tenant.pHours)),
      h("td.money", {}, yuan(fenText(tenant.fen)), h("span.share", { title: percent(share) }, h("i", { style: { width: `${share * 100}%` } }))),
    ),
    isOpen && tenant.lines.map(lineRow),
  );
}

function opener(tenant, isOpen) {
  return h("button.opener", { type: "button", "data-tenant": tenant, "aria-expanded": String(isOpen) }, tenant);
}

function lineRow(line) {
  return h(
    "tr.line",
    {},
    h("th", { scope: "row" }, h("span", {}, line.device), h("span.muted", {}, [line.centre, line.project, tOr("priority", line.qos), t("usage.price", { price: line.price })].join(" · "))),
    h("td", {}, decimal(line.card_hours)),
    h("td", {}, decimal(line.p_hours)),
    h("td", {}, yuan(line.amount)),
  );
}
