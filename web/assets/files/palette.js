// The palette: finds any object and any act. ">" looks among acts only, "?" among keys and help. Nothing that is found is
// ever written as markup.
import { $, $$, mac, me, make, said, shown, typing, send, remember, local } from "./dom.js";
import { open, showKeys } from "./keys.js";

for (const k of $$("[data-mod-key]")) k.textContent = mac ? "⌘K" : "Ctrl K";
const dialog = $("#palette");
const field = dialog && $("input", dialog), list = $("#palette-hits"), note = $("#palette-note");
const again = make("button", { type: "button", class: "btn sm" }, "Try again");
let asked = 0, choices = [], chosen = -1, delay = 0, patience = 0, abort;

// ---------- What was looked at lately, in this browser, per person ----------
const shelf = "recent:" + me;
const recent = () => me ? remember.read(local, shelf, []) : [];
const ref = document.body.dataset.ref || "";
if (me && ref && !$("#main .failure")) {
  const number = $("#main .head .id")?.textContent || "", title = $("#main h1")?.textContent.trim() || document.title;
  const here = { title, number, kind: ref.split(":")[0], url: location.pathname };
  remember.write(local, shelf, [here, ...recent().filter((r) => r.url !== here.url)].slice(0, 30));
}
for (const f of $$('form[action="/sign-out"]')) f.addEventListener("submit", () => remember.drop(local, shelf));

// ---------- Fuzzy: every letter in order; beginnings of words and runs count more ----------
const score = (text, query) => {
  const t = text.toLowerCase(), words = query.toLowerCase().split(/\s+/).filter(Boolean);
  let sum = 0;
  const marks = new Set();
  for (const w of words) {
    let best = -1, bestAt = [];
    const within = t.indexOf(w);
    let whole = within; // where it begins a word
    while (whole > 0 && /[\p{L}\p{N}]/u.test(t[whole - 1])) whole = t.indexOf(w, whole + 1);
    if (whole >= 0) { best = 100 + w.length; bestAt = [...w].map((_, i) => whole + i); }
    else if (within >= 0) { best = 60 + w.length; bestAt = [...w].map((_, i) => within + i); }
    else {
      let from = 0, gaps = 0, at = [];
      for (const c of w) { const i = t.indexOf(c, from); if (i < 0) { at = null; break; } if (at.length) gaps += i - from; at.push(i); from = i + 1; }
      if (at && w.length > 1 && gaps <= 3 * w.length) { best = 30 - gaps; bestAt = at; }
    }
    if (best < 0) return null;
    sum += best;
    for (const i of bestAt) marks.add(i);
  }
  return { sum: sum - text.length / 50, marks };
};
const marked = (text, marks) => {
  const out = [];
  for (let i = 0; i < text.length;) {
    const on = marks?.has(i);
    let j = i;
    while (j < text.length && Boolean(marks?.has(j)) === Boolean(on)) j++;
    out.push(on ? make("mark", {}, text.slice(i, j)) : text.slice(i, j));
    i = j;
  }
  return out;
};
const fit = (all, q) => !q ? all : all.map((c) => ({ ...c, fit: score(c.title + (c.also ? " " + c.also : ""), q) })).filter((c) => c.fit).sort((a, b) => b.fit.sum - a.fit.sum);

// ---------- What this page itself offers ----------
const here = () => {
  const seen = new Set();
  return $$("#main .head .acts .btn, #main [data-key], #main .actbar .btn").filter((el) => shown(el) && !el.closest("tr")).map((el) => ({
    title: said(el), note: el.dataset.key ? "key " + el.dataset.key.toUpperCase() : "", group: "On this page", run: () => el.click(),
  })).filter((c) => c.title && !seen.has(c.title) && seen.add(c.title));
};
const places = () => $$(".rail [data-go]").map((a) => ({ title: "Go to " + $("span", a).textContent, note: "g " + a.dataset.go, group: "Go to", url: a.href }));
const helps = () => [{ title: "Keyboard map", note: "?", group: "Help", run: showKeys }].concat(
  $$("#keymap dl:not(#keymap-here) dt").map((dt) => ({ title: dt.nextElementSibling.textContent, note: dt.textContent.trim().replace(/\s+/g, " "), group: "Keys", run: showKeys })),
  $$("#palette [data-help]").map((a) => ({ title: a.textContent, note: "", group: "Help", url: a.href })));

const read = () => {
  const text = field.value.trimStart(), mode = /^[>?]/.test(text) ? text[0] : "";
  return { mode, q: (mode ? text.slice(1) : text).trim() };
};
const ask = async () => {
  const mine = ++asked, { mode, q } = read();
  clearTimeout(patience);
  abort?.abort();
  const near = mode === "?" ? fit(helps(), q) : fit(here(), q).concat(q || mode ? fit(places(), q) : []);
  const late = mode || !q ? [] : fit(recent().map((r) => ({ title: r.title, also: r.number, note: [r.number, "looked at lately"].filter(Boolean).join(", "), url: r.url, group: "Lately" })), q).slice(0, 4);
  const before = mode === "" && !q ? recent().filter((r) => r.url !== location.pathname).slice(0, 6).map((r) => ({ title: r.title, note: r.number || r.kind, url: r.url, group: "Lately" })) : [];
  if (mode === "?") { show(near, near.length ? "" : "No key and no page of the guide has these words."); return; }
  show(before.concat(late, near), "");
  patience = setTimeout(() => { if (mine === asked) { list.setAttribute("aria-busy", "true"); if (!choices.length) tellNote("Searching …"); } }, 150);
  try {
    abort = new AbortController();
    const at = new URLSearchParams({ q, at: ref });
    if (mode === ">") at.set("only", "do");
    const answer = await fetch("/search.json?" + at, { headers: { Accept: "application/json" }, signal: abort.signal });
    if (mine !== asked) return;
    if (answer.status === 401) throw new Error("signed out");
    if (!answer.ok) throw new Error(String(answer.status));
    const found = (await answer.json()).items.map((h) => ({
      title: h.title, note: [h.number, h.note].filter(Boolean).join(", "), group: h.group, url: h.url, post: h.post, fit: q ? score(h.title, q) : null,
    }));
    const known = new Map();
    for (const c of late) known.set(c.url, c);
    const fresh = found.filter((c) => c.post || !known.has(c.url) || (known.get(c.url).stays = true)); // found again: shown once, where it is first
    const strong = fresh.filter((c) => c.first);
    const all = q ? strong.concat(late, fresh.filter((c) => !c.first), near) : before.concat(near, fresh);
    show(all, all.length ? "" : mode === ">" ? "Nothing that you may do here has these words." : "Nothing that you may read has these words. Try fewer, or a number such as INC-42.");
  } catch (e) {
    if (mine !== asked || e.name === "AbortError") return;
    show(before.concat(late, near), e.message === "signed out" ? "You are signed out. Sign in in another tab, and try again." : navigator.onLine === false ? "This device is offline." : "The search does not answer just now.", true);
  } finally {
    if (mine === asked) { clearTimeout(patience); list.removeAttribute("aria-busy"); }
  }
};

const tellNote = (text, retry) => {
  note.hidden = !text;
  note.replaceChildren(text, ...(retry ? [" ", again] : []));
};
const show = (all, text, retry) => {
  const groups = new Map();
  for (const c of all) {
    if (!groups.has(c.group)) groups.set(c.group, []);
    if (groups.get(c.group).length < 10) groups.get(c.group).push(c);
  }
  choices = [...groups.values()].flat();
  chosen = choices.length ? 0 : -1;
  let i = 0;
  list.replaceChildren(...[...groups].map(([name, items], g) => {
    const head = make("h3", { id: "hits-" + g, role: "presentation" }, name);
    return make("div", { role: "group", "aria-labelledby": "hits-" + g }, head, ...items.map((c) => {
      const nth = i++;
      const option = make("div", { id: "hit-" + nth, role: "option" }, make("span", {}, ...marked(c.title, c.fit?.marks)), make("span", { class: "r" }, c.note || ""));
      option.addEventListener("click", () => pick(nth));
      option.addEventListener("pointermove", () => { if (chosen !== nth) { chosen = nth; mark(false); } });
      return option;
    }));
  }));
  field.setAttribute("aria-expanded", String(choices.length > 0));
  tellNote(text, retry);
  $("#palette-count").textContent = choices.length === 0 ? "" : choices.length === 1 ? "1 answer" : choices.length + " answers";
  mark(true);
};
const mark = (scroll) => {
  $$("[role=option]", list).forEach((el, i) => {
    el.setAttribute("aria-selected", String(i === chosen));
    if (i === chosen && scroll) (i === 0 ? list.firstElementChild : el).scrollIntoView({ block: "nearest" });
  });
  if (chosen >= 0) field.setAttribute("aria-activedescendant", "hit-" + chosen); else field.removeAttribute("aria-activedescendant");
};
const pick = (i, elsewhere) => {
  const c = choices[i];
  if (!c) return;
  dialog.close();
  if (c.run) c.run();
  else if (c.post) send(c.url, Object.fromEntries((c.post.fields || []).map((f) => [f.name, f.value])));
  else if (elsewhere) window.open(c.url, "_blank", "noopener");
  else location.assign(c.url);
};

const openPalette = (text = "") => {
  if (dialog.open) { dialog.close(); return; }
  open(dialog);
  field.value = text;
  field.focus();
  ask();
};
if (dialog) {
  document.addEventListener("keydown", (e) => {
    if (e.key.toLowerCase() === "k" && (mac ? e.metaKey : e.ctrlKey) && !e.altKey && !e.shiftKey) { e.preventDefault(); openPalette(); return; }
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || $("dialog[open]")) return;
    if (e.key === "/" || e.key === ">") { e.preventDefault(); openPalette(e.key === ">" ? ">" : ""); }
  });
  for (const link of $$("[data-palette]")) link.addEventListener("click", (e) => { if (e.metaKey || e.ctrlKey || e.shiftKey) return; e.preventDefault(); openPalette(); });
  field.addEventListener("input", () => { clearTimeout(delay); delay = setTimeout(ask, 100); });
  field.addEventListener("keydown", (e) => {
    if (e.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[e.key];
    if (step && choices.length) {
      e.preventDefault();
      chosen = Math.abs(step) === 1 ? (chosen + step + choices.length) % choices.length : Math.max(0, Math.min(choices.length - 1, chosen + step));
      mark(true);
    } else if (e.key === "Enter") { e.preventDefault(); if (chosen >= 0) pick(chosen, e.metaKey || e.ctrlKey); }
  });
  again.addEventListener("click", () => { field.focus(); ask(); });
}
