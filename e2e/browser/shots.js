// The pictures of the guide, from the demonstration: it is ready, signed in, and something burns.
const path = require('path');
const { tab, signIn, see, fits, run } = require('./lib.js');

run(async (browser, args) => {
  const ana = { email: 'ana@harbour.example', password: 'harbour-demo' };
  const shot = async (page, name, url) => {
    if (url) await page.goto(url);
    await page.evaluate(() => document.fonts.ready);
    await fits(page);
    await page.screenshot({ path: path.join(args.dir, name + '.png') });
    console.log('kept ' + name);
  };
  const desk = await tab(browser, args.url, { viewport: { width: 1440, height: 900 } });
  await signIn(desk, ana);
  await see(desk.getByRole('link', { name: 'Search p95 above 800 ms' }), 'the live fault on Now');
  await shot(desk, 'now');
  await desk.getByRole('link', { name: 'Search p95 above 800 ms' }).first().click();
  await see(desk.getByRole('heading', { name: 'Search p95 above 800 ms' }), 'the alert');
  await shot(desk, 'alert');
  await desk.goto('/incidents');
  await desk.getByRole('link', { name: 'Card payments fail at checkout' }).first().click();
  await see(desk.getByRole('heading', { name: 'Card payments fail at checkout' }), 'the bad night');
  const incident = new URL(desk.url()).pathname;
  await shot(desk, 'incident');
  for (const [name, kind] of [['page', 'pages'], ['rootcause', 'rootcauses'], ['article', 'articles']]) {
    await shot(desk, name, await desk.locator(`main a[href^="/${kind}/"]`).first().getAttribute('href'));
    await desk.goto(incident);
  }
  const users = await tab(browser, args.status);
  await shot(users, 'status', '/');
  const dark = await tab(browser, args.url, { colorScheme: 'dark', viewport: { width: 1440, height: 900 } });
  await signIn(dark, ana);
  await see(dark.getByRole('link', { name: 'Search p95 above 800 ms' }), 'the live fault on Now');
  await shot(dark, 'now-dark');
  const phone = await tab(browser, args.url, { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
  await signIn(phone, ana);
  await shot(phone, 'incident-phone', incident);
});
