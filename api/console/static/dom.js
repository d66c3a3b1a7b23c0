// Builds and updates the page. Data only ever becomes text nodes and attributes, never HTML.

/** `h("button.plain", {type: "button"}, "text")`: an element; false and null are left out. */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key === "style") Object.entries(value).forEach(([p, v]) => element.style.setProperty(p, v));
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/** Make `target` contain `children`, keeping what is the same: focus, scroll and hover survive. */
export function show(target, ...children) {
  reconcile(target, nodes(children));
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

function reconcile(parent, wanted) {
  const oldByKey = new Map();
  for (const child of parent.children) if (child.dataset.key) oldByKey.set(child.dataset.key, child);
  let current = parent.firstChild;
  for (const node of wanted) {
    const key = node.dataset?.key;
    const match = key ? oldByKey.get(key) : isAlike(current, node) ? current : null;
    if (!match) {
      parent.insertBefore(node, current);
      continue;
    }
    if (match === current) current = current.nextSibling;
    else parent.insertBefore(match, current);
    patch(match, node);
  }
  while (current) {
    const next = current.nextSibling;
    current.remove();
    current = next;
  }
}

function isAlike(old, node) {
  return old !== null && old.nodeName === node.nodeName && !old.dataset?.key;
}

function patch(old, node) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== node.data) old.data = node.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!node.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of node.attributes) {
    if (old.getAttribute(name) === value) continue;
    // A style attribute set as text is what the policy forbids; its properties are not.
    if (name === "style") old.style.cssText = node.style.cssText;
    else old.setAttribute(name, value);
  }
  reconcile(old, [...node.childNodes]);
}

/** Call `act(dataset, event)` for a click on anything in `root` that carries `data-<name>`. */
export function onClick(root, name, act) {
  root.addEventListener("click", (event) => {
    const target = event.target.closest(`[data-${name}]`);
    if (target && root.contains(target)) act(target.dataset, event);
  });
}

/** Mark the pressed one of a group of buttons. */
export function press(group, name, value) {
  for (const button of group.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset[name] === String(value)));
  }
}

export const byId = (id) => document.getElementById(id);
