// Every page of the demonstration, wide and narrow, light and dark: names of what can be operated, labels, one heading, landmarks,
// contrast, nothing to scroll sideways.
const { tab, signIn, run } = require('./lib.js');

// audit runs in the page and returns what is wrong with it.
function audit() {
  const faults = [];
  const seen = (el) => el.getClientRects().length > 0 && getComputedStyle(el).visibility !== 'hidden' && !el.closest('[aria-hidden=true], [inert], dialog:not([open]), details:not([open]) > :not(summary)');
  const where = (el) => el.tagName.toLowerCase() + (el.id ? '#' + el.id : '') + (el.className && el.className.baseVal === undefined ? '.' + String(el.className).split(' ').join('.') : '') + ' "' + (el.textContent || el.value || '').replace(/\s+/g, ' ').trim().slice(0, 40) + '"';
  const text = (ids) => ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent || '').join(' ');
  const name = (el) => (el.getAttribute('aria-label') || (el.getAttribute('aria-labelledby') && text(el.getAttribute('aria-labelledby'))) || [...(el.labels || [])].map((l) => l.textContent).join(' ') ||
    el.textContent || el.getAttribute('alt') || el.getAttribute('title') || (/^(submit|button|reset)$/.test(el.type) ? el.value : '') || '').trim();
  for (const el of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=option]')) if (seen(el) && !name(el)) faults.push('no name: ' + where(el));
  for (const el of document.querySelectorAll('img:not([alt])')) faults.push('no alt: ' + where(el));
  for (const el of document.querySelectorAll('svg[role=img]:not([aria-label]):not([aria-labelledby])')) faults.push('a picture without a name: ' + where(el));
  const ids = new Map();
  for (const el of document.querySelectorAll('[id]')) { if (ids.has(el.id)) faults.push('id twice: ' + el.id); ids.set(el.id, el); }
  for (const el of document.querySelectorAll('[aria-labelledby], [aria-describedby], [aria-controls]')) for (const a of ['aria-labelledby', 'aria-describedby', 'aria-controls']) for (const id of (el.getAttribute(a) || '').split(/\s+/)) if (id && !ids.has(id)) faults.push(a + ' names nothing: ' + id);
  const h1 = [...document.querySelectorAll('h1')].filter(seen);
  if (h1.length !== 1) faults.push(h1.length + ' headings of the first rank');
  if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
  let rank = 0;
  for (const h of [...document.querySelectorAll('main h1, main h2, main h3, main h4')].filter(seen)) { const r = Number(h.tagName[1]); if (rank && r > rank + 1 && !h.closest('.doc')) faults.push('heading skips a rank: ' + where(h)); rank = r; }
  for (const el of document.querySelectorAll('table')) if (seen(el) && !el.querySelector('th')) faults.push('a table without heads: ' + where(el));
  for (const el of document.querySelectorAll('[tabindex]')) if (Number(el.getAttribute('tabindex')) > 0) faults.push('tabindex above 0: ' + where(el));
  // Contrast of text against what lies behind it.
  const rgb = (c) => { const m = c.match(/[\d.]+/g)?.map(Number) || [0, 0, 0, 0]; return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
  const over = (f, b) => [0, 1, 2].map((i) => f[i] * f[3] + b[i] * (1 - f[3])).concat(1);
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (el) => { const layers = []; for (let e = el; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > 0) layers.push(c); if (c[3] === 1) break; } let b = matchMedia('(prefers-color-scheme: dark)').matches ? [15, 18, 20, 1] : [255, 255, 255, 1]; for (const l of layers.reverse()) b = over(l, b); return b; };
  const told = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const el = n.parentElement;
    if (!n.nodeValue.trim() || !seen(el) || el.closest('svg, .sr, [disabled], option')) continue;
    const s = getComputedStyle(el), b = behind(el), f = over(rgb(s.color), b), a = light(f), z = light(b);
    const ratio = (Math.max(a, z) + 0.05) / (Math.min(a, z) + 0.05);
    const big = parseFloat(s.fontSize) >= 24 || (parseFloat(s.fontSize) >= 18.66 && Number(s.fontWeight) >= 700);
    if (ratio < (big ? 3 : 4.5)) { const t = ratio.toFixed(2) + ':1 ' + where(el); if (!told.has(t)) { told.add(t); faults.push('contrast ' + t); } }
  }
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) faults.push(wide + ' px wider than the screen');
  // What a finger has to hit.
  if (innerWidth <= 720) for (const el of document.querySelectorAll('main .btn, .rail a, .actbar .btn')) { const r = el.getBoundingClientRect(); if (seen(el) && r.height < 32) faults.push('too small for a finger: ' + where(el) + ' ' + Math.round(r.height) + ' px'); }
  return faults;
}

run(async (browser, args) => {
  let n = 0;
  const faults = [];
  for (const options of [{ colorScheme: 'light' }, { colorScheme: 'dark', viewport: { width: 360, height: 740 } }]) {
    const page = await tab(browser, args.url, options);
    await signIn(page, args.ana);
    for (const path of args.pages) {
      const res = await page.goto(path);
      if (res.status() !== (args.status?.[path] || 200)) faults.push(`${path}: ${res.status()}`);
      for (const f of await page.evaluate(audit)) faults.push(`${path} ${options.colorScheme}: ${f}`);
      n++;
    }
    await page.keyboard.press('Control+k');
    await page.keyboard.type('pay');
    await page.waitForTimeout(500);
    for (const f of await page.evaluate(audit)) faults.push(`palette ${options.colorScheme}: ${f}`);
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    for (const f of await page.evaluate(audit)) faults.push(`keys ${options.colorScheme}: ${f}`);
    await page.context().close();
  }
  if (faults.length) throw new Error(faults.length + ' faults on ' + n + ' pages:\n' + faults.join('\n'));
  console.log(n + ' pages without a fault');
});
