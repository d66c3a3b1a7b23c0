// Utilisation over time: allocated by stated, the park as an area, each centre as a line.

import { byId, h } from "./dom.js";
import { empty } from "./panel.js";
import { at, percent, t } from "./words.js";

const COLOURS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5"];
export const PARK = "park";

let chart = null;

/** Lines `{id, points: [[ms, share]]}` from rows that may stand at different times for each centre. */
export function lines(view) {
  const ids = [...new Set(view.points.map((point) => point.centre))].filter((id) => id !== PARK);
  const last = new Map();
  const drawn = new Map([PARK, ...ids].map((id) => [id, []]));
  const points = [...view.points].filter((point) => point.centre !== PARK).sort((a, b) => a.at_ms - b.at_ms);
  points.forEach((point, index) => {
    last.set(point.centre, point);
    drawn.get(point.centre).push([point.at_ms, share([point])]);
    const isLastOfItsTime = points[index + 1]?.at_ms !== point.at_ms;
    if (isLastOfItsTime) drawn.get(PARK).push([point.at_ms, share([...last.values()])]);
  });
  return [PARK, ...ids].map((id) => ({ id, points: extended(drawn.get(id), view.to_ms) }));
}

// A row holds until the next one: the last one until now.
function extended(points, toMs) {
  const end = points.at(-1);
  return end && end[0] < toMs ? [...points, [toMs, end[1]]] : points;
}

function share(points) {
  const stated = points.reduce((sum, point) => sum + point.stated_tflops, 0);
  const allocated = points.reduce((sum, point) => sum + point.allocated_tflops, 0);
  return stated > 0 ? Math.min(1, allocated / stated) : 0;
}

/** Draws the chart, and gives the table that stands below it. */
export function draw(view, names, rateNow) {
  const drawn = lines(view);
  const box = byId("load-chart");
  box.hidden = !view.points.length;
  if (box.hidden) return empty(t("load.none"), t("load.none_hint"));
  chart ??= window.echarts.init(box, null, { renderer: "canvas" });
  chart.setOption(options(view, drawn, names), { replaceMerge: ["series"] });
  const park = view.average_bp[PARK];
  box.setAttribute("aria-label", t("load.label", { average: park === undefined ? "—" : percent(park / 10_000, 2) }));
  return figures(view, drawn, names, rateNow);
}

export const resize = () => chart?.resize();

export function clear() {
  chart?.dispose();
  chart = null;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const seriesColour = (index) => (index === 0 ? "--accent" : COLOURS[(index - 1) % COLOURS.length]);

function options(view, drawn, names) {
  const quiet = { color: colour("--muted"), fontFamily: "inherit", fontSize: 11 };
  const format = view.to_ms - view.from_ms > 26 * 3_600_000 ? "day" : "minute";
  return {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 40, right: 12, top: 12, bottom: 24 },
    xAxis: {
      type: "time",
      min: view.from_ms,
      max: view.to_ms,
      splitNumber: 5,
      axisLine: { lineStyle: { color: colour("--line-strong") } },
      axisTick: { show: false },
      axisLabel: { ...quiet, hideOverlap: true, formatter: (ms) => at(ms, format) },
      splitLine: { show: false },
    },
    yAxis: {
      type: "value",
      min: 0,
      max: 1,
      interval: 0.25,
      axisLabel: { ...quiet, formatter: (value) => percent(value, 0) },
      splitLine: { lineStyle: { color: colour("--line") } },
    },
    tooltip: {
      trigger: "axis",
      renderMode: "richText", // drawn on the canvas: no HTML is made of names
      confine: true,
      backgroundColor: colour("--raised"),
      borderColor: colour("--line-strong"),
      textStyle: { color: colour("--ink"), fontSize: 12 },
      axisPointer: { lineStyle: { color: colour("--muted") } },
      formatter: (rows) => tooltip(rows),
    },
    series: drawn.map(({ id, points }, index) => ({
      id,
      name: names.centre(id),
      type: "line",
      step: "end",
      symbol: "none",
      sampling: "lttb",
      data: points,
      z: index === 0 ? 1 : 2,
      lineStyle: { width: index === 0 ? 2 : 1.5, color: colour(seriesColour(index)) },
      itemStyle: { color: colour(seriesColour(index)) },
      areaStyle: index === 0 ? { color: colour("--accent"), opacity: 0.12 } : undefined,
    })),
  };
}

function tooltip(rows) {
  const head = at(rows[0].value[0], "full");
  return [head, ...rows.map((row) => `${row.marker} ${row.seriesName}  ${percent(row.value[1])}`)].join("\n");
}

function figures(view, drawn, names, rateNow) {
  const written = (bp) => (bp === undefined ? "—" : percent(bp / 10_000, 2));
  const rows = drawn.map(({ id }, index) =>
    h(
      "tr",
      { "data-key": id },
      h("th", { scope: "row" }, h("i.stroke", { style: { background: `var(${seriesColour(index)})` } }), names.centre(id)),
      h("td", {}, percent(rateNow(id), 2)),
      h("td", {}, written(view.average_bp[id])),
      h("td", {}, written(view.peak_bp[id])),
      h("td.muted", {}, view.peak_at_ms[id] ? at(view.peak_at_ms[id], "day") : "—"),
    ),
  );
  const head = ["load.centre", "load.now", "load.average", "load.peak", "load.peak_at"];
  return h(
    "table.figures",
    {},
    h("thead", {}, h("tr", {}, head.map((key) => h("th", { scope: "col" }, t(key))))),
    h("tbody", {}, rows),
  );
}
