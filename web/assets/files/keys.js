// The keyboard map: one key for each act that a page offers (data-key), g and a letter for the places of the rail, j and k
// along a list. Keys never act while one types, nor together with Ctrl, Alt or ⌘, which belong to the browser.
import { $, $$, shown, typing, tell, said, make } from "./dom.js";

const help = $("#keymap");
let going = 0; // until when a letter after g counts

const rows = () => $$("#main table.t tbody tr, #main [data-row]").filter((el) => shown(el) && el.querySelector("a[href]"));
const linkOf = (row) => row.querySelector("th a[href], td a.id[href], a[href]");
export const cursor = () => $("#main .cursor") || document.activeElement?.closest?.("#main table.t tbody tr, #main [data-row]");

const move = (by) => {
  const all = rows();
  if (!all.length) return;
  const here = cursor(), at = all.indexOf(here);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + by))];
  for (const r of $$(".cursor")) r.classList.remove("cursor");
  next.classList.add("cursor");
  linkOf(next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
};
document.addEventListener("focusin", (e) => {
  const row = e.target.closest?.("#main table.t tbody tr, #main [data-row]");
  for (const r of $$(".cursor")) if (r !== row) r.classList.remove("cursor");
});

const press = (el) => { el.focus(); el.click(); };
// The act with the key: in the row under the cursor first, then on the page.
const bound = (key) => {
  const row = cursor(), wants = (el) => el.dataset.key.toLowerCase() === key;
  return $$("#bulkbar.on [data-key]").find(wants) || (row && $$("[data-key]", row).find((el) => wants(el) && shown(el))) || $$("[data-key]").find((el) => wants(el) && shown(el) && !el.closest("tr"));
};

const show = () => {
  if (!help) return;
  const here = $("#keymap-here");
  const acts = $$("#main [data-key]").filter((el) => shown(el) && !el.closest("tr"));
  here.replaceChildren(...acts.flatMap((el) => [make("dt", {}, make("kbd", {}, el.dataset.key.toUpperCase())), make("dd", {}, said(el))]));
  here.parentElement.hidden = acts.length === 0;
  open(help);
};

// open shows a dialog and gives the focus back where it was when the dialog closes.
export const open = (dialog) => {
  const before = document.activeElement;
  dialog.showModal();
  dialog.addEventListener("close", () => { if (before?.isConnected) before.focus(); }, { once: true });
};
for (const d of $$("dialog")) d.addEventListener("click", (e) => { if (e.target === d) d.close(); });
for (const b of $$("dialog [data-close]")) b.addEventListener("click", () => b.closest("dialog").close());
for (const b of $$("[data-keys]")) b.addEventListener("click", (e) => { e.preventDefault(); show(); });

export const globals = {
  "j": () => move(1), "k": () => move(-1),
  "o": () => { const row = cursor(); if (row) linkOf(row).click(); },
  "x": () => { const box = cursor()?.querySelector("input[data-pick]"); if (box) box.click(); },
  "]": () => $(".pager a[rel=next]")?.click(), "[": () => history.back(),
  "?": show,
  "g": () => { going = Date.now() + 1500; tell("Go to: press the letter of a place."); },
};

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || typing(e.target) || $("dialog[open]")) return;
  const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
  if (going > Date.now() && key !== "Shift") {
    going = 0;
    const place = $(`[data-go="${CSS.escape(key)}"]`);
    if (place) { e.preventDefault(); place.click(); }
    return;
  }
  if (e.repeat && key !== "j" && key !== "k") return;
  const act = key.length === 1 && !(key in globals) ? bound(key) : null;
  if (act) { e.preventDefault(); press(act); return; }
  if (globals[key] && !(key === "x" && e.shiftKey)) { e.preventDefault(); globals[key](e); return; }
  if (key === "Escape") document.dispatchEvent(new CustomEvent("mainstay:escape"));
});
export { show as showKeys };
