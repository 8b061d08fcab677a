// The service worker: it keeps one page for the time without a network, shows what is pushed, and acknowledges from the
// message itself. It keeps nothing that anybody wrote: what is true changes too fast here to be read from a cache.
const CACHE = "mainstay:" + STYLE;

self.addEventListener("install", (e) => {
  e.waitUntil(caches.open(CACHE).then((c) => c.addAll(["/offline", STYLE, FONT, ICON])).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (e) => {
  e.waitUntil(caches.keys().then((all) => Promise.all(all.filter((k) => k !== CACHE).map((k) => caches.delete(k)))).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (e.request.mode === "navigate") e.respondWith(fetch(e.request).catch(async () => (await caches.match("/offline")) || Response.error()));
  else if (url.pathname === STYLE || url.pathname === FONT || url.pathname === ICON) e.respondWith(caches.match(e.request).then((kept) => kept || fetch(e.request)));
});

// ---------- Push ----------
self.addEventListener("push", (e) => {
  let m = {};
  try { m = e.data.json(); } catch { /* a message that is not ours still has to be shown */ }
  e.waitUntil(receive(m));
});
const receive = async (m) => {
  if (m.verify) { // the message that proves the way works: its code goes back
    try {
      await fetch("/me/devices/confirm", { method: "POST", headers: { "Content-Type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ code: m.verify }), credentials: "same-origin" });
    } catch { /* the page offers to send it again */ }
  }
  const options = {
    body: m.body || "", tag: m.tag || undefined, renotify: Boolean(m.tag && m.urgent), requireInteraction: Boolean(m.urgent), icon: ICON, badge: BADGE,
    timestamp: m.at || Date.now(), data: { url: m.url || "/", ack: m.ack || "" }, actions: m.ack ? [{ action: "ack", title: "Acknowledge" }, { action: "open", title: "Open" }] : [],
  };
  if (m.over && m.tag) for (const n of await self.registration.getNotifications({ tag: m.tag })) n.close();
  await self.registration.showNotification(m.title || "Mainstay", options);
  for (const c of await self.clients.matchAll({ type: "window" })) c.postMessage("mainstay:refresh");
};

self.addEventListener("notificationclick", (e) => {
  e.notification.close();
  const { url, ack } = e.notification.data || {};
  e.waitUntil(e.action === "ack" && ack ? acknowledge(ack, url, e.notification) : show(url || "/"));
});
// acknowledge posts what the link in a mail leads to; the token in it is the proof, so it works signed out too.
const acknowledge = async (ack, url, n) => {
  const to = new URL(ack, self.location.origin);
  try {
    const answer = await fetch(to.pathname, { method: "POST", headers: { "Content-Type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ token: to.searchParams.get("token") || "" }) });
    if (!answer.ok) throw new Error(String(answer.status));
    await self.registration.showNotification("You have it", { body: n.title, tag: n.tag || undefined, icon: ICON, badge: BADGE, silent: true, data: { url } });
  } catch {
    await self.registration.showNotification("Not acknowledged", { body: "Open the page and try there. " + n.title, tag: n.tag || undefined, icon: ICON, badge: BADGE, requireInteraction: true, data: { url: to.pathname + to.search } });
  }
};
const show = async (to) => {
  const url = new URL(to, self.location.origin);
  for (const c of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    if (new URL(c.url).pathname === url.pathname) return c.focus();
  }
  return self.clients.openWindow(url.href);
};

// A push service may give a device another address; the page that is opened next asks for pages to come there.
self.addEventListener("pushsubscriptionchange", (e) => {
  e.waitUntil(self.registration.showNotification("This device needs to be connected again", { body: "Its address for messages has changed. Open your notifications and turn it on again.", icon: ICON, badge: BADGE, data: { url: "/me/devices" } }));
});
