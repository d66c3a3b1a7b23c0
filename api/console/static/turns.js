// By what those who wait stand where they stand, and who holds what one of them waits for.

import { h } from "./dom.js";
import { shortName } from "./jobs.js";
import { empty } from "./panel.js";
import { count, isChinese, nowMs, span, t, tOr } from "./words.js";

// In the order in which they decide; the shares of all forks of the tree are one column.
const COLUMNS = ["nominal_quota", "priority", "starving", "level", "share", "patient", "due"];

const sentence = (term) => (isChinese() ? term.text_zh : term.text);
const isShare = (term) => term.place !== null;

/** The front of the queue, a column for each term that any of them has: like Slurm's `sprio`. */
export function table(queue, names) {
  if (!queue.items.length) return empty(t("jobs.none_waiting"), t("jobs.none_waiting_hint"));
  const rows = queue.items.map((item) => ({ ...item, cells: cellsOf(item.terms) }));
  const columns = COLUMNS.filter((name) => rows.some(({ cells }) => cells.has(name)));
  const shown = queue.items.length;
  return [
    h("p.more", {}, t("turn.hint")),
    h(
      "table.figures.turns",
      {},
      h("thead", {}, h("tr", {}, ["position", "job", ...columns].map((name) => h("th", { scope: "col" }, t(`turn.${name}`))))),
      h("tbody", {}, rows.map((row) => rowOf(row, columns, names))),
    ),
    queue.waiting > shown && h("p.more", {}, t("turn.more", { n: count(shown), all: count(queue.waiting) })),
  ];
}

function rowOf({ job, position, cells }, columns, names) {
  return h(
    "tr",
    { "data-key": job.id, "data-job": job.id },
    h("td", {}, count(position)),
    h("th", { scope: "row" }, h("button.link", { type: "button", title: job.id }, shortName(job)), h("span.muted", {}, names.tenant(job.tenant))),
    columns.map((name) => h("td", { title: cells.get(name)?.said, "data-term": name }, cells.get(name)?.text ?? "—")),
  );
}

/** What is shown of each term, and the whole sentence. */
function cellsOf(terms) {
  const cells = new Map(terms.filter((term) => !isShare(term)).map((term) => [term.name, { text: valueOf(term), said: sentence(term) }]));
  const shares = terms.filter(isShare);
  if (shares.length) {
    const places = shares.map((term) => `${count(term.place)}/${count(term.count)}`);
    cells.set("share", { text: places.join(" › "), said: shares.map(sentence).join("\n") });
  }
  return cells;
}

function valueOf({ name, value }) {
  if (name === "priority") return tOr("priority", value);
  if (name === "patient") return t("turn.waits", { span: span(nowMs() - Number(value)) });
  if (name !== "due") return tOr("turn_value", value);
  const leftMs = Number(value) - nowMs();
  return leftMs <= 0 ? t("turn.over") : t("turn.in", { span: span(leftMs) });
}

/** Of one job: each term in its sentence, and who holds the pools that could hold it. */
export function standing({ terms, pools, position, waiting, ahead_yours: ahead }) {
  return h(
    "section.turn",
    {},
    h("h3", {}, t("turn.title")),
    h("p", {}, t("turn.place", { n: count(position), all: count(waiting), yours: count(ahead), others: count(position - 1 - ahead) })),
    h("ol.terms", {}, terms.map((term) => h("li", { "data-term": term.name }, sentence(term)))),
    pools.length > 0 && holders(pools),
  );
}

function holders(pools) {
  const columns = ["pool", "needs", "cards", "free", "down", "yours", "others"];
  return h(
    "table.figures.holders",
    {},
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, t(`turn.${name}`))))),
    h("tbody", {}, pools.map(holderRow)),
  );
}

function holderRow(pool) {
  const others = Object.entries(pool.others).map(([name, cards]) => `${name} ${count(cards)}`);
  return h(
    "tr",
    {},
    h("th", { scope: "row", title: pool.pool }, pool.pool),
    ["needs", "cards", "free", "down", "yours"].map((name) => h("td", {}, count(pool[name]))),
    h("td", {}, others.join(", ") || "—"),
  );
}
