// Both languages: words from the catalogues, and how numbers, times and money are written.

const LOCALE = { zh: "zh-CN", en: "en-GB" };
const ZONE = "Asia/Shanghai"; // the books' months and days are this zone's

let language = "zh";
let catalogue = {};
let clockOffsetMs = 0;

export async function speak(wanted, root) {
  const answer = await fetch(`${root}/${wanted}.json`);
  if (!answer.ok) throw new Error(`catalogue ${wanted}: ${answer.status}`);
  catalogue = await answer.json();
  language = wanted;
  document.documentElement.lang = LOCALE[wanted];
  document.documentElement.dataset.language = wanted;
  document.cookie = `brain_language=${wanted}; path=/; max-age=31536000; samesite=strict`;
  relabel(document);
}

function relabel(root) {
  document.title = t("product");
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel));
    if (element.matches(".icon")) element.title = t(element.dataset.tLabel);
  }
}

export const isChinese = () => language === "zh";
export const spoken = () => language;

/** The words for `key`, with `{name}` replaced by `values.name`; the key itself if unknown. */
export function t(key, values = {}) {
  const words = catalogue[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The words for `prefix.name` where the catalogue has them, else `name` as it is. */
export function tOr(prefix, name) {
  return catalogue[`${prefix}.${name}`] ?? name;
}

export function setServerTime(atMs) {
  clockOffsetMs = atMs - Date.now();
}

export const nowMs = () => Date.now() + clockOffsetMs;

function number(value, options) {
  return new Intl.NumberFormat(LOCALE[language], options).format(value);
}

export const count = (value) => number(value, { maximumFractionDigits: 0 });
export const decimal = (value, digits = 2) =>
  number(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const percent = (share, digits = 1) =>
  number(share, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
/** Card-hours and P.h, as the command line writes them. */
export const hours = (value) => decimal(value, 4);
// A string goes in as it is: no float touches money.
export const yuan = (text) => `¥${number(text, { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;

/** TFLOPS as P. Small parks need the second digit, large ones do not. */
export function inP(tflops) {
  return number(tflops / 1000, { maximumFractionDigits: digitsOfP(tflops) });
}

/** TFLOPS as P in a column of amounts of which `whole` is the largest: all with as many digits. */
export function inPColumn(tflops, whole) {
  return decimal(tflops / 1000, digitsOfP(whole));
}

const digitsOfP = (tflops) => (Math.abs(tflops) < 10_000 ? 2 : 1);

const formats = {
  time: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  minute: { hour: "2-digit", minute: "2-digit" },
  day: { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" },
  full: { dateStyle: "medium", timeStyle: "medium" },
};

export function at(ms, format = "day") {
  if (ms === null || ms === undefined) return "—";
  const options = { ...formats[format], timeZone: ZONE };
  if (format !== "full") options.hourCycle = "h23";
  return new Intl.DateTimeFormat(LOCALE[language], options).format(ms);
}

/** The time alone if it was less than a day ago or ahead, else the date too. */
export function near(ms, format = "minute") {
  if (ms === null || ms === undefined) return "—";
  return at(ms, Math.abs(ms - nowMs()) < 20 * 3_600_000 ? format : "day");
}

const STEPS = [["d", 86_400], ["h", 3_600], ["m", 60], ["s", 1]];

/** A duration in its two largest units: `1 h 20 min`. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const first = STEPS.findIndex(([, size]) => seconds >= size);
  if (first === -1) return t("span.s", { n: 0 });
  let rest = seconds;
  const parts = [];
  for (const [unit, size] of STEPS.slice(first, first + 2)) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n) parts.push(t(`span.${unit}`, { n }));
  }
  return parts.join(" ");
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `1h30m`, as the wire writes durations, in milliseconds. */
export function durationMs(text) {
  const parts = String(text).matchAll(/(\d+)(ms|[smhd])/g);
  return [...parts].reduce((sum, [, n, unit]) => sum + Number(n) * UNIT_MS[unit], 0);
}

/** First ms of the month `offset` months from now, by the books' calendar (UTC+8, no DST). */
export function monthStart(offset) {
  const local = new Date(nowMs() + 8 * 3_600_000);
  return Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + offset, 1) - 8 * 3_600_000;
}
