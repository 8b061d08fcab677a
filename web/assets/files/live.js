// Live: one stream says what changed; the page fetches itself anew and morphs those regions.
import { $, $$, signedIn } from "./dom.js";
import { adjust, tick } from "./clock.js";
import { morph } from "./morph.js";

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
    adjust(fresh.documentElement.dataset.now);
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
    lost: [navigator.onLine === false ? "This device is offline." : "Connection lost.", " What you see is from " + new Date(heard).toLocaleTimeString() + ". Trying again."],
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
window.addEventListener("pageshow", (e) => { if (e.persisted) { pending.add("*"); join(); schedule(); } }); // back from the browser's own cache
window.addEventListener("online", () => { waits = 1000; join(); });
setInterval(() => {
  if (source && Date.now() - heard > 50000) { leave(); say("lost"); join(); }
}, 5000);
if (signedIn) { say("joining"); join(); }
