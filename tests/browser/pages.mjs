// Visits every page of a bank with the sample hospital as a person would, in both languages,
// wide and at the width of a phone, and looks at what they would see.
//
//   node pages.mjs http://127.0.0.1:8080 screenshots/
//   node pages.mjs http://127.0.0.1:8080 screenshots/ models
//
// The second looks at the pages of models only, of a bank with a version in use and one that was
// proposed and is inside its plan, and decides about them.
// Exit code 1 if anything is not as it should be; the reasons are on standard error.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [base, out = 'screenshots', only = ''] = process.argv.slice(2);
if (!base) {
  console.error('usage: node pages.mjs BASE_URL [OUTPUT_FOLDER] [models]');
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

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

// What must never stand in an address: filled once a patient is known.
const secrets = [];
const addresses = [];
const WIDTHS = [['wide', 1280, 900], ['phone', 390, 844]];
const slow = [];

async function open(lang, [size, width, height], colorScheme = 'light') {
  const context = await browser.newContext({
    viewport: { width, height }, locale: lang === 'ja' ? 'ja-JP' : 'en-US', colorScheme,
  });
  const page = await context.newPage();
  const where = `${lang} ${size}`;
  page.on('console', (message) => {
    if (message.type() === 'error') {
      // A page that is missing on purpose says so on the console too.
      if (/status of 4\d\d/.test(message.text()) && page.expecting) return;
      check(false, `${where}: console: ${message.text()} on ${page.url()}`);
    }
  });
  page.on('pageerror', (error) => check(false, `${where}: script: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    addresses.push(decodeURIComponent(request.url()));
    if (['data:', 'blob:'].includes(url.protocol)) return;
    check(url.host === host, `${where}: a request to another host: ${url.host}`);
  });
  return { page, context, lang, size, where };
}

async function visit(view, path, name, status = 200) {
  const { page, where } = view;
  page.expecting = status !== 200;
  const response = await page.goto(new URL(path, base).href, { waitUntil: 'networkidle' });
  check(response.status() === status, `${where}: ${path} answered ${response.status()}`);
  const timing = response.request().timing();
  slow.push([timing.responseEnd, path]);
  await look(view, name);
}

async function look(view, name) {
  const { page, where, lang, size } = view;
  const seen = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    title: document.title,
    heading: document.querySelectorAll('h1').length,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    styles: [...document.querySelectorAll('[style]:not([style=""])')].map((one) => one.outerHTML.slice(0, 120)),
    unnamed: [...document.querySelectorAll('input:not([type=hidden]),select,button,a')]
      .filter((one) => {
        const text = one.textContent.trim() || one.getAttribute('aria-label') || one.title
          || one.labels?.[0]?.textContent.trim() || one.value;
        return !text && !one.querySelector('svg,img');
      }).map((one) => one.outerHTML.slice(0, 80)),
  }));
  check(seen.lang === lang, `${where}: ${name} is in ${seen.lang}`);
  check(seen.title.length > 7, `${where}: ${name} has no title`);
  check(seen.heading === 1, `${where}: ${name} has ${seen.heading} headings of the first level`);
  check(seen.overflow <= 0, `${where}: ${name} is ${seen.overflow} px too wide`);
  check(seen.styles.length === 0, `${where}: ${name}: style attribute: ${seen.styles[0]}`);
  check(seen.unnamed.length === 0, `${where}: ${name}: without a name: ${seen.unnamed[0]}`);
  await page.screenshot({ path: join(out, `${name}-${lang}-${size}.png`) });
}

const total = async (page) => Number((await page.locator('#total').textContent()).replaceAll(',', ''));

async function type(page, text) {
  const answered = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.fill('#q', text);
  await answered;
  await page.waitForTimeout(50);
}

// The patient with the most records whose name has kanji with a reading.
async function pick(view) {
  const { page } = view;
  await visit(view, '/patients', 'patients');
  const people = await page.locator('a.row.patient').evaluateAll((rows) => rows.map((row) => ({
    href: row.getAttribute('href'),
    kanji: row.querySelector('.names b').textContent,
    kana: row.querySelector('.kana')?.textContent ?? '',
    number: row.querySelector('.code').textContent,
    birth: row.querySelector('.birth').textContent.slice(0, 10),
    images: Number(row.querySelectorAll('.counts b').length),
  })));
  return people.filter((one) => one.kana && one.kanji.includes(' ')).sort((a, b) => b.images - a.images);
}

const ROMAJI = {
  ア: 'a', イ: 'i', ウ: 'u', エ: 'e', オ: 'o', カ: 'ka', キ: 'ki', ク: 'ku', ケ: 'ke', コ: 'ko',
  サ: 'sa', シ: 'shi', ス: 'su', セ: 'se', ソ: 'so', タ: 'ta', チ: 'chi', ツ: 'tsu', テ: 'te', ト: 'to',
  ナ: 'na', ニ: 'ni', ヌ: 'nu', ネ: 'ne', ノ: 'no', ハ: 'ha', ヒ: 'hi', フ: 'fu', ヘ: 'he', ホ: 'ho',
  マ: 'ma', ミ: 'mi', ム: 'mu', メ: 'me', モ: 'mo', ヤ: 'ya', ユ: 'yu', ヨ: 'yo', ラ: 'ra', リ: 'ri',
  ル: 'ru', レ: 're', ロ: 'ro', ワ: 'wa', ン: 'n', ガ: 'ga', ギ: 'gi', グ: 'gu', ゲ: 'ge', ゴ: 'go',
  ザ: 'za', ジ: 'ji', ズ: 'zu', ゼ: 'ze', ゾ: 'zo', ダ: 'da', デ: 'de', ド: 'do', バ: 'ba', ビ: 'bi',
  ブ: 'bu', ベ: 'be', ボ: 'bo', パ: 'pa', ピ: 'pi', プ: 'pu', ペ: 'pe', ポ: 'po',
};
const romaji = (kana) => [...kana].every((letter) => ROMAJI[letter])
  ? [...kana].map((letter) => ROMAJI[letter]).join('') : null;

async function search(view, people) {
  const { page, where } = view;
  const person = people.find((one) => romaji(one.kana.split(' ')[0]));
  const family = person.kana.split(' ')[0];
  const [year, month, day] = person.birth.split('-').map(Number);
  const eras = [[2019, 'R', '令和'], [1989, 'H', '平成'], [1926, 'S', '昭和'], [1912, 'T', '大正']];
  const [from, letter, era] = eras.find(([first]) => year > first);
  const ways = {
    'whole name in kanji': person.kanji,
    'family name in kanji': person.kanji.split(' ')[0],
    'name in kana': person.kana,
    'name in hiragana': family.replace(/[ァ-ヶ]/g, (one) => String.fromCharCode(one.charCodeAt(0) - 96)),
    'name in Latin letters': romaji(family),
    number: person.number,
    'birth date': person.birth,
    'era, short': `${letter}${year - from + 1}.${month}.${day}`,
    'era, long': `${era}${year - from + 1}年${month}月${day}日`,
    'name and birth date': `${person.kanji.split(' ')[0]} ${person.birth}`,
  };
  const all = await total(page);
  for (const [what, text] of Object.entries(ways)) {
    await type(page, text);
    const found = await page.locator(`a.row[href="${person.href}"]`).count();
    check(found === 1, `${where}: search by ${what} does not find the patient`);
    check(found === 0 || (await total(page)) < all, `${where}: search by ${what} finds everybody`);
  }
  await type(page, person.kanji);
  await look(view, 'patients-found');
  await type(page, 'ゼンゼンイナイ');
  check(await page.locator('.empty').count() === 1, `${where}: no word when nobody matches`);
  await look(view, 'patients-none');
  // The keyboard alone: down, Enter.
  await type(page, person.number);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(`**${person.href}`);
  // And without a script, by the button.
  const plain = await browser.newContext({ javaScriptEnabled: false });
  const quiet = await plain.newPage();
  await quiet.goto(new URL('/patients', base).href);
  await quiet.fill('#q', person.kanji);
  await quiet.click('form.search button');
  check(await quiet.locator(`a.row[href="${person.href}"]`).count() === 1, `${where}: search without a script`);
  check(!quiet.url().includes('?'), `${where}: the search went into the address`);
  await plain.close();
}

async function patient(view, href) {
  const { page, where } = view;
  await visit(view, href, 'patient');
  check(await page.locator('.day').count() > 0, `${where}: no day on the time line`);
  await page.screenshot({ path: join(out, `patient-full-${view.lang}-${view.size}.png`), fullPage: true });
  // The filter works at once.
  const box = page.locator('.lane-label input').first();
  const lane = (await box.getAttribute('id')).replace('lane-', '');
  const seen = () => page.locator(`.entries .${lane}:visible`).count();
  const before = await seen();
  await box.uncheck();
  check(before > 0 && await seen() === 0, `${where}: the filter hides nothing`);
  await box.check();
  check(await seen() === before, `${where}: the filter does not bring back`);
  // A document opens in place, and its source in a page.
  const entry = page.locator('.document details.entry').first();
  if (await entry.count()) {
    await entry.locator('summary').click();
    await entry.locator('.opened').waitFor();
    check((await entry.locator('.opened').innerText()).length > 20, `${where}: an opened document is empty`);
    await look(view, 'patient-opened');
    await entry.locator('a', { hasText: view.lang === 'ja' ? '元データ' : 'Source' }).click();
    await page.waitForLoadState('networkidle');
    check((await page.locator('pre').innerText()).includes('"resourceType"'), `${where}: no source`);
    check((await page.locator('.facts').innerText()).includes('ndjson'), `${where}: the source names no file`);
    await look(view, 'source');
    await page.goBack({ waitUntil: 'networkidle' });
  }
  const older = page.locator('.steps a.button').first();
  if (await older.count()) {
    await older.click();
    await page.waitForLoadState('networkidle');
    check(await page.locator('.day').count() > 0, `${where}: the month before is empty`);
    await look(view, 'patient-older');
  }
}

const sum = (page) => page.evaluate(() => {
  const canvas = document.getElementById('canvas');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let total = 0;
  for (let at = 0; at < data.length; at += 4) total += data[at] + data[at + 1] * 3 + data[at + 2] * 7;
  return total;
});

async function viewer(view, study, name) {
  const { page, where } = view;
  await visit(view, study, name);
  await page.waitForFunction(() => document.getElementById('canvas')?.dataset.shown === '0/1');
  await page.waitForTimeout(100);
  const first = await sum(page);
  check(first > 0, `${where}: ${name}: the canvas is black`);
  const box = await page.locator('#canvas').boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  if (await page.locator('.gray-only').isVisible()) {
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 60, y + 40, { steps: 4 });
    await page.mouse.up();
    check(await sum(page) !== first, `${where}: ${name}: dragging changes no pixel`);
    await page.selectOption('#preset', { index: 0 });
    check(Math.abs(await sum(page) - first) < first * 0.001, `${where}: ${name}: the preset does not come back`);
    await page.check('#invert');
    check(await sum(page) !== first, `${where}: ${name}: inverting changes no pixel`);
    await page.uncheck('#invert');
  }
  const before = await sum(page);
  await page.click('#zoom-in');
  check(await sum(page) !== before, `${where}: ${name}: zooming changes no pixel`);
  await page.click('#fit');
  const frames = Number(await page.locator('#frame').getAttribute('max'));
  if (frames > 1) {
    await page.focus('#canvas');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => document.getElementById('canvas').dataset.shown === '0/2');
    check((await page.locator('#frame-number').textContent()).startsWith('2 /'), `${where}: ${name}: the arrow shows no next frame`);
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, 100);
    await page.waitForFunction((last) => document.getElementById('canvas').dataset.shown === `0/${last}`, Math.min(3, frames));
  }
  await look(view, `${name}-used`);
}

// Studies with pictures, by way of the patients' pages.
async function studies(view, people) {
  const found = new Map();
  for (const person of people) {
    await view.page.goto(new URL(person.href, base).href, { waitUntil: 'domcontentloaded' });
    const links = await view.page.locator('.panel .picture:has(img)').evaluateAll((all) => all.map((one) => [
      one.textContent.match(/\b(CT|MR|CR|DX|US|NM|OT|SC)\b/)?.[1] ?? '?', one.getAttribute('href')]));
    for (const [modality, href] of links) if (!found.has(modality)) found.set(modality, href);
    const genome = view.page.locator('a[href*="/variants/"]').first();
    if (await genome.count()) found.set('variants', await genome.getAttribute('href'));
    const claim = view.page.locator('details.entry[data-open*="/Claim/"]').first();
    if (await claim.count()) found.set('claim', await claim.getAttribute('data-open'));
  }
  return found;
}

// One version after the other: the card, its evidence, and what may be decided.
async function models(view) {
  const { page, where } = view;
  await visit(view, '/models', 'models');
  const waiting = await page.locator('a.row').count();
  check(waiting === 1, `${where}: ${waiting} versions wait for a decision`);
  const versions = await page.locator('table.models tbody a').evaluateAll((all) => all.map((one) => one.getAttribute('href')));
  check(versions.length === 2, `${where}: ${versions.length} versions`);
  for (const href of versions) {
    await visit(view, href, `model${href.replaceAll('/', '-').replace('-models', '')}`);
    check(await page.locator('.measures .forest').count() >= 8, `${where}: ${href}: no forest plot`);
    check(await page.locator('.curve').count() === 1, `${where}: ${href}: no learning curve`);
    check(await page.locator('.decision').count() > 0, `${where}: ${href}: nothing can be decided`);
    check(await page.locator('#looks li').count() >= 2, `${where}: ${href}: nobody looked at the test set`);
    const evidence = await page.locator('#steps a[href*="/evidence/"]').evaluateAll((all) => [...new Set(all.map((one) => one.getAttribute('href')))]);
    check(evidence.length >= 2, `${where}: ${href}: ${evidence.length} pieces of evidence`);
    await visit(view, evidence[0], 'model-evidence');
    const shown = JSON.parse(await page.locator('pre.bytes').innerText());
    const saved = await page.request.get(new URL(`${evidence[0]}?download`, base).href);
    check(saved.headers()['content-type'] === 'application/json', `${where}: evidence is saved as ${saved.headers()['content-type']}`);
    check(JSON.stringify(await saved.json()) === JSON.stringify(shown), `${where}: what is saved is not what is shown`);
  }
}

async function decide(view, act, why) {
  const { page } = view;
  const form = page.locator(`.decision:has(input[value="${act}"])`);
  if ((await form.getAttribute('open')) === null) {
    await form.locator('summary').focus();
    await page.keyboard.press('Enter');
  }
  await form.locator('textarea').fill(why);
  await page.keyboard.press('Tab');
  const answered = page.waitForNavigation({ waitUntil: 'networkidle' });
  await page.keyboard.press('Enter');
  await answered;
}

async function everyModel() {
  for (const lang of ['ja', 'en']) {
    for (const width of WIDTHS) {
      const view = await open(lang, width);
      await models(view);
      await view.context.close();
    }
  }
  const night = await open('ja', WIDTHS[0], 'dark');
  await models(night);
  const { page } = night;
  // Proposed and inside: promoted, then rolled back, by the keyboard.
  const version = (number) => new URL(`/models/deterioration/${number}`, base).href;
  const state = async (number) => {
    await page.goto(version(number), { waitUntil: 'networkidle' });
    return page.locator('.model-head .state').first().innerText();
  };
  await page.goto(version(2), { waitUntil: 'networkidle' });
  const stale = await open('ja', WIDTHS[0]);
  await stale.page.goto(version(2), { waitUntil: 'networkidle' });
  await decide(night, 'promote', '比較の結果を見た <b>');
  check((await page.locator('#steps').innerText()).includes('比較の結果を見た <b>'), 'the reason is not on the time line');
  check(await state(2) === '使用中' && await state(1) === '停止中', 'the promotion changed nothing');
  // A form of before is refused, with the reason, and records nothing.
  stale.page.expecting = true;
  await decide(stale, 'approve', '遅れて届いた承認');
  check(await stale.page.locator('[role=alert]').count() === 1, 'a late approval is not refused');
  await look(stale, 'model-refused');
  check(!(await stale.page.locator('#steps').innerText()).includes('遅れて'), 'a refused approval is on the time line');
  await page.goto(version(2), { waitUntil: 'networkidle' });
  await decide(night, 'roll-back', '元に戻す');
  check(page.url() === version(1), 'a roll-back does not lead to the version that is used again');
  check(await state(1) === '使用中' && await state(2) === '停止中', 'the roll-back changed nothing');
  const foreign = await page.request.post(version(1), {
    form: { act: 'suspend', why: 'x' }, headers: { origin: 'http://elsewhere.example' },
  });
  check(foreign.status() === 403 && await state(1) === '使用中', 'another site can decide');
}

async function everyPage() {
  const scout = await open('ja', WIDTHS[0]);
  const people = await pick(scout);
  check(people.length > 0, 'no patient has a name with a reading');
  for (const person of people) secrets.push(person.number, ...person.kanji.split(' '), ...person.kana.split(' '));
  const listed = () => scout.page.locator('a.row.patient').evaluateAll((rows) => rows.map((row) => ({ href: row.getAttribute('href') })));
  const everyone = await listed();
  const next = scout.page.locator('#results form button');
  if (await next.count()) {
    await next.click();
    await scout.page.waitForLoadState('networkidle');
    const more = await listed();
    check(more.length > 0 && more[0].href !== everyone[0].href, 'the next page shows the same patients');
    everyone.push(...more);
  }
  const found = await studies(scout, everyone);
  console.log(`studies and files: ${[...found.keys()].join(', ')}`);
  await scout.context.close();

  for (const lang of ['ja', 'en']) {
    for (const width of WIDTHS) {
      const view = await open(lang, width);
      await visit(view, '/', 'overview');
      check((await view.page.locator('.figures b').first().textContent()) !== '0', `${view.where}: the overview counts nobody`);
      await visit(view, '/import', 'import');
      await visit(view, '/quarantine', 'quarantine');
      const refused = view.page.locator('a.row').first();
      if (await refused.count()) {
        await visit(view, await refused.getAttribute('href'), 'quarantine-item');
        check((await view.page.locator('pre.bytes').innerText()).length > 0, `${view.where}: nothing was kept`);
      }
      await visit(view, '/unlinked', 'unlinked');
      await visit(view, '/images', 'images');
      check(await view.page.locator('a.row.study').count() > 0, `${view.where}: no study is listed`);
      await visit(view, '/trials', 'trials-none');
      check((await view.page.locator('.empty').innerText()).includes('kura trial fix'), `${view.where}: no word how to begin a trial`);
      await visit(view, '/models', 'models-none');
      check((await view.page.locator('.empty').innerText()).includes('kura train'), `${view.where}: no word how to begin with models`);
      await visit(view, '/patients', 'patients');
      await search(view, people);
      await patient(view, people[0].href);
      await visit(view, `${people[0].href}/processed?policy=kamei&kind=Patient`, 'processed');
      check(await view.page.locator('.change .went').count() > 3, `${view.where}: nothing goes under kamei`);
      await visit(view, `${people[0].href}/processed?policy=tokumei&kind=Observation`, 'processed-rare');
      for (const [name, href] of found) {
        if (name === 'variants' || name === 'claim') await visit(view, href, name);
        else if (lang === 'ja' || name === 'CT') await viewer(view, href, `image-${name}`);
      }
      await visit(view, '/sign-in', 'sign-in');
      await visit(view, '/nowhere', 'not-found', 404);
      await visit(view, '/patients/no-such-patient', 'no-patient', 404);
      // The switch keeps the page and is remembered.
      await view.page.goto(new URL(people[0].href, base).href);
      await view.page.click('a.language');
      const other = lang === 'ja' ? 'en' : 'ja';
      await view.page.goto(new URL('/', base).href);
      check(await view.page.evaluate(() => document.documentElement.lang) === other, `${view.where}: the language is not kept`);
      await view.context.close();
    }
  }
  const night = await open('ja', WIDTHS[0], 'dark');
  await visit(night, '/', 'overview-dark');
  await visit(night, people[0].href, 'patient-dark');
  await night.context.close();

  for (const secret of new Set(secrets)) {
    if (secret.length < 2) continue;
    check(!addresses.some((address) => address.includes(secret)), 'an address names a patient');
  }
}

try {
  if (only === 'models') await everyModel();
  else await everyPage();
} catch (error) {
  check(false, `stopped: ${error.stack}`);
} finally {
  await browser.close();
}
slow.sort((a, b) => b[0] - a[0]);
console.log(`slowest: ${slow.slice(0, 3).map(([ms, path]) => `${path} ${Math.round(ms)} ms`).join(', ')}`);
console.log(`${addresses.length} requests, ${failures.length} failures`);
process.exit(failures.length ? 1 : 0);
