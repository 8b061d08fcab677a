// Morph makes an old tree like a new one, touching only what differs: focus, scroll and typed text survive.
import { $$, isControl } from "./dom.js";

const dirty = (el) => {
  if (el === document.activeElement) return true;
  if (el.type === "checkbox" || el.type === "radio") return el.checked !== el.defaultChecked;
  if (el.tagName === "SELECT") return [...el.options].some((o) => o.selected !== o.defaultSelected);
  return el.value !== el.defaultValue;
};
const key = (n) => n.nodeType === 1 ? n.id || n.getAttribute("data-id") || "" : "";
const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && key(a) === key(b);

// What a reader sees of a row, without times that tick.
const reading = (el) => {
  const copy = el.cloneNode(true);
  for (const t of copy.querySelectorAll("time")) t.textContent = t.getAttribute("datetime");
  return copy.textContent.replace(/\s+/g, " ");
};
const flashes = (el) => el.nodeType === 1 && /^(TR|LI)$/.test(el.tagName);
const flash = (el) => {
  el.classList.add("flash");
  el.addEventListener("animationend", () => el.classList.remove("flash"), { once: true });
};

// Classes that the script itself put on stay.
const own = ["sel", "cursor", "flash"];
const attributes = (old, neu) => {
  const mine = own.filter((name) => old.classList.contains(name));
  for (const { name } of [...old.attributes]) {
    if (neu.hasAttribute(name) || name === "open") continue;
    old.removeAttribute(name);
  }
  for (const { name, value } of [...neu.attributes]) {
    if (name === "open") continue;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  old.classList.add(...mine);
  if (!mine.length && old.getAttribute("class") === "") old.removeAttribute("class");
};
export const morph = (old, neu) => {
  if (old.nodeType !== 1) {
    if (old.nodeValue !== neu.nodeValue) old.nodeValue = neu.nodeValue;
    return;
  }
  if (old.isEqualNode(neu) || old.tagName === "DIALOG" || old.hasAttribute("data-still")) return;
  if (isControl(old)) {
    if (dirty(old)) return; // typed text survives
    attributes(old, neu);
    if (old.tagName === "INPUT") { old.value = neu.defaultValue; old.checked = neu.defaultChecked; } else old.replaceChildren(...neu.childNodes);
    return;
  }
  const before = flashes(old) ? reading(old) : "";
  attributes(old, neu);
  children(old, neu);
  if (before && before !== reading(old)) flash(old);
};
const children = (old, neu) => {
  let at = old.firstChild;
  for (const want of [...neu.childNodes]) {
    let have = at;
    if (!have || !alike(have, want)) {
      have = null;
      for (let n = at; n; n = n.nextSibling) if (alike(n, want) && (key(want) || n === at)) { have = n; break; }
    }
    if (have) {
      if (have !== at) old.insertBefore(have, at);
      else at = at.nextSibling;
      morph(have, want);
    } else {
      const added = document.importNode(want, true);
      old.insertBefore(added, at);
      if (flashes(added)) flash(added);
    }
  }
  while (at) {
    const next = at.nextSibling;
    if (at.contains(document.activeElement) && at.nodeType === 1 && dirtyInside(at)) { at = next; continue; }
    at.remove();
    at = next;
  }
};
const dirtyInside = (el) => $$("input, textarea, select", el).some(dirty);
