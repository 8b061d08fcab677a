// Mainstay in the browser. Every page works without this script; with it, times tick, what changed refreshes by itself, and
// Ctrl-K finds anything. It never evaluates text as code and never writes markup from text.
(() => {
  "use strict";
  const $ = (sel, root = document) => root.querySelector(sel);
  const $$ = (sel, root = document) => [...root.querySelectorAll(sel)];

  // ---------- Times ----------
  // The server's clock counts, not this machine's: skew is the difference when the page was made.
  let skew = Date.parse(document.documentElement.dataset.now) - Date.now() || 0;
  const now = () => Date.now() + skew;

  const long = (ms) => {
    const s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;
    if (s < 60) return Math.trunc(s) + " s";
    if (m < 100) return Math.trunc(m) + " min";
    if (h < 48) return Math.trunc(h) + " h";
    if (d < 60) return Math.trunc(d) + " days";
    if (d < 730) return Math.trunc(d / 30) + " months";
    return Math.trunc(d / 365) + " years";
  };
  const ago = (ms) => {
    if (ms >= 0 && ms < 30000) return "just now";
    if (ms < 0 && ms > -30000) return "in seconds";
    return ms < 0 ? "in " + long(-ms) : long(ms) + " ago";
  };
  const count = (ms) => {
    const sign = ms < 0 ? "−" : "", s = Math.trunc(Math.abs(ms) / 1000), two = (n) => String(n).padStart(2, "0");
    if (s < 3600) return sign + Math.trunc(s / 60) + ":" + two(s % 60);
    if (s < 48 * 3600) return sign + Math.trunc(s / 3600) + " h " + two(Math.trunc(s / 60) % 60);
    return sign + Math.trunc(s / 86400) + " days";
  };
  const tick = () => {
    for (const t of $$("time[data-ago], time[data-since], time[data-due]")) {
      const past = now() - Date.parse(t.dateTime);
      if (Number.isNaN(past)) continue;
      let text = "ago" in t.dataset ? ago(past) : "since" in t.dataset ? long(past) : count(-past);
      if (t.textContent !== text) t.textContent = text;
      if ("due" in t.dataset) t.classList.toggle("crit", past > 0);
    }
  };
  setInterval(tick, 1000);

  // ---------- Morph: make an old tree like a new one, touching only what differs ----------
  const dirty = (el) => {
    if (el === document.activeElement) return true;
    if (el.type === "checkbox" || el.type === "radio") return el.checked !== el.defaultChecked;
    if (el.tagName === "SELECT") return [...el.options].some((o) => o.selected !== o.defaultSelected);
    return el.value !== el.defaultValue;
  };
  const isControl = (el) => /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName);
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

  const attributes = (old, neu) => {
    for (const { name } of [...old.attributes]) {
      if (neu.hasAttribute(name) || name === "open") continue;
      old.removeAttribute(name);
    }
    for (const { name, value } of [...neu.attributes]) {
      if (name === "open") continue;
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  };
  const morph = (old, neu) => {
    if (old.nodeType !== 1) {
      if (old.nodeValue !== neu.nodeValue) old.nodeValue = neu.nodeValue;
      return;
    }
    if (old.isEqualNode(neu) || old.tagName === "DIALOG") return;
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

  // ---------- Live: one stream says what changed; the page fetches itself anew and morphs those regions ----------
  const signedIn = $("[data-signed-in]") !== null;
  let source, heard = Date.now(), pending = new Set(), timer = 0, due = 0, last = 0, waits = 1000, position = document.documentElement.dataset.liveAt;

  const matches = (names) => {
    for (const name of names.split(/\s+/)) {
      if (!name) continue;
      if (name === "*" || pending.has("*") || pending.has(name)) return true;
      if (name.endsWith(":*")) for (const p of pending) if (p.startsWith(name.slice(0, -1))) return true;
    }
    return false;
  };
  // The numbers in the rail may wait a little: in a storm of alerts they alone must not make every open page ask each second.
  const schedule = () => {
    if (document.hidden) return;
    const soon = matches(document.body.dataset.livePage || "") || $$("[data-live][id]").some((el) => el.id !== "rail" && matches(el.dataset.live));
    const at = Math.max(Date.now() + 150, last + (soon ? 1000 : 5000));
    if (timer && due <= at) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(refresh, at - Date.now());
  };
  const refresh = async () => {
    timer = 0;
    last = Date.now();
    const page = document.body.dataset.livePage || "";
    const wanted = matches(page) ? [$("#main")].concat($$("[data-live][id]").filter((el) => !$("#main").contains(el) && matches(el.dataset.live)))
      : $$("[data-live][id]").filter((el) => matches(el.dataset.live));
    const regions = wanted.filter((el) => !wanted.some((other) => other !== el && other.contains(el)));
    const kept = pending;
    pending = new Set();
    if (!regions.length) return;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1", Accept: "text/html" }, redirect: "manual", cache: "no-store" });
      if (answer.status === 401) return ended();
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      skew = Date.parse(fresh.documentElement.dataset.now) - Date.now() || skew;
      for (const region of regions) {
        const neu = fresh.getElementById(region.id);
        if (neu) morph(region, neu);
      }
      tick();
      document.dispatchEvent(new CustomEvent("mainstay:refreshed"));
    } catch {
      for (const p of kept) pending.add(p);
    }
  };

  const say = (state) => {
    const el = $("#live"), lost = $("#lost");
    if (!el) return;
    const tone = { live: "good", joining: "muted", lost: "warn", ended: "warn" }[state];
    el.firstElementChild.setAttribute("class", "shape " + tone);
    el.firstElementChild.firstElementChild.setAttribute("href", "#s-" + tone);
    el.lastElementChild.textContent = { live: "Live", joining: "Joining", lost: "Not live", ended: "Signed out" }[state];
    lost.hidden = state === "live" || state === "joining";
    const texts = {
      lost: ["Connection lost.", " What you see is from " + new Date(heard).toLocaleTimeString() + ". Trying again."],
      ended: ["You are signed out.", " What you typed here is still on this page; sign in in another tab before you send it."],
    };
    if (!lost.hidden && lost.dataset.state !== state) {
      const b = document.createElement("b");
      b.textContent = texts[state][0];
      lost.replaceChildren(b, texts[state][1]);
    }
    lost.dataset.state = state;
  };
  const ended = () => {
    if (source) source.close();
    source = null;
    say("ended");
  };
  const alive = () => { heard = Date.now(); waits = 1000; say("live"); };
  const join = () => {
    if (!signedIn || source || document.hidden) return;
    source = new EventSource("/live?after=" + encodeURIComponent(position || ""));
    const on = (name, f) => source.addEventListener(name, (e) => { if (e.lastEventId) position = e.lastEventId; alive(); f(e); });
    on("hello", () => {});
    on("beat", () => {});
    on("whole", () => { pending.add("*"); schedule(); });
    on("changed", (e) => { for (const name of e.data.split(" ")) if (name) pending.add(name); schedule(); });
    source.addEventListener("end", ended);
    source.onerror = () => {
      if (!source) return;
      source.close();
      source = null;
      if (Date.now() - heard > 5000 || waits > 1000) say("lost");
      setTimeout(join, waits);
      waits = Math.min(waits * 2, 15000);
    };
  };
  const leave = () => { if (source) { source.close(); source = null; } };
  let hiding = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) { hiding = setTimeout(leave, 20000); return; } // a tab in the background gives its connection back
    tick();
    if ($("#lost")?.dataset.state === "ended") return;
    join();
    if (pending.size) schedule();
  });
  window.addEventListener("pagehide", leave);
  setInterval(() => {
    if (source && Date.now() - heard > 50000) { leave(); say("lost"); join(); }
  }, 5000);
  if (signedIn) { say("joining"); join(); }

  // ---------- Toasts ----------
  for (const toast of $$("#toasts .toast")) {
    let left = setTimeout(() => toast.remove(), 8000);
    const hold = () => clearTimeout(left), go = () => { clearTimeout(left); left = setTimeout(() => toast.remove(), 4000); };
    toast.addEventListener("pointerenter", hold);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("pointerleave", go);
    toast.addEventListener("focusout", go);
  }

  // ---------- A form is sent once ----------
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (form.method !== "post" || e.defaultPrevented) return;
    if (form.dataset.sent && Date.now() - form.dataset.sent < 4000) { e.preventDefault(); return; }
    form.dataset.sent = Date.now();
  });

  // ---------- Keys and the palette ----------
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  for (const k of $$("[data-mod-key]")) k.textContent = mac ? "⌘K" : "Ctrl K";
  const typing = (el) => el && (isControl(el) || el.isContentEditable);
  const dialog = $("#palette");

  document.addEventListener("keydown", (e) => {
    if (dialog && (e.key === "k" || e.key === "K") && (mac ? e.metaKey : e.ctrlKey) && !e.altKey) {
      e.preventDefault();
      dialog.open ? dialog.close() : openPalette();
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || dialog?.open) return;
    if (e.key === "/" && dialog) { e.preventDefault(); openPalette(); return; }
    const target = $$("[data-key]").find((el) => el.dataset.key.toLowerCase() === e.key.toLowerCase() && el.offsetParent !== null && !el.disabled);
    if (target) { e.preventDefault(); target.focus(); target.click(); }
  });
  for (const link of $$("[data-palette]")) link.addEventListener("click", (e) => { if (!dialog || e.metaKey || e.ctrlKey) return; e.preventDefault(); openPalette(); });

  let asked = 0, choices = [], chosen = -1, delay = 0;
  const field = dialog && $("input", dialog), list = $("#palette-hits"), note = $("#palette-note");
  const openPalette = () => {
    dialog.showModal();
    field.value = "";
    field.focus();
    ask();
  };
  const words = (s) => s.toLowerCase().split(/\s+/).filter(Boolean);
  // What this page offers: its buttons, and the places of the rail.
  const local = (q) => {
    const want = words(q), fits = (text) => want.every((w) => text.toLowerCase().includes(w));
    const acts = $$("#main .head .btn, #main [data-key]").filter((el) => el.offsetParent !== null && !el.disabled).map((el) => ({
      title: el.cloneNode(true).textContent.replace(/\s+/g, " ").trim(), note: "on this page", run: () => el.click(),
    }));
    const seen = new Set();
    const places = $$(".rail li:not(.more) a").map((a) => ({ title: "Go to " + $("span", a).textContent, note: "", url: a.href }));
    return acts.concat(q ? places : []).filter((c) => fits(c.title) && !seen.has(c.title) && seen.add(c.title)).slice(0, 8);
  };
  const ask = async () => {
    const mine = ++asked, q = field.value.trim();
    show(local(q), "");
    if (!q) return;
    try {
      const answer = await fetch("/search.json?q=" + encodeURIComponent(q), { headers: { Accept: "application/json" } });
      if (mine !== asked) return;
      if (!answer.ok) throw new Error(String(answer.status));
      const hits = (await answer.json()).items.map((h) => ({ title: h.title, note: [h.number, h.note || h.kind].filter(Boolean).join(", "), url: h.url }));
      const all = hits.concat(local(q));
      show(all, all.length ? "" : "Nothing that you may read has these words.");
    } catch {
      if (mine === asked) show(local(q), "The search does not answer just now.");
    }
  };
  const show = (all, text) => {
    choices = all;
    chosen = all.length ? 0 : -1;
    note.hidden = !text;
    note.textContent = text;
    list.replaceChildren(...all.map((c, i) => {
      const li = document.createElement("li"), title = document.createElement("span"), right = document.createElement("span");
      li.id = "hit-" + i;
      li.setAttribute("role", "option");
      title.textContent = c.title;
      right.textContent = c.note;
      right.className = "r";
      li.append(title, right);
      li.addEventListener("click", () => pick(i));
      return li;
    }));
    field.setAttribute("aria-expanded", String(all.length > 0));
    mark();
  };
  const mark = () => {
    [...list.children].forEach((li, i) => {
      if (i === chosen) { li.setAttribute("aria-selected", "true"); li.scrollIntoView({ block: "nearest" }); } else li.removeAttribute("aria-selected");
    });
    if (chosen >= 0) field.setAttribute("aria-activedescendant", "hit-" + chosen); else field.removeAttribute("aria-activedescendant");
  };
  const pick = (i) => {
    const c = choices[i];
    dialog.close();
    if (c.run) c.run(); else location.assign(c.url);
  };
  if (dialog) {
    field.addEventListener("input", () => { clearTimeout(delay); delay = setTimeout(ask, 120); });
    field.addEventListener("keydown", (e) => {
      if (e.key === "ArrowDown" || e.key === "ArrowUp") {
        e.preventDefault();
        if (choices.length) chosen = (chosen + (e.key === "ArrowDown" ? 1 : choices.length - 1)) % choices.length;
        mark();
      } else if (e.key === "Enter" && chosen >= 0) { e.preventDefault(); pick(chosen); }
    });
    dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); });
  }
})();
