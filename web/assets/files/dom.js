// What every part of the script stands on: finding elements, and what counts as typing.
export const $ = (sel, root = document) => root.querySelector(sel);
export const $$ = (sel, root = document) => [...root.querySelectorAll(sel)];

export const isControl = (el) => /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName);
// A checkbox or a button takes no letters, so keys keep working on it.
export const typing = (el) => Boolean(el) && (el.isContentEditable || el.tagName === "TEXTAREA" || el.tagName === "SELECT" ||
  (el.tagName === "INPUT" && !/^(checkbox|radio|button|submit|reset|file|range|color)$/.test(el.type)));

export const mac = /Mac|iPhone|iPad/.test(navigator.platform);
export const signedIn = $("[data-signed-in]") !== null;
export const me = document.documentElement.dataset.me || "";

// shown reports whether an element can be seen, and so pressed.
export const shown = (el) => el.getClientRects().length > 0 && !el.disabled && !el.closest("[inert]");

// said is the text of an element without what only the eye is given, such as the key on a button.
export const said = (el) => {
  const copy = el.cloneNode(true);
  for (const k of copy.querySelectorAll("kbd, svg")) k.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
};

// make builds an element; what is given as text is text, never markup.
export const make = (tag, attrs = {}, ...children) => {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs)) if (value !== undefined && value !== null && value !== false) el.setAttribute(name, value === true ? "" : value);
  el.append(...children);
  return el;
};

// send posts a form, as pressing a button does.
export const send = (url, fields = {}) => {
  const form = make("form", { method: "post", action: url, hidden: true });
  for (const [name, value] of Object.entries(fields)) form.append(make("input", { type: "hidden", name, value }));
  document.body.append(form);
  form.requestSubmit();
};

// tell says something to those who listen, and nobody else.
export const tell = (text) => {
  const el = $("#announced");
  if (el) el.textContent = text;
};

// Storage may be forbidden; then nothing is remembered and nothing breaks.
export const remember = {
  read(store, key, other) {
    try { return JSON.parse(store().getItem(key)) ?? other; } catch { return other; }
  },
  write(store, key, value) {
    try { store().setItem(key, JSON.stringify(value)); } catch { /* full or forbidden */ }
  },
  drop(store, key) {
    try { store().removeItem(key); } catch { /* forbidden */ }
  },
};
export const local = () => window.localStorage;
export const session = () => window.sessionStorage;
