// The HTTP interface, asked with the key of this browser tab.

const KEY = "brain_key";

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
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

/** Follows a log: asks for what came after what it has. */
export class Tail {
  constructor() {}
  run() {}
  stop() {}
}
