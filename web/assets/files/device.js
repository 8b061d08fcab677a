// This device: the service worker that answers while there is no network and shows what is pushed, and the form that lets
// pages come here.
import { $, $$, signedIn } from "./dom.js";

const ready = "serviceWorker" in navigator && window.isSecureContext
  ? navigator.serviceWorker.register("/worker.js").then(() => navigator.serviceWorker.ready).catch(() => null) : Promise.resolve(null);

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const form = $("#push-device");
const say = (line, tone) => {
  const el = $("#push-say");
  el.textContent = line;
  el.className = "hint " + (tone || "");
};
const subscribe = async () => {
  const worker = await ready;
  if (!worker || !("PushManager" in window)) throw new Error(window.isSecureContext ? "This browser takes no push messages. On an iPhone or iPad, add Mainstay to the home screen first." : "Push needs https. Open Mainstay by its https address.");
  if (await Notification.requestPermission() !== "granted") throw new Error("The browser does not let Mainstay notify. Allow it in the browser's settings for this site, and try again.");
  const key = bytes(form.dataset.key);
  const old = await worker.pushManager.getSubscription();
  if (old && text(old.options.applicationServerKey) !== form.dataset.key) await old.unsubscribe();
  return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
};
const device = () => {
  const a = navigator.userAgent;
  const browser = /Edg\//.test(a) ? "Edge" : /Firefox\//.test(a) ? "Firefox" : /Chrome\//.test(a) ? "Chrome" : /Safari\//.test(a) ? "Safari" : "Browser";
  const system = /Android/.test(a) ? "Android" : /iPhone|iPad/.test(a) ? "iPhone" : /Mac/.test(a) ? "Mac" : /Windows/.test(a) ? "Windows" : /Linux/.test(a) ? "Linux" : "this device";
  return browser + " on " + system;
};
if (form && signedIn) {
  const button = $("button", form);
  form.elements.label.value ||= device();
  form.addEventListener("submit", async (e) => {
    if (form.elements.endpoint.value) return; // it has what it needs now
    e.preventDefault();
    button.disabled = true;
    say("Asking the browser …");
    try {
      const s = await subscribe();
      form.elements.endpoint.value = s.endpoint;
      form.elements.p256dh.value = text(s.getKey("p256dh"));
      form.elements.auth.value = text(s.getKey("auth"));
      delete form.dataset.sent;
      button.disabled = false;
      form.requestSubmit(button);
    } catch (err) {
      say(err.name === "AbortError" ? "The browser's push service does not answer. Is this device online?" : err.message, "crit");
      button.disabled = false;
    }
  });
}
// The message that proves the address carries a code; the worker hands it to an open page as well.
navigator.serviceWorker?.addEventListener("message", (e) => { if (e.data === "mainstay:refresh") document.dispatchEvent(new CustomEvent("mainstay:push")); });
for (const el of $$("[data-standalone]")) el.hidden = !window.matchMedia("(display-mode: standalone)").matches;
