// Writes a specification step by step as a doctor would, in both languages, wide and at the width
// of a phone, with keys and without a script, trains from it, and looks at what they would see.
//
//   node wizard.mjs http://127.0.0.1:8080 screenshots/
//
// The bank has one data set with oxygen saturations (LOINC 2708-6). Ends with a version that is
// registered, whose name it prints. Exit code 1 if anything is not as it should be; the reasons
// are on standard error.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [base, out = 'screenshots'] = process.argv.slice(2);
if (!base) {
  console.error('usage: node wizard.mjs BASE_URL [OUTPUT_FOLDER]');
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const host = new URL(base).host;
const failures = [];
const check = (right, what) => {
  if (!right) {
    failures.push(what);
    console.error(`FAIL ${what}`);
  }
};
const WIDTHS = [['wide', 1280, 900], ['phone', 390, 844]];
const addresses = new Set();
const TITLE = '低酸素の題';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

async function open(lang, [size, width, height], more = {}) {
  const context = await browser.newContext({
    viewport: { width, height }, locale: lang === 'ja' ? 'ja-JP' : 'en-US', ...more,
  });
  const page = await context.newPage();
  const view = { context, page, lang, size, where: `${lang} ${size}` };
  page.on('console', (message) => {
    if (message.type() !== 'error' || /status of 4\d\d/.test(message.text())) return;
    check(false, `${view.where}: console: ${message.text()} on ${page.url()}`);
  });
  page.on('pageerror', (error) => check(false, `${view.where}: script: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (['data:', 'blob:'].includes(url.protocol)) return;
    addresses.add(decodeURIComponent(url.pathname + url.search));
    check(url.host === host, `${view.where}: a request to another host: ${url.host}`);
  });
  return view;
}

async function look(view, name) {
  const { page, where, lang, size } = view;
  const seen = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    heading: document.querySelectorAll('h1').length,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    styles: document.querySelectorAll('[style]:not([style=""])').length,
    twice: [...document.querySelectorAll('[id]')].map((one) => one.id)
      .filter((id, at, all) => all.indexOf(id) !== at),
    unnamed: [...document.querySelectorAll('input:not([type=hidden]),select,button,a')]
      .filter((one) => !(one.textContent.trim() || one.getAttribute('aria-label')
        || one.labels?.[0]?.textContent.trim())).map((one) => one.outerHTML.slice(0, 80)),
  }));
  check(seen.lang === lang, `${where}: ${name} is in ${seen.lang}`);
  check(seen.heading === 1, `${where}: ${name} has ${seen.heading} headings of the first level`);
  check(seen.overflow <= 0, `${where}: ${name} is ${seen.overflow} px too wide`);
  check(seen.styles === 0, `${where}: ${name} has style attributes`);
  check(seen.twice.length === 0, `${where}: ${name} has the id ${seen.twice[0]} twice`);
  check(seen.unnamed.length === 0, `${where}: ${name}: without a name: ${seen.unnamed[0]}`);
  await page.screenshot({ path: join(out, `wizard-${name}-${lang}-${size}.png`), fullPage: true });
}

const go = (view, path) => view.page.goto(new URL(path, base).href, { waitUntil: 'networkidle' });
const step = async (view) => Number(await view.page.inputValue('input[name=step]'));
const press = async (view, value) => Promise.all([
  view.page.waitForNavigation({ waitUntil: 'networkidle' }),
  view.page.click(`button[name=go][value="${value}"]:not([tabindex])`),
]);

async function reached(view, wanted) {
  const at = await step(view);
  const told = await view.page.locator('[role=alert]').allInnerTexts();
  check(at === wanted, `${view.where}: on step ${at}, not ${wanted}: ${told.join(' ')}`);
}

async function choose(view, select, words) {
  const values = await view.page.locator(`${select} option`).evaluateAll((all) => all.map((one) => one.value));
  const value = values.find((one) => one.includes(words));
  check(value !== undefined, `${view.where}: ${select} has no ${words}`);
  if (value !== undefined) await view.page.selectOption(select, value);
}

// The question of samples/train-deterioration.toml, with fewer features.
async function write(view, name, script = true) {
  const { page, where } = view;
  await go(view, '/models');
  await Promise.all([page.waitForNavigation(), page.click('a[href="/models/new"]')]);
  await reached(view, 1);
  // Nothing typed: the page says what, by field.
  await press(view, 'next');
  await reached(view, 1);
  check(await page.locator('[aria-invalid=true]').count() === 3, `${where}: not three fields are marked`);
  await look(view, 'refused');
  await page.fill('#name', name);
  await page.fill('#title_ja', TITLE);
  await page.fill('#title_en', 'Low "oxygen" <soon>');
  await page.fill('#use_ja', '見に行く順番の助け');
  await look(view, 'purpose');
  // Enter in a field goes on.
  await page.focus('#title_en');
  await Promise.all([page.waitForNavigation({ waitUntil: 'networkidle' }), page.keyboard.press('Enter')]);
  await reached(view, 2);
  check(await page.locator('input[name=set]:checked').count() === 1, `${where}: the only set is not chosen`);
  await look(view, 'data');
  if (script) {
    // The other language keeps what was typed.
    await Promise.all([page.waitForNavigation({ waitUntil: 'networkidle' }), page.click('a.language')]);
    await reached(view, 2);
    await Promise.all([page.waitForNavigation({ waitUntil: 'networkidle' }), page.click('a.language')]);
    check(await page.inputValue('input[name=title_ja]') === TITLE, `${where}: another language loses the title`);
  }
  await press(view, 'next');
  await reached(view, 3);
  check(!(await page.locator('#case_code').isVisible()), `${where}: a choice that was not made is open`);
  await page.check('input[name=start][value=measurement]');
  await choose(view, '#case_code', '|2708-6|');
  await press(view, 'next');
  await reached(view, 3);
  await choose(view, '#outcome_code', '|2708-6|');
  await page.fill('#limit', '92');
  await page.locator('details.panel > summary').click();
  await look(view, 'question');
  await press(view, 'next');
  await reached(view, 4);
  const row = (code) => page.locator('.feature', { has: page.locator(`input[value*="|${code}|"]`) });
  await row('2708-6').first().locator('input[type=checkbox]').check();
  await row('2708-6').first().locator('button').click();
  await page.waitForLoadState('networkidle');
  await reached(view, 4);
  check(await row('2708-6').count() === 2, `${where}: a second feature of a code is not there`);
  await row('9279-1').first().locator('input[type=checkbox]').check();
  if (script) {
    await page.fill('input[data-narrow]', '8867');
    check(await page.locator('.feature:visible').count() === 4, `${where}: the list is not narrowed`);
    await page.fill('input[data-narrow]', '');
  }
  await look(view, 'features');
  await press(view, 'next');
  await reached(view, 5);
  await look(view, 'method');
  await page.fill('#folds', '2.5');
  await press(view, 'next');
  await reached(view, 5);
  await page.fill('#folds', '5');
  await press(view, 'next');
  await reached(view, 6);
  check(await page.locator('#enough').count() === 1, `${where}: there is not enough to train`);
  // Back and forth, nothing is lost.
  await press(view, 'step:4');
  check(await page.locator('.feature input[type=checkbox]:checked').count() === 3, `${where}: features are lost`);
  await press(view, 'next');
  await press(view, 'next');
  await reached(view, 6);
  await page.locator('.wizard-file details > summary').click();
  await look(view, 'summary');
  const [download] = await Promise.all([
    page.waitForEvent('download'), page.click('button[name=go][value=save]'),
  ]);
  check(download.suggestedFilename() === `train-${name}.toml`, `${where}: saved as ${download.suggestedFilename()}`);
}

// A question that nobody fits: said, with how many are needed.
async function tooFew(view) {
  const { page, where } = view;
  await press(view, 'step:3');
  await page.fill('#limit', '1');
  for (let at = 3; at < 6; at += 1) await press(view, 'next');
  await reached(view, 6);
  check(await page.locator('#too-few li').count() > 0, `${where}: too few are not said`);
  check(await page.locator('button[value=train]').isDisabled(), `${where}: too few can be trained`);
  await look(view, 'too-few');
  await press(view, 'step:3');
  await page.fill('#limit', '92');
  for (let at = 3; at < 6; at += 1) await press(view, 'next');
}

async function train(view) {
  const { page, where } = view;
  await press(view, 'train');
  check(new URL(page.url()).pathname === '/models/new/training', `${where}: after the start: ${page.url()}`);
  await look(view, 'training');
  await page.reload();
  await page.waitForSelector('#figures', { timeout: 300_000 });
  await look(view, 'trained');
  const report = await page.request.get(new URL(await page.getAttribute('a.button[href*=report]', 'href'), base).href);
  check(report.status() === 200 && (await report.text()).includes('<h1'), `${where}: no report`);
  await Promise.all([page.waitForNavigation(), page.click('form.panel button')]);
  const path = new URL(page.url()).pathname;
  check(/^\/models\/[a-z-]+\/\d+$/.test(path), `${where}: registered at ${path}`);
  await go(view, '/models/new/training');
  check(await page.locator('form.panel').count() === 0, `${where}: it can be registered twice`);
  await look(view, 'registered');
  return path;
}

let registered;
for (const lang of ['ja', 'en']) {
  for (const width of WIDTHS) {
    const view = await open(lang, width);
    await write(view, 'low-oxygen');
    await tooFew(view);
    if (lang === 'ja' && width[0] === 'wide') {
      registered = await train(view);
    } else {
      await go(view, '/models/new/training');
      await look(view, 'training-seen');
    }
    await view.context.close();
  }
}
const paper = await open('en', WIDTHS[1], { javaScriptEnabled: false });
await write(paper, 'without-script', false);
await paper.context.close();

for (const address of addresses) {
  check(/^\/(assets\/|models(\/|$)|favicon)/.test(address) && !address.includes(TITLE), `an address of its own: ${address}`);
}
await browser.close();
if (failures.length > 0) {
  console.error(`${failures.length} failures`);
  process.exit(1);
}
console.log(`registered ${registered}`);
