// The main job by keyboard alone: no pointer is ever moved, and a test fails when one is. Then the same browser is connected as a
// device, gets a real encrypted message, and acknowledges from it.
const http = require('http');
const crypto = require('crypto');
const path = require('path');
const { tab, see, fits, run } = require('./lib.js');

// fire posts an alert as Prometheus does.
async function fire(args, name, summary) {
  const alert = { labels: { alertname: name, service: 'checkout', severity: 'critical', job: 'checkout' }, annotations: { summary } };
  const res = await fetch(`${args.url}/in/${args.key}/alertmanager/api/v2/alerts`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify([alert]),
  });
  if (res.status !== 200) throw new Error('the intake answers ' + res.status);
}

const focused = (page) => page.evaluate(() => {
  const el = document.activeElement;
  const label = el.labels?.[0]?.textContent || el.getAttribute('aria-label') || el.textContent || el.value || '';
  const style = getComputedStyle(el), box = el.getBoundingClientRect();
  return {
    name: label.replace(/\s+/g, ' ').trim(), tag: el.tagName, id: el.id,
    visible: el === document.body || el.id === 'main' || el.matches('.pal input') || style.outlineStyle !== 'none' || style.boxShadow !== 'none',
    on: el === document.body || (box.width > 0 && box.height > 0),
  };
});

// reach presses Tab until something of that name has the focus. Every stop on the way must be to be seen.
async function reach(page, name, most = 80) {
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab');
    const at = await focused(page);
    if (!at.visible || !at.on) throw new Error(`the focus on ${at.tag} "${at.name}" is not to be seen on ${page.url()}`);
    if (typeof name === 'string' ? at.name.startsWith(name) : name.test(at.name)) return at;
  }
  throw new Error(`Tab does not reach ${name} on ${page.url()}`);
}

// settled waits for the page that a key led to.
async function leads(page, key, url) {
  await Promise.all([page.waitForURL(url), page.keyboard.press(key)]);
  await page.waitForLoadState();
}

async function palette(page, text, option) {
  await page.keyboard.press('Control+k');
  await see(page.getByRole('combobox', { name: 'Find or do anything' }), 'the palette');
  await page.keyboard.type(text);
  await see(page.getByRole('option', { name: option, selected: true }), `"${text}" finds ${option}`);
}

async function keyboard(browser, args) {
  const page = await tab(browser, args.url);
  const shot = async (name) => { if (args.dir) await page.screenshot({ path: path.join(args.dir, 'keyboard-' + name + '.png') }); };
  await page.addInitScript(() => addEventListener('pointerdown', () => { throw new Error('a pointer was used'); }, true));
  await page.goto('/sign-in');
  await reach(page, 'E-mail').catch(async (e) => { if ((await focused(page)).name.startsWith('E-mail')) return; throw e; });
  await page.keyboard.type(args.ben.email);
  await reach(page, 'Password');
  await page.keyboard.type(args.ben.password);
  await leads(page, 'Enter', (u) => u.pathname === '/');

  await page.keyboard.press('Tab');
  if ((await focused(page)).name !== 'Skip to the page') throw new Error('the first stop does not skip to the page');
  await page.keyboard.press('Enter');
  if ((await focused(page)).id !== 'main') throw new Error('skipping does not lead to the page');

  await page.keyboard.press('?');
  await see(page.getByRole('dialog', { name: 'Keys' }), 'the keys');
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press('Tab');
    const out = await page.evaluate(() => document.activeElement !== document.body && !document.activeElement.closest('dialog'));
    if (out) throw new Error('the focus leaves the dialog');
  }
  await shot('keys');
  await page.keyboard.press('Escape');
  if ((await focused(page)).id !== 'main') throw new Error('the focus does not come back from the dialog');

  await fire(args, 'CheckoutDown', 'Checkout does not answer');
  await see(page.getByRole('main').getByRole('link', { name: 'Checkout does not answer' }), 'the alert on Now');
  await page.keyboard.press('j');
  if (!/Checkout does not answer/.test((await focused(page)).name)) throw new Error('j does not lead to the alert, but to ' + (await focused(page)).name);
  await leads(page, 'Enter', /\/alerts\/ALR-/);
  await page.keyboard.press('g');
  await leads(page, 'o', /\/schedules/);
  await page.keyboard.press('[');
  await page.waitForURL(/\/alerts\/ALR-/);

  await palette(page, 'pag-1', /Checkout does not answer/);
  await shot('palette');
  await leads(page, 'Enter', /\/pages\/PAG-1/);
  await leads(page, 'e', /\/pages\/PAG-1/);
  await see(page.getByText('Ben Okafor has it'), 'that Ben has the page');
  await see(page.locator('#toasts').getByRole('button', { name: 'Undo' }), 'that it can be undone');
  await reach(page, 'Undo', 120);
  await leads(page, 'Enter', /\/pages\/PAG-1/);
  await see(page.getByText('PAG-1 asks again, as before.'), 'that it asks again');
  await leads(page, 'e', /\/pages\/PAG-1/);
  await see(page.getByText('Ben Okafor has it'), 'that Ben has it after all');
  await shot('page');

  // Many at once.
  await fire(args, 'CheckoutSlow', 'Checkout is slow');
  await page.goto('/pages?show=underway');
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await see(page.locator('#bulkbar [data-picked]', { hasText: '1 chosen' }), 'that a row is chosen');
  await shot('chosen');
  await page.keyboard.press('Escape');
  if (await page.locator('#bulkbar').isVisible()) throw new Error('Escape does not choose none');

  await palette(page, '>declare', 'Declare an incident');
  await leads(page, 'Enter', /\/incidents\/new/);
  await reach(page, 'What is wrong').catch(async (e) => { if (!/What is wrong/.test((await focused(page)).name)) throw e; });
  await page.keyboard.type('Orders cannot be placed');
  await reach(page, /^sev-/);
  await page.keyboard.press('Space');
  await reach(page, 'Declare it');
  await leads(page, 'Enter', /\/incidents\/INC-1/);
  await see(page.getByRole('heading', { name: 'Orders cannot be placed' }), 'the incident');
  await shot('incident');

  await palette(page, '>post update', /Post update to INC-1/);
  await leads(page, 'Enter', /\/posts\/new/);
  await reach(page, /^(Tell users now|Send for approval|Keep as)/);
  await leads(page, 'Enter', (u) => !u.pathname.endsWith('/posts/new'));
  await see(page.getByText(/Users have been told|waits for approval/), 'that the update went its way');

  await palette(page, '>resolve', /Resolve INC-1/);
  await leads(page, 'Enter', /\/incidents\/INC-1\/resolve/);
  await reach(page, 'Resolve INC-1');
  await leads(page, 'Enter', /\/incidents\/INC-1$/);
  await see(page.getByRole('main').getByText('resolved').first(), 'that it is resolved');
  await shot('resolved');
  await fits(page);
  return page;
}

// decrypt reads a message as the browser would (RFC 8291, one record).
function decrypt(body, keys) {
  const salt = body.subarray(0, 16), n = body[20], sender = body.subarray(21, 21 + n), record = body.subarray(21 + n);
  const shared = keys.ecdh.computeSecret(sender);
  const hkdf = (ikm, s, info, size) => Buffer.from(crypto.hkdfSync('sha256', ikm, s, info, size));
  const ikm = hkdf(shared, keys.auth, Buffer.concat([Buffer.from('WebPush: info\0'), keys.ecdh.getPublicKey(), sender]), 32);
  const cek = hkdf(ikm, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16), nonce = hkdf(ikm, salt, Buffer.from('Content-Encoding: nonce\0'), 12);
  const gcm = crypto.createDecipheriv('aes-128-gcm', cek, nonce);
  gcm.setAuthTag(record.subarray(-16));
  const plain = Buffer.concat([gcm.update(record.subarray(0, -16)), gcm.final()]);
  return plain.subarray(0, plain.lastIndexOf(2)).toString();
}

// device connects this browser. The push service is ours, because no browser without a screen and a network reaches its maker's:
// the subscription names it, what comes there is decrypted and handed to the browser's real service worker.
async function device(browser, args, page) {
  const keys = { ecdh: crypto.createECDH('prime256v1'), auth: crypto.randomBytes(16) };
  keys.ecdh.generateKeys();
  const came = [];
  const service = http.createServer((req, res) => {
    const parts = [];
    req.on('data', (d) => parts.push(d)).on('end', () => { came.push({ headers: req.headers, text: decrypt(Buffer.concat(parts), keys) }); res.writeHead(201).end(); });
  });
  await new Promise((done) => service.listen(0, '127.0.0.1', done));
  const wait = async (n, what) => {
    for (let i = 0; i < 100 && came.length < n; i++) await new Promise((done) => setTimeout(done, 100));
    if (came.length < n) throw new Error('no message came: ' + what);
    return came[n - 1];
  };
  const context = page.context();
  await context.grantPermissions(['notifications'], { origin: args.url });
  await page.addInitScript(([endpoint, p256dh, auth]) => {
    const bytes = (s) => Uint8Array.from(atob(s), (c) => c.charCodeAt(0)).buffer;
    PushManager.prototype.subscribe = async () => ({ endpoint, getKey: (name) => bytes(name === 'auth' ? auth : p256dh) });
    PushManager.prototype.getSubscription = async () => null;
  }, [`http://127.0.0.1:${service.address().port}/send/1`, keys.ecdh.getPublicKey('base64'), keys.auth.toString('base64')]);
  await page.goto('/me/devices');
  const cdp = await context.newCDPSession(page);
  let registration = '';
  cdp.on('ServiceWorker.workerRegistrationUpdated', (e) => { for (const r of e.registrations) if (!r.isDeleted) registration = r.registrationId; });
  await cdp.send('ServiceWorker.enable');
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  const deliver = (text) => cdp.send('ServiceWorker.deliverPushMessage', { origin: args.url, registrationId: registration, data: text });
  const shown = () => page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map((n) => ({ title: n.title, tag: n.tag, actions: n.actions.map((a) => a.action), data: n.data })));

  await reach(page, 'Connect this device', 120);
  await page.keyboard.press('Enter');
  await see(page.getByText('waits for its first message'), 'the device that waits for its proof');
  const proof = await wait(1, 'the proof');
  if (!/^vapid /.test(proof.headers.authorization) || proof.headers.urgency !== 'high') throw new Error('headers ' + JSON.stringify(proof.headers));
  await deliver(proof.text);
  await see(page.getByText('connected', { exact: true }), 'that the device has proven itself, without loading the page again');
  if (args.dir) await page.screenshot({ path: path.join(args.dir, 'keyboard-device.png') });

  await fire(args, 'CheckoutGone', 'Checkout is gone');
  await page.waitForTimeout(500);
  await palette(page, 'pag-3', /Checkout is gone/);
  await leads(page, 'Enter', /\/pages\/PAG-/);
  await palette(page, 'escalate', /^Escalate to Ben Okafor now/);
  await leads(page, 'Enter', /\/pages\/PAG-/);
  let message = null;
  for (let n = 2; !message; n++) { const m = JSON.parse((await wait(n, 'the page')).text); if (/Checkout is gone/.test(m.title)) message = m; }
  if (!message.ack || !message.urgent || !/^\/pages\//.test(message.url)) throw new Error('the message is ' + JSON.stringify(message));
  await deliver(JSON.stringify(message));
  await page.waitForTimeout(300);
  const notes = await shown();
  const note = notes.find((n) => n.title === message.title);
  if (!note || note.actions.join() !== 'ack,open' || note.data.ack !== message.ack) throw new Error('shown is ' + JSON.stringify(notes));
  console.log('seen: the page as a notification with its buttons');
  // What the button does is what the worker's code posts: the link's own form, signed out too.
  const answer = await fetch(args.url + new URL(message.ack, args.url).pathname, {
    method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ token: new URL(message.ack, args.url).searchParams.get('token') }),
  });
  if (!answer.ok) throw new Error('acknowledging from the message answers ' + answer.status);
  await page.goto(message.url);
  await see(page.getByText('Ben Okafor has it'), 'that the button acknowledged');

  await context.setOffline(true);
  await page.goto('/incidents');
  await see(page.getByRole('heading', { name: 'No connection to Mainstay' }), 'the page for the time without a network');
  await context.setOffline(false);
  service.close();
}

run(async (browser, args) => {
  const page = await keyboard(browser, args);
  await device(browser, args, page);
});
