// Drives a real Chromium with a virtual authenticator through all that is done with passkeys. Usage: passkey.js URL EMAIL PASSWORD
const { chromium } = require('playwright-core');
const [base, email, password, setup] = process.argv.slice(2);
const errors = [];
const want = (ok, what) => { if (!ok) throw new Error('wanted: ' + what); console.log('ok: ' + what); };

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.MAINSTAY_TEST_BROWSER, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'] });
  const context = await browser.newContext({ baseURL: base });
  context.setDefaultTimeout(15000);
  const page = await context.newPage();
  page.on('console', (m) => { if (m.type() === 'error' && !/status of 40[1-9]/.test(m.text())) errors.push(page.url() + ': ' + m.text()); });
  page.on('pageerror', (e) => errors.push(page.url() + ': ' + e));
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options: {
    protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
  } });
  // A virtual authenticator answers at once, also the question behind the address field: that is asked only where the test wants it.
  await page.addInitScript(() => { if (!localStorage.getItem('offer')) PublicKeyCredential.isConditionalMediationAvailable = async () => false; });
  const press = (name) => page.getByRole('button', { name, exact: true }).click();
  const says = async (text) => {
    try { await page.getByText(text).first().waitFor(); } catch { throw new Error('not said: ' + text + ' on ' + page.url() + '\n' + (await page.locator('body').innerText()).slice(0, 2000)); }
    console.log('ok: ' + text);
  };
  const signOut = async () => { await page.goto('/me'); await page.locator('main').getByRole('button', { name: 'Sign out' }).click(); await page.waitForURL('**/sign-in'); };
  const typed = async () => {
    await page.goto('/sign-in');
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  };

  await typed();
  await page.goto('/me/security');
  await page.getByLabel('Name').fill('Laptop');
  await press('Add a passkey');
  await says('They are shown only now');
  want((await page.locator('#codes').innerText()).trim().split('\n').length === 10, 'ten recovery codes come with the first second factor');
  await page.getByRole('link', { name: 'I have kept them' }).click();
  await says('Laptop');
  await press('Add a passkey');
  await says('This device has a passkey for this account already');

  await signOut();
  await press('Use a passkey');
  await page.waitForURL(base + '/');
  console.log('ok: a passkey signs in without a password');
  await page.goto('/me/security');
  want((await page.locator('#sessions').innerText()).includes('passkey'), 'the session says how it began');

  await signOut();
  await typed();
  await page.waitForURL('**/sign-in/second**');
  await press('Use a passkey');
  await page.waitForURL(base + '/');
  console.log('ok: a passkey is the second factor');

  await page.goto('/me/security');
  await page.getByRole('link', { name: 'Name or remove' }).click();
  await page.getByLabel('Name').fill('Laptop at work');
  await page.getByRole('button', { name: 'Rename' }).click();
  await says('is called Laptop at work now');

  // The browser offers a passkey where the address is typed.
  await page.goto('/me');
  await page.evaluate(() => localStorage.setItem('offer', '1'));
  await page.locator('main').getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(base + '/');
  await page.evaluate(() => localStorage.removeItem('offer'));
  console.log('ok: the address field offers the passkey');

  // A copy of the key, whose counter stands where it stood before.
  const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId });
  want(credentials.length === 1 && credentials[0].signCount > 1, 'one credential, used more than once');
  await signOut();
  await cdp.send('WebAuthn.removeCredential', { authenticatorId, credentialId: credentials[0].credentialId });
  await cdp.send('WebAuthn.addCredential', { authenticatorId, credential: { ...credentials[0], signCount: 0 } });
  await page.goto('/sign-in');
  await press('Use a passkey');
  await says('its counter went back');
  await page.goto('/sign-in');
  await press('Use a passkey');
  await says('its counter went back');

  // Somebody who was invited begins with a passkey and never has a password.
  await cdp.send('WebAuthn.clearCredentials', { authenticatorId });
  await page.goto(setup);
  await press('Use a passkey instead');
  await says('They are shown only now');
  await page.getByRole('link', { name: 'I have kept them' }).click();
  await page.waitForURL(base + '/');
  await signOut();
  await press('Use a passkey');
  await page.waitForURL(base + '/');
  await page.goto('/me/security');
  await says('You have none, and need none');

  // The last way in cannot be removed.
  await page.getByRole('link', { name: 'Name or remove' }).click();
  await page.getByRole('button', { name: 'Remove the passkey' }).click();
  await says('You could not sign in any more');
  await browser.close();
  if (errors.length) throw new Error('errors on the console:\n' + errors.join('\n'));
})().catch((e) => { console.error(e); process.exit(1); });
