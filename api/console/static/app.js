// The board: who looks, what they see, and when each part of it is asked for again.

import * as capacity from "./capacity.js";
import { Refused, forget, get, keep, key } from "./client.js";
import { byId, h, onClick, press, show } from "./dom.js";
import { Recent } from "./events.js";
import { Drawer } from "./job.js";
import * as jobs from "./jobs.js";
import * as load from "./load.js";
import * as notices from "./notices.js";
import { Panel } from "./panel.js";
import { Stream } from "./stream.js";
import * as turns from "./turns.js";
import * as usage from "./usage.js";
import { monthStart, nowMs, setServerTime, span, speak, spoken, t } from "./words.js";

const FILES = document.documentElement.dataset.static;
const REFRESH_MS_MIN = 1_000; // however much happens
const POLL_MS = 15_000; // waiting reasons may change without an event
const POLL_MS_UNHEARD = 5_000; // while the stream is down
const ROLES = ["operator", "tenant", "finance"];
const PAGE_MAX = 500; // the interface lists the newest first, the board the queue's front

const chosen = { hours: 24, month: 0, show: "active", order: "list" };
const jobNames = new Map();
const tenantNames = new Map();
const recent = new Recent();
let me = null;
let stream = null;
let connection = { state: "off", untilMs: 0 };

const centre = (id) => panels.capacity.data?.centres.find((one) => one.id === id);
const names = {
  centre: (id) => (id === load.PARK ? t("load.park") : (centre(id)?.name ?? id)),
  job: (id) => jobNames.get(id) ?? jobs.shortId(id),
  tenant: (id) => tenantNames.get(id) ?? id,
};
const drawer = new Drawer(names);

/** Finance has the books: jobs, their queue and its quotes are refused to it. */
function seesJobs() {
  return me?.role !== "finance";
}

function rateNow(id) {
  const part = id === load.PARK ? panels.capacity.data : centre(id);
  return part ? capacity.rate(part.allocated_tflops, part.stated_tflops) : 0;
}

async function jobPage(states, limit = jobs.SHOWN) {
  const page = await get("/v1/jobs", { state: states, limit });
  for (const job of page.items) jobNames.set(job.id, jobs.shortName(job));
  recent.addPast(page.items);
  panels.events.draw();
  return page;
}

// The queue first: what is held, of an array perhaps thousands, must not hide it.
async function waitingPage() {
  const [queued, kept] = await Promise.all([jobPage(["queued"], PAGE_MAX), get("/v1/quotes")]);
  if (queued.items.length >= jobs.SHOWN) return { ...queued, kept: kept.items };
  const held = await jobPage(["held"]);
  return { items: [...queued.items, ...held.items], next: queued.next ?? held.next, kept: kept.items };
}

const panels = {
  capacity: new Panel(byId("capacity"), {
    rows: 9,
    load: async () => {
      const park = await get("/v1/capacity");
      setServerTime(park.at_ms);
      return park;
    },
    draw: (park) => {
      drawHead(park);
      panels.notices.draw();
      panels.load.draw(); // how full it is now is told there as well
      return capacity.centres(park);
    },
  }),
  notices: new Panel(byId("notices"), {
    rows: 0,
    load: async () => {
      if (me.role === "operator") return { budgets: [], tenants: [] };
      const [budgets, tenants] = await Promise.all([get("/v1/budgets"), get("/v1/tenants")]);
      return { budgets: budgets.items, tenants: tenants.items };
    },
    draw: (money) => notices.draw(panels.capacity.data, money, names),
  }),
  load: new Panel(byId("load-figures"), {
    load: () => get("/v1/utilisation", { from_ms: nowMs() - chosen.hours * 3_600_000, to_ms: nowMs() }),
    draw: (view) => load.draw(view, names, rateNow),
  }),
  running: new Panel(byId("running"), {
    isFor: seesJobs,
    load: () => jobPage(chosen.show === "active" ? jobs.ACTIVE : jobs.ENDED),
    draw: (page) => (chosen.show === "active" ? jobs.active : jobs.ended)(page, names),
  }),
  waiting: new Panel(byId("waiting"), {
    isFor: seesJobs,
    load: () => (chosen.order === "list" ? waitingPage() : get("/v1/queue", { limit: jobs.SHOWN })),
    draw: (page) => (chosen.order === "list" ? jobs.waiting : turns.table)(page, names),
  }),
  usage: new Panel(byId("usage"), {
    load: () => get("/v1/usage", { from_ms: monthStart(chosen.month), to_ms: Math.min(monthStart(chosen.month + 1), nowMs()) }),
    draw: (view) => usage.draw(view, me?.role === "tenant", names),
  }),
  events: new Panel(byId("events"), {
    load: async () => {
      if (seesJobs()) await jobPage(jobs.ENDED);
      return recent;
    },
    draw: () => recent.draw(names, seesJobs() ? "events.none_hint" : "events.none_money"),
  }),
};

// Which parts an event changes; one that is not listed changes the jobs.
const TOUCHES = {
  metered: ["usage", "notices"],
  measured: [],
  saved: [],
  budget_set: ["notices"],
  budget_reached: ["notices"],
  overdrawn: ["notices"],
  nodes_drained: ["capacity", "load", "waiting"],
  nodes_changed: ["capacity", "load", "waiting"],
  centre_link_changed: ["capacity", "load", "waiting"],
  park_declared: ["capacity", "load"],
  leased: ["capacity", "load", "running", "waiting"],
  ended: ["capacity", "load", "running", "waiting", "usage"],
  credited: ["usage", "notices"],
  price_list_published: ["usage"],
  tenant_declared: ["waiting", "usage"],
};

const touched = new Set();
let refreshing = null;
let refreshedAt = 0;

function touch(names) {
  names.forEach((name) => touched.add(name));
  refreshing ??= setTimeout(refreshTouched, Math.max(50, refreshedAt + REFRESH_MS_MIN - performance.now()));
}

async function refreshTouched() {
  const names = [...touched];
  touched.clear();
  await Promise.allSettled(names.map((name) => (name === "job" ? drawer : panels[name]).refresh()));
  refreshedAt = performance.now();
  refreshing = null;
  if (touched.size && me) touch([]);
}

function took(event) {
  if (event.body.tenant) tenantNames.set(event.body.tenant.id, event.body.tenant.name);
  if (event.body.job?.name) jobNames.set(event.job_id, jobs.shortName({ id: event.job_id, spec: event.body.job, array: event.body.job.array }));
  recent.add(event);
  panels.events.draw();
  touch(TOUCHES[event.kind] ?? ["capacity", "running", "waiting"]);
  if (event.job_id && event.job_id === drawer.id) touch(["job"]);
}

function drawHead(park) {
  byId("park-name").textContent = park.name;
  show(byId("headline"), capacity.headline(park));
  const note = byId("note");
  note.hidden = !park.note && !park.is_logical;
  note.dataset.tone = park.is_logical ? "warn" : "none";
  show(note, h("b", {}, t(park.is_logical ? "note.logical" : "note.assumed")), h("span", {}, park.note || t("note.logical_means")));
  byId("running-count").textContent = park.running_jobs;
  byId("waiting-count").textContent = park.queued_jobs;
}

function drawConnection() {
  const element = byId("connection");
  element.dataset.state = connection.state;
  const wait = Math.max(0, connection.untilMs - Date.now());
  byId("connection-text").textContent = t(`connection.${connection.state}`, { span: span(Math.max(1_000, wait)) });
}

function drawAll() {
  press(byId("load-window"), "hours", chosen.hours);
  press(byId("running-choice"), "show", chosen.show);
  press(byId("waiting-choice"), "order", chosen.order);
  press(byId("usage-month"), "month", chosen.month);
  press(document.querySelector(".top .segments"), "language", spoken());
  byId("who").textContent = me ? t(`role.${me.role}`, { tenant: names.tenant(me.tenant) }) : "";
  drawConnection();
  for (const panel of Object.values(panels)) panel.draw();
  drawer.draw();
}

async function enter() {
  const caller = await get("/v1/me");
  if (!ROLES.includes(caller.role)) throw new Refused(403, {});
  me = caller;
  for (const tenant of (await get("/v1/tenants")).items) tenantNames.set(tenant.id, tenant.name);
  document.body.dataset.view = "board";
  drawAll();
  stream = new Stream("/v1/events", {
    onEvent: ({ data }) => took(data),
    onState: (state, untilMs = 0) => {
      const wasLost = state === "live" && connection.state !== "live";
      connection = { state, untilMs };
      drawConnection();
      if (wasLost) touch(Object.keys(panels));
    },
  });
  await panels.capacity.refresh();
  if (me !== caller) return; // signed out meanwhile
  touch(Object.keys(panels));
  stream.run();
  const asked = /^#job=(.+)$/.exec(location.hash);
  if (asked) drawer.open(decodeURIComponent(asked[1]));
}

function leave(message = "") {
  stream?.stop();
  drawer.close();
  forget();
  [me, stream, connection] = [null, null, { state: "off", untilMs: 0 }];
  clearTimeout(refreshing);
  refreshing = null;
  touched.clear();
  recent.clear();
  jobNames.clear();
  tenantNames.clear();
  load.clear();
  show(byId("headline"));
  Object.values(panels).forEach((panel) => panel.reset());
  document.body.dataset.view = "login";
  byId("login-error").textContent = message;
  byId("key").value = "";
  byId("key").focus();
}

async function logIn(event) {
  event.preventDefault();
  const field = byId("key");
  const button = event.target.querySelector("button");
  const complain = (text) => {
    field.setAttribute("aria-invalid", "true");
    byId("login-error").textContent = text;
    field.focus();
  };
  const value = field.value.trim();
  if (!/^[\x21-\x7e]+$/.test(value)) return complain(t("login.malformed"));
  field.removeAttribute("aria-invalid");
  byId("login-error").textContent = "";
  button.disabled = true;
  keep(value);
  try {
    await enter();
    field.value = "";
  } catch (error) {
    forget();
    complain(explain(error));
  } finally {
    button.disabled = false;
  }
}

function explain(error) {
  if (!(error instanceof Refused)) return t("login.unreachable");
  if (error.status === 401) return t("login.wrong");
  if (error.status === 403) return t("login.forbidden");
  return error.message;
}

function listen() {
  byId("login").addEventListener("submit", logIn);
  byId("sign-out").addEventListener("click", () => leave());
  byId("theme").addEventListener("click", window.turnTheme);
  document.addEventListener("theme", drawAll);
  document.addEventListener("unauthorised", () => me && leave(t("login.expired")));
  onClick(document.querySelector(".top"), "language", async ({ language }) => {
    await speak(language, FILES);
    drawAll();
  });
  onClick(byId("load-window"), "hours", ({ hours }) => choose("hours", Number(hours), "load"));
  onClick(byId("running-choice"), "show", ({ show: which }) => choose("show", which, "running"));
  onClick(byId("waiting-choice"), "order", ({ order }) => choose("order", order, "waiting"));
  onClick(byId("usage-month"), "month", ({ month }) => choose("month", Number(month), "usage"));
  onClick(byId("usage"), "tenant", ({ tenant }) => {
    usage.toggle(tenant);
    panels.usage.draw();
  });
  onClick(byId("main"), "job", ({ job }) => getSelection().isCollapsed && drawer.open(job));
  window.addEventListener("resize", load.resize);
  document.addEventListener("visibilitychange", () => !document.hidden && me && touch(Object.keys(panels)));
}

function choose(name, value, panel) {
  chosen[name] = value;
  panels[panel].reset();
  drawAll();
  panels[panel].refresh();
}

// Times that run: no request, only the clock.
function tick() {
  if (!me) return;
  for (const element of document.querySelectorAll("time[data-since]")) {
    element.textContent = span(nowMs() - Number(element.dataset.since));
  }
  if (connection.state === "waiting") drawConnection();
}

function poll() {
  if (me && !document.hidden) touch(["capacity", "load", "running", "waiting", ...(drawer.id ? ["job"] : [])]);
  setTimeout(poll, connection.state === "live" ? POLL_MS : POLL_MS_UNHEARD);
}

async function start() {
  await speak(document.documentElement.dataset.language, FILES);
  listen();
  drawAll();
  setInterval(tick, 1_000);
  setTimeout(poll, POLL_MS);
  if (!key()) return leave();
  try {
    await enter();
  } catch (error) {
    leave(explain(error));
  }
}

start();
