// Server-sent events by fetch, because EventSource cannot send the key. Goes on where it stopped.

import { headers } from "./client.js";

const WAIT_MS_MIN = 1_000;
const WAIT_MS_MAX = 15_000;
const SILENCE_MS_MAX = 45_000; // three keep-alives

/** Calls `onEvent({id, kind, data})`, and `onState("live" | "connecting" | "waiting" | "off", untilMs)`. */
export class Stream {
  #lastId = null;
  #stopped = new AbortController();
  #tries = 0;

  constructor(path, { onEvent, onState }) {
    this.path = path;
    this.onEvent = onEvent;
    this.onState = onState;
  }

  async run() {
    while (!this.#stopped.signal.aborted) {
      this.onState("connecting");
      try {
        await this.#read();
      } catch (error) {
        if (error.status === 401 || error.status === 403) return this.onState("off");
      }
      if (this.#stopped.signal.aborted) return;
      await this.#wait();
    }
  }

  stop() {
    this.#stopped.abort();
  }

  async #wait() {
    const longest = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** this.#tries);
    const wait = longest / 2 + (Math.random() * longest) / 2;
    this.#tries += 1;
    this.onState("waiting", Date.now() + wait);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#stopped.signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
      window.addEventListener("online", () => (clearTimeout(timer), resolve()), { once: true });
    });
  }

  async #read() {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    this.#stopped.signal.addEventListener("abort", stop, { once: true });
    let silence = setTimeout(stop, SILENCE_MS_MAX);
    try {
      const extra = { accept: "text/event-stream" };
      if (this.#lastId !== null) extra["last-event-id"] = this.#lastId;
      const response = await fetch(this.path, { headers: headers(extra), signal: attempt.signal, cache: "no-store" });
      if (!response.ok) throw Object.assign(new Error(`HTTP ${response.status}`), { status: response.status });
      this.onState("live");
      this.#tries = 0;
      const parser = new Parser((event) => this.#take(event));
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE_MS_MAX);
        parser.feed(value);
      }
    } finally {
      clearTimeout(silence);
      this.#stopped.signal.removeEventListener("abort", stop);
    }
  }

  #take({ id, kind, text }) {
    if (id !== null) this.#lastId = id;
    if (text === "") return;
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      return;
    }
    this.onEvent({ id, kind, data });
  }
}

/** The lines of the event stream format, whatever the pieces in which they arrive. */
class Parser {
  #rest = "";
  #id = null;
  #kind = "message";
  #data = [];

  constructor(emit) {
    this.emit = emit;
  }

  feed(piece) {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    lines.forEach((line) => this.#line(line));
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") this.#id = value;
    else if (field === "event") this.#kind = value;
    else if (field === "data") this.#data.push(value);
  }

  #dispatch() {
    if (this.#data.length || this.#id !== null) {
      this.emit({ id: this.#id, kind: this.#kind, text: this.#data.join("\n") });
    }
    this.#kind = "message";
    this.#data = [];
  }
}
