// Lists: choosing rows and acting on them at once, and finding back to the list as it was. Without script each row has its
// box and the bar its buttons all the same.
import { $, $$, tell, remember, session } from "./dom.js";

document.documentElement.classList.add("js");

const boxes = () => $$("input[data-pick]");
let lastBox = null;
const bar = () => $("#bulkbar");

const update = () => {
  const el = bar();
  if (!el) return;
  const all = boxes(), on = all.filter((b) => b.checked);
  for (const b of all) b.closest("tr")?.classList.toggle("sel", b.checked);
  const every = $("input[data-pick-all]");
  if (every) { every.checked = all.length > 0 && on.length === all.length; every.indeterminate = on.length > 0 && on.length < all.length; }
  el.classList.toggle("on", on.length > 0);
  const more = $("[data-pick-more]", el), whole = more?.querySelector("input");
  if (more) { more.hidden = on.length !== all.length || !all.length; if (more.hidden) whole.checked = false; }
  $("[data-picked]", el).textContent = whole?.checked ? "All that match" : on.length === 1 ? "1 chosen" : on.length + " chosen";
};
document.addEventListener("click", (e) => {
  const box = e.target.closest?.("input[data-pick]");
  if (!box) return;
  const all = boxes();
  if (e.shiftKey && lastBox && lastBox.isConnected) {
    const [a, b] = [all.indexOf(lastBox), all.indexOf(box)].sort((x, y) => x - y);
    for (const other of all.slice(a, b + 1)) other.checked = box.checked;
  }
  lastBox = box;
});
document.addEventListener("change", (e) => {
  if (e.target.matches("input[data-pick-all]")) for (const b of boxes()) b.checked = e.target.checked;
  if (e.target.matches("input[data-pick], input[data-pick-all], [data-pick-more] input")) {
    update();
    tell($("[data-picked]", bar())?.textContent || "");
  }
});
const clear = () => { for (const b of boxes()) b.checked = false; update(); };
document.addEventListener("click", (e) => { if (e.target.closest?.("[data-pick-none]")) clear(); });
document.addEventListener("mainstay:escape", () => { if (bar()?.classList.contains("on")) clear(); });
document.addEventListener("mainstay:refreshed", update);
window.addEventListener("pageshow", update);
update();

// ---------- The way back leads to the list as it was filtered ----------
if ($("[data-list]")) remember.write(session, "list:" + location.pathname, location.search);
for (const a of $$(".crumbs a[href]")) {
  const back = remember.read(session, "list:" + a.pathname, "");
  if (back && !a.search && a.pathname !== location.pathname) a.search = back;
}
