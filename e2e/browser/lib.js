// What the browser scripts share: a Chromium, pages whose every error counts, and checks that say what they wanted.
const { chromium } = require('playwright-core');

const errors = [];

async function open() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
}

// tab opens a page of its own cookies. Errors on the console, also those of the content security policy, are kept for finish.
async function tab(browser, base, options) {
  const context = await browser.newContext({ baseURL: base, viewport: { width: 1440, height: 1000 }, colorScheme: 'light', ...options });
  context.setDefaultTimeout(15000);
  const page = await context.newPage();
  page.on('console', (m) => { if (m.type() === 'error') errors.push(page.url() + ': ' + m.text()); });
  page.on('pageerror', (e) => errors.push(page.url() + ': ' + e));
  page.on('response', (r) => { if (r.status() >= 500) errors.push(r.url() + ': ' + r.status()); });
  return page;
}

async function signIn(page, who) {
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password', { exact: true }).fill(who.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((u) => u.pathname !== '/sign-in');
}

// see waits until something is to be seen.
async function see(locator, what) {
  try {
    await locator.first().waitFor({ state: 'visible' });
  } catch (e) {
    const page = locator.page();
    throw new Error('not to be seen: ' + what + ' on ' + page.url() + '\n' + (await page.locator('body').innerText()).slice(0, 3000));
  }
  console.log('seen: ' + what);
}

// fits checks that a page needs no scrolling to the side.
async function fits(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) errors.push(page.url() + ': ' + over + ' px wider than the screen');
}

// run runs a script and ends with 1 when anything went wrong.
function run(script) {
  const args = JSON.parse(process.env.ARGS);
  const began = Date.now();
  (async () => {
    const browser = await open();
    try {
      await script(browser, args);
    } finally {
      await browser.close();
    }
    if (errors.length > 0) throw new Error('the browser complained:\n' + errors.join('\n'));
    console.log('done in ' + ((Date.now() - began) / 1000).toFixed(1) + ' s');
  })().catch((e) => {
    console.error(e.stack || e);
    if (errors.length > 0) console.error('errors of the browser:\n' + errors.join('\n'));
    process.exit(1);
  });
}

module.exports = { tab, signIn, see, fits, run };
