// Mainstay in the browser. Every page works without this script; with it, times tick, what changed refreshes by itself,
// Ctrl-K finds anything, and keys do what buttons do. It never evaluates text as code and never writes markup from text.
// One file per feature; each may be left out without harm to the others.
import "./clock.js";
import "./live.js";
import "./form.js";
import "./keys.js";
import "./palette.js";
import "./list.js";
import "./device.js";
import "./passkey.js";
