// Forms are sent once; toasts go by themselves, but never under the pointer or the focus.
import { $$ } from "./dom.js";

for (const toast of $$("#toasts .toast")) {
  const first = toast.querySelector("form") ? 30000 : 8000; // undo stands as long as it holds
  let left = setTimeout(() => toast.remove(), first);
  const hold = () => clearTimeout(left), go = () => { clearTimeout(left); left = setTimeout(() => toast.remove(), 4000); };
  toast.addEventListener("pointerenter", hold);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("pointerleave", go);
  toast.addEventListener("focusout", go);
}

document.addEventListener("submit", (e) => {
  const form = e.target;
  if (form.method !== "post" || e.defaultPrevented) return;
  if (form.dataset.sent && Date.now() - form.dataset.sent < 4000) { e.preventDefault(); return; }
  form.dataset.sent = Date.now();
  const button = e.submitter;
  if (button) setTimeout(() => button.setAttribute("aria-busy", "true"), 400); // a slow answer shows that it is under way
});
window.addEventListener("pageshow", () => { for (const b of $$("[aria-busy]")) b.removeAttribute("aria-busy"); for (const f of $$("form[data-sent]")) delete f.dataset.sent; });

// A choice in a filter counts at once; without script its button sends it.
for (const form of $$("form[data-auto]")) {
  form.addEventListener("change", (e) => { if (e.target.tagName === "SELECT") form.requestSubmit(); });
  form.addEventListener("submit", () => { for (const el of form.elements) if (el.name && !el.value) el.disabled = true; }); // the address holds only what was chosen
}
window.addEventListener("pageshow", () => { for (const form of $$("form[data-auto]")) for (const el of form.elements) el.disabled = false; });

// What is there to be copied is copied whole.
document.addEventListener("click", async (e) => {
  const button = e.target.closest?.("[data-copy]");
  if (!button) return;
  const text = button.parentElement.querySelector("pre, input, code");
  try {
    await navigator.clipboard.writeText(text.value ?? text.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  } catch {
    getSelection().selectAllChildren(text);
  }
});
// A menu closes when one goes elsewhere, and gives the focus back on Escape.
document.addEventListener("click", (e) => { for (const m of $$("details.menu[open]")) if (!m.contains(e.target)) m.open = false; });
document.addEventListener("keydown", (e) => {
  const menu = e.key === "Escape" && e.target.closest?.("details.menu[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); e.preventDefault(); }
});
