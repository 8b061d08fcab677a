// Times tick by the server's clock, not this machine's: skew is the difference when the page was made.
import { $$ } from "./dom.js";

let skew = Date.parse(document.documentElement.dataset.now) - Date.now() || 0;
export const now = () => Date.now() + skew;
export const adjust = (text) => { skew = Date.parse(text) - Date.now() || skew; };

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
export const tick = () => {
  for (const t of $$("time[data-ago], time[data-since], time[data-due]")) {
    const past = now() - Date.parse(t.dateTime);
    if (Number.isNaN(past)) continue;
    const text = "ago" in t.dataset ? ago(past) : "since" in t.dataset ? long(past) : count(-past);
    if (t.textContent !== text) t.textContent = text;
    if ("due" in t.dataset) t.classList.toggle("crit", past > 0);
  }
};
setInterval(tick, 1000);
