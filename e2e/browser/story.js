// The story as people click through it: once on a desk, once acknowledged on a phone, once without script.
const { tab, signIn, see, fits, run } = require('./lib.js');

// fire posts an alert as Prometheus does, or its end.
async function fire(args, name, summary, over) {
  const alert = {
    labels: { alertname: name, service: 'checkout', severity: 'critical', job: 'checkout' },
    annotations: { summary, description: 'The checkout answers no request.' },
  };
  if (over) alert.endsAt = new Date().toISOString();
  const res = await fetch(`${args.url}/in/${args.key}/alertmanager/api/v2/alerts`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify([alert]),
  });
  if (res.status !== 200) throw new Error('the intake answers ' + res.status);
}

async function desk(browser, args) {
  const page = await tab(browser, args.url);
  await signIn(page, args.ben);
  await see(page.getByRole('main'), 'Now');
  if (await page.getByRole('link', { name: 'Checkout does not answer' }).count() > 0) throw new Error('it burns already');
  await fire(args, 'CheckoutDown', 'Checkout does not answer');
  await see(page.getByRole('link', { name: 'Checkout does not answer' }), 'the alert on Now, without loading it again');
  await page.getByRole('link', { name: 'Checkout does not answer' }).first().click();
  await page.waitForURL(/\/alerts\/ALR-/);
  const alert = page.url();
  await see(page.getByRole('heading', { name: 'Checkout does not answer' }), 'the alert');
  await see(page.getByText('Nobody has it yet'), 'that nobody has it');
  await fits(page);

  await page.goto('/pages');
  await page.getByRole('main').getByRole('link', { name: 'Checkout does not answer' }).first().click();
  await see(page.getByText('Ana Ruiz').first(), 'who was paged');
  await page.getByRole('main').getByRole('button', { name: 'Acknowledge' }).first().click();
  await see(page.getByText('Ben Okafor has it'), 'who has the page');
  await fits(page);

  await page.goto(alert);
  await page.getByRole('link', { name: 'Declare an incident' }).first().click();
  if ((await page.getByLabel('What is wrong').inputValue()) !== 'Checkout does not answer') throw new Error('the form does not begin with the alert');
  await page.getByLabel('sev-1', { exact: false }).check();
  await page.getByRole('button', { name: 'Declare it' }).click();
  await page.waitForURL(/\/incidents\/INC-1/);
  await see(page.getByText('Checkout down, version 1'), 'the plan and its version');

  await page.locator('#step-1').getByRole('button', { name: 'Done' }).click();
  await see(page.locator('#step-1').getByText('done:', { exact: false }).or(page.locator('#step-1 use[href$="#s-good"]')), 'the step is done');
  await page.getByText('Add what happened').click();
  await page.getByLabel('What happened').fill('The **database** of orders ran out of connections.');
  await page.getByRole('button', { name: 'Add to the timeline' }).click();
  await see(page.locator('#timeline strong', { hasText: 'database' }), 'the note on the timeline');
  await fits(page);

  await page.getByRole('link', { name: 'Post update' }).first().click();
  await page.getByLabel('Title').fill('Orders cannot be placed');
  await page.getByRole('button', { name: 'Tell users now' }).click();
  await see(page.getByText('Users have been told.'), 'that users are told');
  await page.goto('/incidents/INC-1');
  await see(page.getByText('we see problems with Placing orders', { exact: false }), 'the update on the incident');

  const users = await tab(browser, args.status);
  await users.goto('/');
  await see(users.getByText('Orders cannot be placed'), 'the update on the status page');
  await fits(users);

  await fire(args, 'CheckoutDown', 'Checkout does not answer', true);
  await page.getByRole('link', { name: 'Resolve' }).first().click();
  await see(page.getByText('Something is left.'), 'what is left');
  await page.getByRole('button', { name: 'Resolve INC-1' }).click();
  await see(page.getByText('It lasted', { exact: false }), 'that it is over');
  await why(browser, page, args);
  await learn(page, args);
}

// why: the analysis is found, gets a cause, an action and a summary, and is reviewed by a colleague.
async function why(browser, page, args) {
  await see(page.getByRole('link', { name: 'RCA-1' }), 'the analysis, opened by itself');
  await page.getByRole('link', { name: 'RCA-1' }).first().click();
  await page.getByText('Add a cause: ask why once more').click();
  await page.getByLabel('Because').fill('Nothing limits how long a report may hold a connection');
  await page.locator('form[action$="/causes"]').getByLabel('Where it lies').selectOption('process');
  await page.locator('form[action$="/causes"]').getByRole('button', { name: 'Add', exact: true }).click();
  await see(page.locator('.path').getByText('Nothing limits how long'), 'the cause on the path');
  await page.getByText('Ask for a corrective action').click();
  await page.getByLabel('What will be different').fill('Give reports a pool of their own');
  await page.getByRole('button', { name: 'Ask for it' }).click();
  await see(page.getByRole('link', { name: 'Give reports a pool of their own' }), 'the action');
  await page.locator('#summary').getByText('Write it').click();
  await page.locator('#summary').getByRole('textbox').fill('Reports held every connection. They get a pool of their own.');
  await page.locator('#summary').getByRole('button', { name: 'Save' }).click();
  await see(page.locator('#timeline').getByText('acknowledged', { exact: false }), 'the timeline from the journal');
  await fits(page);
  await page.getByRole('button', { name: 'Send for review' }).first().click();
  const colleague = await tab(browser, args.url);
  await signIn(colleague, args.cleo);
  await colleague.goto('/rootcauses/RCA-1');
  await colleague.getByRole('button', { name: 'Agree' }).first().click();
  await page.goto('/rootcauses/RCA-1');
  await page.getByRole('button', { name: 'Publish', exact: true }).first().click();
  await see(page.getByRole('button', { name: 'Reopen' }), 'the analysis is published');
}

// learn: an article is drafted and published, and comes back with the next alert of the rule.
async function learn(page, args) {
  await page.getByRole('button', { name: 'Draft article' }).first().click();
  await page.waitForURL(/\/articles\/KB-1/);
  await see(page.getByRole('heading', { name: 'Change KB-1' }), 'the draft of an article, to be changed');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Publish revision' }).first().click();
  await see(page.getByRole('button', { name: 'Retire' }), 'the article is published');
  await fits(page);
  const title = await page.getByRole('heading', { level: 1 }).innerText();
  await fire(args, 'CheckoutDown', 'Checkout does not answer');
  await page.goto('/');
  await page.getByRole('link', { name: 'Checkout does not answer' }).first().click();
  await see(page.locator('#articles').getByRole('link', { name: title }), 'the article on the next alert of the rule');
  await fire(args, 'CheckoutDown', 'Checkout does not answer', true);
}

async function phone(browser, args) {
  const page = await tab(browser, args.url, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await signIn(page, args.ben);
  await fire(args, 'SearchDown', 'Search does not answer');
  await see(page.getByRole('link', { name: 'Search does not answer' }), 'the alert on a phone');
  await fits(page);
  await page.getByRole('link', { name: 'Search does not answer' }).first().tap();
  await page.waitForURL(/\/alerts\/ALR-/);
  await fits(page);
  await page.getByRole('button', { name: 'Acknowledge' }).locator('visible=true').first().tap();
  await see(page.getByText('Ben Okafor has it'), 'acknowledged with a thumb');
}

async function withoutScript(browser, args) {
  const page = await tab(browser, args.url, { javaScriptEnabled: false });
  await fire(args, 'MailDown', 'Mail does not answer');
  await signIn(page, args.ben);
  await page.getByRole('link', { name: 'Mail does not answer' }).first().click();
  await see(page.getByText('Nobody has it yet'), 'the alert, without script');
  await page.getByRole('button', { name: 'Acknowledge' }).locator('visible=true').first().click();
  await see(page.getByText('Ben Okafor has it'), 'acknowledged without script');
  await page.goto('/alerts');
  await page.getByRole('link', { name: 'Mail does not answer' }).first().click();
  await page.getByRole('link', { name: 'Declare an incident' }).first().click();
  await page.getByRole('button', { name: 'Declare it' }).click();
  await page.waitForURL(/\/incidents\/INC-2/);
  await see(page.getByRole('heading', { name: 'Mail does not answer' }), 'declared without script');
}

run(async (browser, args) => {
  await desk(browser, args);
  await phone(browser, args);
  await withoutScript(browser, args);
});
