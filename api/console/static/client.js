// The HTTP interface, asked with the key of this browser tab.

import { isChinese } from "./words.js";

const KEY = "brain_key";
const TAIL_RETRY_MS = 3_000;

export class Refused extends Error {
  constructor(status, problem) {
    const { title, detail, title_zh: titleZh, detail_zh: detailZh } = problem;
    const said = isChinese() ? detailZh || [titleZh, detail].filter(Boolean).join("：") : detail;
    super(said || title || `HTTP ${status}`);
    this.status = status;
  }
}

export const key = () => sessionStorage.getItem(KEY);
export const keep = (value) => sessionStorage.setItem(KEY, value);
export const forget = () => sessionStorage.removeItem(KEY);

export function headers(extra = {}) {
  return { authorization: `Bearer ${key()}`, ...extra };
}

export async function get(path, query = {}) {
  if (!key()) throw new Refused(401, {}); // signed out while a part was being read
  const address = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) {
      if (one !== null && one !== undefined) address.searchParams.append(name, one);
    }
  }
  return answer(await fetch(address, { headers: headers({ accept: "application/json" }), cache: "no-store" }));
}

export async function post(path) {
  return answer(await fetch(path, { method: "POST", headers: headers() }));
}

async function answer(response) {
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  const body = isJson ? await response.json() : {};
  if (response.ok) return body;
  const refused = new Refused(response.status, body);
  if (response.status === 401) document.dispatchEvent(new CustomEvent("unauthorised", { detail: refused }));
  throw refused;
}

/** A text that grows while it is read; begun afresh where the connection was lost. */
export class Tail {
  #stopped = new AbortController();

  constructor(path, { onBegin, onText, onError }) {
    Object.assign(this, { path, onBegin, onText, onError });
  }

  stop() {
    this.#stopped.abort();
  }

  async run() {
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#read();
        return;
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        this.onError(error);
        if (error instanceof Refused) return;
      }
      await new Promise((resolve) => setTimeout(resolve, TAIL_RETRY_MS));
    }
  }

  async #read() {
    const response = await fetch(this.path, { headers: headers(), signal: this.#stopped.signal, cache: "no-store" });
    if (!response.ok) await answer(response);
    this.onBegin();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#stopped.signal.aborted) return;
      this.onText(value);
    }
  }
}
