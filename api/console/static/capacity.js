// How much of the park there is, and how much of it works: the headline and the picture.

import { h } from "./dom.js";
import { count, inP, inPColumn, near, percent, t } from "./words.js";

/** A pool's or centre's registered capacity in four parts that add up to it exactly. */
export function split({ registered, online, schedulable, allocated }) {
  const used = Math.min(allocated, registered);
  const rest = registered - used;
  const down = Math.min(rest, Math.max(0, registered - online));
  const closed = Math.min(rest - down, Math.max(0, online - Math.max(schedulable, used)));
  return { allocated: used, idle: rest - down - closed, closed, down };
}

const PARTS = ["allocated", "idle", "closed", "down"];

function poolParts(pool) {
  return split({
    registered: pool.registered_cards,
    online: pool.online_cards,
    schedulable: pool.schedulable_cards,
    allocated: pool.allocated_cards,
  });
}

function centreParts(centre) {
  const sum = { allocated: 0, idle: 0, closed: 0, down: 0 };
  for (const pool of centre.pools) {
    const parts = poolParts(pool);
    for (const part of PARTS) sum[part] += parts[part] * pool.tflops;
  }
  return sum;
}

export const rate = (used, stated) => (stated > 0 ? used / stated : 0);

export function headline(park) {
  const figure = (name, tflops, note, tone) =>
    h(
      "div.figure",
      { "data-figure": name, "data-tone": tone },
      h("span.label", {}, t(`capacity.${name}`)),
      h("span.value", {}, inP(tflops), h("small", {}, "P")),
      h("span.sub", {}, note),
    );
  const gap = (tflops, less, none) => (tflops > 0 ? t(less, { p: inP(tflops) }) : t(none));
  const down = park.registered_tflops - park.online_tflops;
  const closed = park.online_tflops - park.schedulable_tflops;
  const unlisted = park.stated_tflops - park.registered_tflops;
  return [
    figure("stated", park.stated_tflops, t("headline.centres", { n: count(park.centres.length) })),
    figure("registered", park.registered_tflops, gap(unlisted, "headline.unlisted", "headline.all_listed")),
    figure("online", park.online_tflops, gap(down, "headline.down", "headline.none_down"), down > 0 && "bad"),
    figure("schedulable", park.schedulable_tflops, gap(closed, "headline.closed", "headline.none_closed"), closed > 0 && "warn"),
    utilisation(park),
    h(
      "div.figure",
      { "data-figure": "jobs" },
      h("span.label", {}, t("headline.jobs")),
      h("span.value", {}, count(park.running_jobs), h("small", {}, t("headline.running"))),
      h("span.sub", {}, t("headline.waiting", { n: count(park.queued_jobs) })),
    ),
  ];
}

function utilisation(park) {
  const share = rate(park.allocated_tflops, park.stated_tflops);
  return h(
    "div.figure.wide",
    { "data-figure": "allocated" },
    h("span.label", {}, t("capacity.allocated")),
    h(
      "span.value",
      {},
      inP(park.allocated_tflops),
      h("small", {}, "P"),
      h("b.rate", { title: t("capacity.rate_means") }, percent(share)),
    ),
    h(
      "span.gauge",
      { role: "img", "aria-label": t("capacity.rate_label", { rate: percent(share) }) },
      h("i", { style: { width: `${Math.min(100, share * 100)}%` } }),
    ),
  );
}

export function centres(park) {
  return [parkScale(park), ...park.centres.map((centre) => one(centre))];
}

// The centres' true sizes side by side; each centre's own bar below is drawn at full width.
function parkScale(park) {
  const total = park.centres.reduce((sum, centre) => sum + centre.registered_tflops, 0);
  if (total === 0 || park.centres.length < 2) return null;
  const parts = park.centres.map((centre) =>
    h(
      "div",
      { style: { "flex-grow": String(centre.registered_tflops / total) }, title: `${centre.name} ${inP(centre.registered_tflops)} P` },
      h("i", { style: { width: `${Math.min(1, centre.allocated_tflops / Math.max(1, centre.registered_tflops)) * 100}%` } }),
      h("span", {}, centre.id),
    ),
  );
  return h("div.scale", { "data-key": "scale", "aria-hidden": "true" }, parts);
}

function one(centre) {
  const parts = centreParts(centre);
  const share = rate(centre.allocated_tflops, centre.stated_tflops);
  return h(
    "article.centre",
    { "data-key": centre.id, "data-centre": centre.id, "aria-label": centre.name },
    h(
      "header",
      {},
      h("i.dot", { "data-tone": centre.is_heard ? "good" : "bad", title: heard(centre) }),
      h("h3", {}, centre.name),
      h("code", {}, centre.id),
      !centre.is_heard && h("span.chip", { "data-tone": "bad" }, heard(centre)),
      h("span.amount", {}, h("b", {}, inP(centre.allocated_tflops)), ` / ${inP(centre.stated_tflops)} P`),
      h("b.rate", {}, percent(share)),
    ),
    bar("bar", parts, centre.registered_tflops, (tflops) => `${inP(tflops)} P`, centre.name),
    h("div.pools", {}, centre.pools.map((pool) => poolRow(pool, centre))),
  );
}

function heard(centre) {
  if (centre.is_heard) return t("capacity.heard");
  if (centre.heard_at_ms === null) return t("capacity.never_heard");
  return t("capacity.silent", { since: near(centre.heard_at_ms) });
}

function poolRow(pool, centre) {
  const parts = poolParts(pool);
  const isOfCores = pool.unit === "core";
  const width = isOfCores ? 1 : (pool.registered_cards * pool.tflops) / Math.max(1, centre.registered_tflops);
  const said = (devices) => t(isOfCores ? "unit.cores" : "unit.cards", { n: count(devices) });
  return h(
    "div.pool",
    { "data-key": pool.id, "data-pool": pool.id, title: describe(parts, said) },
    h("span.device", {}, pool.device),
    h("span.track", {}, bar("bar.thin", parts, pool.registered_cards, said, pool.id, width)),
    h("span.cards", {}, h("b", {}, count(pool.allocated_cards)), `/${count(pool.registered_cards)}`, h("small", {}, t(isOfCores ? "unit.cores_short" : "unit.cards_short"))),
    h("span.p", {}, isOfCores ? "" : `${inPColumn(pool.registered_cards * pool.tflops, centre.registered_tflops)} P`),
  );
}

function bar(name, parts, whole, write, label, width = 1) {
  const drawn = PARTS.filter((part) => parts[part] > 0).map((part) =>
    h("i", { class: part, "data-part": part, "data-value": parts[part], style: { "flex-grow": String(parts[part] / Math.max(1, whole)) } }),
  );
  return h(
    `div.${name}`,
    { role: "img", "aria-label": `${label}: ${describe(parts, write)}`, style: { width: `${Math.max(3, width * 100)}%` } },
    drawn,
  );
}

function describe(parts, write) {
  return PARTS.filter((part) => parts[part] > 0)
    .map((part) => `${t(`capacity.${part}`)} ${write(parts[part])}`)
    .join(" · ");
}
