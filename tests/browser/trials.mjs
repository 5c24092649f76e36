// Reads performance tests as doctors would, in both languages, wide and at the width of a phone,
// by keys, by touch and without a script, and looks at what they would see.
//
//   node trials.mjs http://127.0.0.1:8080 screenshots/ read
//   node trials.mjs http://127.0.0.1:8080 screenshots/ report
//
// The bank holds four tests, called by the last word of their titles: scored (1 to 5, images and
// the model's answers locked, wash-out), worded (five words), slider (0 to 100) and paper
// (decisions, no images). `report` is for afterwards, when `slider` was analysed.
// Exit code 1 if anything is not as it should be; the reasons are on standard error.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [base, out = 'screenshots', part = 'read'] = process.argv.slice(2);
if (!base) {
  console.error('usage: node trials.mjs BASE_URL [OUTPUT_FOLDER] [read|report]');
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
const addresses = [];
const CODES = ['Kuma-1', 'Kuma-2', 'Kuma-3', 'Kuma-4', 'Kuma-5', 'Kuma-6', 'Kuma-7'];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

async function open(lang, [size, width, height], more = {}) {
  const context = await browser.newContext({
    viewport: { width, height }, locale: lang === 'ja' ? 'ja-JP' : 'en-US', ...more,
  });
  const view = { context, lang, size, where: `${lang} ${size}` };
  view.page = await tab(view);
  return view;
}

async function tab(view) {
  const page = await view.context.newPage();
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    // An answer that is refused on purpose says so on the console too.
    if (/status of 4\d\d/.test(message.text()) && page.expecting) return;
    check(false, `${view.where}: console: ${message.text()} on ${page.url()}`);
  });
  page.on('pageerror', (error) => check(false, `${view.where}: script: ${error.message}`));
  page.on('request', (request) => {
    addresses.push(decodeURIComponent(request.url()));
    const url = new URL(request.url());
    if (['data:', 'blob:'].includes(url.protocol)) return;
    check(url.host === host, `${view.where}: a request to another host: ${url.host}`);
  });
  return page;
}

async function look(view, name, page = view.page) {
  const { where, lang, size } = view;
  const seen = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    heading: document.querySelectorAll('h1').length,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    styles: document.querySelectorAll('[style]:not([style=""])').length,
    unnamed: [...document.querySelectorAll('input:not([type=hidden]),select,button,a')]
      .filter((one) => {
        const text = one.textContent.trim() || one.getAttribute('aria-label')
          || one.labels?.[0]?.textContent.trim();
        return !text && !one.querySelector('svg,img');
      }).map((one) => one.outerHTML.slice(0, 80)),
  }));
  check(seen.lang === lang, `${where}: ${name} is in ${seen.lang}`);
  check(seen.heading === 1, `${where}: ${name} has ${seen.heading} headings of the first level`);
  check(seen.overflow <= 0, `${where}: ${name} is ${seen.overflow} px too wide`);
  check(seen.styles === 0, `${where}: ${name} has style attributes`);
  check(seen.unnamed.length === 0, `${where}: ${name}: without a name: ${seen.unnamed[0]}`);
  await page.screenshot({ path: join(out, `${name}-${lang}-${size}.png`), fullPage: true });
}

const go = (view, path) => view.page.goto(new URL(path, base).href, { waitUntil: 'networkidle' });

async function trials(view) {
  await go(view, '/trials');
  const rows = await view.page.locator('a.row').evaluateAll((all) => all.map((one) => [
    one.querySelector('b').textContent.trim().split(/[\s、,]+/).pop(), one.getAttribute('href')]));
  return Object.fromEntries(rows);
}

// Sits down under a new code.
async function begin(view, trial, code, condition = 'unaided') {
  const { page } = view;
  await go(view, trial);
  await page.fill('#begin input[name=reader]', code);
  await page.fill('input[name=experience]', view.lang === 'ja' ? '専門医' : 'specialist');
  await page.check(`#begin input[value=${condition}]`);
  await Promise.all([page.waitForNavigation({ waitUntil: 'networkidle' }), page.click('#begin button')]);
}

const count = async (page) => (await page.locator('.reading-count b').textContent()).trim();

async function shown(view) {
  const { page } = view;
  await page.waitForFunction(() => document.getElementById('canvas')?.dataset.shown === '0/1');
  await page.waitForTimeout(80);
  const sum = await page.evaluate(() => {
    const canvas = document.getElementById('canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let total = 0;
    for (let at = 0; at < data.length; at += 4) total += data[at];
    return total;
  });
  check(sum > 0, `${view.where}: the image is black`);
  return sum;
}

async function press(view, ...keys) {
  const { page } = view;
  for (const key of keys.slice(0, -1)) await page.keyboard.press(key);
  await Promise.all([page.waitForNavigation({ waitUntil: 'networkidle' }), page.keyboard.press(keys.at(-1))]);
}

// What a reader must not know stands nowhere on the page.
async function blind(view, aided) {
  const html = await view.page.content();
  check(!/truth|p\d+,|cluster/.test(html), `${view.where}: the truth is on the page`);
  const told = await view.page.locator('.reading-model').count();
  check(told === (aided ? 1 : 0), `${view.where}: ${told} answers of the model are shown`);
}

// Every page of the test with scores; the whole first condition by keys.
async function scored(view, trial, code) {
  const { page, where } = view;
  await begin(view, trial, code);
  await shown(view);
  await look(view, 'trial-case');
  await blind(view, false);
  const of = Number((await count(page)).split('/')[1]);
  check((await count(page)).startsWith('1 /'), `${where}: begins with ${await count(page)}`);
  // Enter without an answer answers nothing.
  await page.keyboard.press('Enter');
  check((await count(page)).startsWith('1 /'), `${where}: an empty answer went on`);
  // A pause hides the image, and its keys answer nothing.
  await page.keyboard.press('p');
  check(!(await page.locator('#canvas').isVisible()), `${where}: the image is seen in a pause`);
  await look(view, 'trial-pause');
  await page.keyboard.press('4');
  await page.keyboard.press('p');
  check(await page.locator('#canvas').isVisible(), `${where}: the image does not come back`);
  check(await page.locator('input[name=score]:checked').count() === 0, `${where}: a key of the pause answered`);
  // The window is the reader's to choose.
  if (view.size === 'wide') {
    const before = await shown(view);
    const box = await page.locator('#canvas').boundingBox();
    await page.mouse.move(box.x + 200, box.y + 200);
    await page.mouse.down();
    await page.mouse.move(box.x + 260, box.y + 260, { steps: 3 });
    await page.mouse.up();
    check(await shown(view) !== before, `${where}: dragging changes no pixel`);
  }
  const late = await tab(view);
  await late.goto(page.url(), { waitUntil: 'networkidle' });
  const address = page.url();
  await press(view, '4', 'Enter');
  check((await count(page)).startsWith('2 /'), `${where}: after the first case: ${await count(page)}`);
  check(page.url() === address, `${where}: the address changed`);
  // A second tab is late: its answer is refused, and it shows the case whose turn it is.
  late.expecting = true;
  await late.check('input[name=score][value="1"]', { force: true });
  await Promise.all([late.waitForNavigation({ waitUntil: 'networkidle' }), late.click('#reading > button')]);
  check(await late.locator('[role=alert]').count() === 1, `${where}: a late tab is not told`);
  check((await late.locator('.reading-count b').textContent()).startsWith('2 /'), `${where}: a late tab went on`);
  await look(view, 'trial-late', late);
  await late.close();
  // Loaded again, and in the other language, it is the same case.
  await page.click('a.language');
  await page.waitForLoadState('networkidle');
  check((await count(page)).startsWith('2 /'), `${where}: another language is another case`);
  await page.click('a.language');
  await page.waitForLoadState('networkidle');
  for (let at = 2; at <= of; at += 1) {
    await shown(view);
    await press(view, String(1 + at % 5), at % 2 ? 'Enter' : 'Space');
  }
  check(await page.locator('#reading').count() === 0, `${where}: a case after the last`);
  const text = await page.locator('.reading-done').innerText();
  check(/20\d\d-\d\d-\d\d/.test(text), `${where}: no word when the other condition opens: ${text}`);
  await look(view, 'trial-thanks');
  await go(view, trial);
  await look(view, 'trial');
  // The other condition is refused by the server too, not only by a button that is not there.
  const answer = await page.request.post(new URL(`${trial}/read`, base).href, {
    form: { act: 'resume', reader: code, condition: 'aided' }, maxRedirects: 0,
  });
  check(answer.status() === 409, `${where}: before the wash-out is over: ${answer.status()}`);
}

// With the model's answer in view.
async function aided(view, trial, code) {
  await begin(view, trial, code, 'aided');
  await shown(view);
  await blind(view, true);
  check(/\d+ %/.test(await view.page.locator('.reading-model').innerText()), `${view.where}: no probability`);
  await look(view, 'trial-aided');
  await press(view, '5', 'Enter');
  check((await count(view.page)).startsWith('2 /'), `${view.where}: aided: ${await count(view.page)}`);
}

async function sliderAndWords(view, all, code) {
  const { page, where } = view;
  await begin(view, all.worded, code);
  await shown(view);
  await look(view, 'trial-worded');
  await page.locator('.answers label').nth(3).click();
  await Promise.all([page.waitForNavigation({ waitUntil: 'networkidle' }), page.click('#reading > button')]);
  check((await count(page)).startsWith('2 /'), `${where}: worded: ${await count(page)}`);

  await begin(view, all.slider, code);
  const of = Number((await count(page)).split('/')[1]);
  await shown(view);
  await look(view, 'trial-slider');
  await page.locator('input[type=range][data-unset]').evaluate((range) => {
    range.value = 73;
    range.dispatchEvent(new Event('input', { bubbles: true }));
  });
  check(await page.inputValue('input[name=score]') === '73', `${where}: the slider sets no number`);
  await Promise.all([page.waitForNavigation({ waitUntil: 'networkidle' }), page.click('#reading > button')]);
  for (let at = 2; at <= of; at += 1) {
    // The number has the focus: typing is enough.
    await page.keyboard.type(String((at * 17) % 101));
    await press(view, 'Enter');
  }
  check(await page.locator('.reading-done').count() === 1, `${where}: the slider's cases do not end`);
  await look(view, 'trial-all-read');
}

// Without a script: the form alone.
async function paper(lang, width, trial, code) {
  const view = await open(lang, width, { javaScriptEnabled: false });
  const { page, where } = view;
  await go(view, trial);
  await look(view, 'trial-paper');
  await begin(view, trial, code);
  check(/症例\d\d/.test(await page.locator('.reading-name').innerText()), `${where}: the case has no name`);
  await look(view, 'trial-paper-case');
  await page.locator('.answers label').first().click();
  await Promise.all([page.waitForNavigation(), page.click('#reading > button')]);
  check((await count(page)).startsWith('2 /'), `${where}: without a script: ${await count(page)}`);
  await view.context.close();
}

async function read() {
  const codes = [...CODES];
  const scout = await open('ja', WIDTHS[0]);
  const all = await trials(scout);
  check(Object.keys(all).sort().join() === 'paper,scored,slider,worded', `trials: ${Object.keys(all)}`);
  await scout.context.close();
  for (const lang of ['ja', 'en']) {
    for (const width of WIDTHS) {
      const view = await open(lang, width);
      await go(view, '/trials');
      await look(view, 'trials');
      await go(view, all.scored);
      await look(view, 'trial-begin');
      const code = codes.shift();
      await scored(view, all.scored, code);
      await aided(view, all.scored, `${code}-A`);
      await sliderAndWords(view, all, code);
      await view.context.close();
      await paper(lang, width, all.paper, code);
    }
  }
  for (const code of CODES) {
    check(!addresses.some((address) => address.includes(code)), 'an address names a reader');
  }
}

async function report() {
  for (const lang of ['ja', 'en']) {
    for (const width of WIDTHS) {
      const view = await open(lang, width);
      const { page, where } = view;
      const all = await trials(view);
      await go(view, all.slider);
      check(await page.locator('#begin').count() === 0, `${where}: an analysed test can be begun`);
      await look(view, 'trial-analysed');
      await page.click('#analyses a.button');
      await page.waitForLoadState('networkidle');
      check(await page.locator('section').count() > 5, `${where}: the report is short`);
      // Its own style is let through.
      const paper = await page.evaluate(() => getComputedStyle(document.body).maxWidth);
      check(paper !== 'none', `${where}: the report has no style`);
      await page.screenshot({ path: join(out, `trial-report-${lang}-${view.size}.png`) });
      const pdf = await page.pdf({ path: join(out, `trial-report-${lang}.pdf`), preferCSSPageSize: true });
      check(pdf.length > 20_000 && pdf.subarray(0, 5).toString() === '%PDF-', `${where}: the report does not print`);
      await view.context.close();
    }
  }
}

await (part === 'report' ? report() : read());
await browser.close();
if (failures.length > 0) {
  console.error(`${failures.length} failures`);
  process.exit(1);
}
console.log('every page is as it should be');
