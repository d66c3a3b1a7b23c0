// What should not be overlooked now, whenever the page was opened: outages, maintenance, money.

import { h } from "./dom.js";
import { count, near, t, yuan } from "./words.js";

const TOLD_FROM_PERCENT = 80; // as the events `budget_reached` begin

/** Sentences about the park, then about money; `money` is empty for who may not know it. */
export function draw(park, money, names) {
  const found = [...(park?.centres ?? []).flatMap((centre) => [...ofCentre(centre, names)]), ...ofMoney(money, names)];
  return found.length > 0 && h("ul.notices", {}, found.map(({ key, tone, text }) => h("li", { "data-key": key, "data-notice": key }, h("i.dot", { "data-tone": tone }), h("span", {}, text))));
}

function* ofCentre(centre, names) {
  const name = names.centre(centre.id);
  const key = (what) => `${what}-${centre.id}`;
  if (!centre.is_heard) {
    const since = centre.heard_at_ms === null ? "—" : near(centre.heard_at_ms);
    yield { key: key("silent"), tone: "bad", text: t("notice.silent", { centre: name, since }) };
  }
  for (const [unit, what] of [["card", "down"], ["core", "down_cores"]]) {
    const pools = centre.pools.filter((pool) => pool.unit === unit);
    const down = sum(pools, (pool) => pool.registered_cards - pool.online_cards);
    if (down > 0) yield { key: key(what), tone: "bad", text: t(`notice.${what}`, { centre: name, n: count(down) }) };
  }
  const drained = sum(centre.pools, (pool) => pool.drained_nodes);
  const nodes = sum(centre.pools, (pool) => pool.nodes);
  if (drained > 0) yield { key: key("drained"), tone: "warn", text: t("notice.drained", { centre: name, n: count(drained), nodes: count(nodes) }) };
}

function* ofMoney({ budgets, tenants }, names) {
  for (const tenant of tenants) {
    if (!(tenant.balance?.startsWith("-") && Number(tenant.balance) + Number(tenant.credit_limit) < 0)) continue;
    yield { key: `owes-${tenant.id}`, tone: "bad", text: t("notice.owes", { name: names.tenant(tenant.id), amount: yuan(tenant.balance.slice(1)) }) };
  }
  for (const budget of budgets.filter((one) => one.percent >= TOLD_FROM_PERCENT)) {
    const of = budget.job_id ?? budget.project ?? names.tenant(budget.tenant);
    const tone = budget.percent >= 100 ? "bad" : "warn";
    const words = budget.job_id || budget.project ? "notice.budget" : "notice.budget_whole";
    yield { key: `budget-${budget.tenant}-${of}`, tone, text: t(words, { name: names.tenant(budget.tenant), level: budget.percent, budget: of }) };
  }
}

const sum = (items, amount) => items.reduce((total, one) => total + amount(one), 0);
