// Passkeys. A form with data-passkey asks the server for a question, has the browser answer it with a passkey, and sends the
// answer as any form is sent. Without a browser that knows passkeys such forms stay hidden.
import { $, $$ } from "./dom.js";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const able = window.isSecureContext && "credentials" in navigator && "PublicKeyCredential" in window;

// question fetches what to ask the browser, with bytes where the browser wants them.
const question = async (url) => {
  const res = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store" });
  const body = await res.json().catch(() => ({}));
  if (!res.ok) throw new Error(body.detail || "The server did not answer. Try again.");
  const o = body.options.publicKey;
  o.challenge = bytes(o.challenge);
  if (o.user) o.user.id = bytes(o.user.id);
  for (const list of [o.excludeCredentials, o.allowCredentials]) for (const c of list || []) c.id = bytes(c.id);
  return { state: body.state, publicKey: o };
};

// plain is the browser's answer as the server reads it.
const plain = (c) => {
  const r = c.response;
  const out = { id: c.id, rawId: text(c.rawId), type: c.type, authenticatorAttachment: c.authenticatorAttachment || undefined, clientExtensionResults: c.getClientExtensionResults(), response: { clientDataJSON: text(r.clientDataJSON) } };
  if (r.attestationObject) {
    out.response.attestationObject = text(r.attestationObject);
    out.response.transports = r.getTransports ? r.getTransports() : [];
  } else {
    out.response.authenticatorData = text(r.authenticatorData);
    out.response.signature = text(r.signature);
    if (r.userHandle) out.response.userHandle = text(r.userHandle);
  }
  return JSON.stringify(out);
};

const says = {
  NotAllowedError: "Nothing was chosen, or it took too long. Try again.",
  InvalidStateError: "This device has a passkey for this account already.",
  NotSupportedError: "This device cannot make a passkey.",
  SecurityError: "The browser allows no passkeys at this address.",
};

const say = (form, line) => {
  const el = $("[data-says]", form);
  if (!el) return;
  el.textContent = line;
  el.hidden = line === "";
};

let waiting = null; // the question that stands behind the address field

const answer = (form, q, credential) => {
  form.elements.state.value = q.state;
  form.elements.response.value = plain(credential);
  delete form.dataset.sent;
  form.submit();
};

const wire = (form) => {
  form.hidden = false;
  const button = $("button", form);
  form.addEventListener("submit", async (e) => {
    if (form.elements.response.value) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    waiting?.abort();
    button.disabled = true;
    say(form, "");
    try {
      const q = await question(form.dataset.ask);
      const credential = form.dataset.passkey === "create" ? await navigator.credentials.create({ publicKey: q.publicKey }) : await navigator.credentials.get({ publicKey: q.publicKey });
      answer(form, q, credential);
    } catch (err) {
      say(form, says[err.name] || err.message);
      button.disabled = false;
      delete form.dataset.sent;
    }
  }, true);
};

// offer lets the browser offer passkeys where the address is typed. The question runs out, so a new one is asked from time to time.
const offer = async (form) => {
  if (!form || !PublicKeyCredential.isConditionalMediationAvailable || !await PublicKeyCredential.isConditionalMediationAvailable()) return;
  const ask = async () => {
    waiting?.abort();
    const mine = waiting = new AbortController();
    try {
      const q = await question(form.dataset.ask);
      const credential = await navigator.credentials.get({ publicKey: q.publicKey, mediation: "conditional", signal: mine.signal });
      if (credential) answer(form, q, credential);
    } catch { /* nobody chose one */ }
  };
  ask();
  const again = setInterval(() => (waiting?.signal.aborted ? clearInterval(again) : ask()), 4 * 60 * 1000);
};

if (able) {
  for (const form of $$("form[data-passkey]")) wire(form);
  offer($("form[data-passkey=get][data-offer]"));
} else {
  for (const el of $$("[data-no-passkey]")) el.hidden = false;
}
