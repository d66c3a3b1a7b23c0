// Runs before the page is drawn, so that it never flashes in the wrong colours. Also the guard:
// where the browser knows trusted types, no string but the empty one may become HTML.
"use strict";

(() => {
  if (window.trustedTypes) {
    window.trustedTypes.createPolicy("default", {
      createHTML: (text) => (text === "" ? "" : null),
      createScript: () => null,
      createScriptURL: () => null,
    });
  }
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const read = () => {
    try {
      return localStorage.getItem("brain_theme");
    } catch {
      return null;
    }
  };
  const apply = () => {
    document.documentElement.dataset.theme = read() ?? (dark.matches ? "dark" : "light");
    document.dispatchEvent(new Event("theme"));
  };
  dark.addEventListener("change", apply);
  window.turnTheme = () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    const isSystems = next === (dark.matches ? "dark" : "light");
    try {
      if (isSystems) localStorage.removeItem("brain_theme");
      else localStorage.setItem("brain_theme", next);
    } catch {
      document.documentElement.dataset.theme = next;
    }
    apply();
  };
  apply();
})();
