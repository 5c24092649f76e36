// The viewer as a reader uses it, on objects made by tests/python/viewer.py, whose truth.json says
// what has to be seen.
//
//   node viewer.mjs http://127.0.0.1:8080 screenshots/ truth.json
//
// Leaves screens and what it knows of them, which viewer.py compares with pydicom and numpy.
// Exit code 1 if anything is not as it should be; the reasons are on standard error.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [base, out, truthFile] = process.argv.slice(2);
const truth = JSON.parse(readFileSync(truthFile, 'utf8'));
mkdirSync(out, { recursive: true });
const host = new URL(base).host;
const failures = [];
const check = (right, what) => {
  if (!right) {
    failures.push(what);
    console.error(`FAIL ${what}`);
  }
};
const near = (found, wanted, by, what) => check(Math.abs(found - wanted) <= by, `${what}: ${found}, not ${wanted}`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // WebGL 2 without a graphics card, for the volume.
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--use-angle=swiftshader',
    '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
});
const addresses = [];

async function open(lang, width = 1400, height = 900, more = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: lang === 'ja' ? 'ja-JP' : 'en-US', ...more });
  const page = await context.newPage();
  const where = `${lang} ${width}`;
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    if (/status of [45]\d\d/.test(message.text()) && page.expecting) return;
    check(false, `${where}: console: ${message.text()} on ${page.url()}`);
  });
  page.on('pageerror', (error) => check(false, `${where}: script: ${error.stack}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    addresses.push(decodeURIComponent(request.url()));
    if (!['data:', 'blob:'].includes(url.protocol)) check(url.host === host, `${where}: a request to another host: ${url.host}`);
  });
  return { page, context, where };
}

const at = (path) => new URL(path, base).href;
const shown = (page, what, id = 'canvas') => page.waitForFunction(([name, wanted]) =>
  document.getElementById(name)?.dataset.shown === wanted, [id, what], { timeout: 15000 });

// The list: filters, and what leads to a study.
async function list(view, name) {
  const { page, where } = view;
  await page.goto(at('/images'), { waitUntil: 'networkidle' });
  await page.screenshot({ path: join(out, `list-${name}.png`) });
  const rows = () => page.locator('a.row.study').count();
  check(await rows() === 8, `${where}: ${await rows()} studies are listed`);
  const dates = await page.locator('.study .date').allInnerTexts();
  check(dates.join() === [...dates].sort().reverse().join(), `${where}: not the newest first: ${dates}`);
  const find = async (fields, wanted) => {
    await page.goto(at('/images'));
    for (const [field, value] of Object.entries(fields)) await page.fill(`.find-studies [name=${field}]`, value);
    await Promise.all([page.waitForNavigation(), page.click('.find-studies button')]);
    check(await rows() === wanted, `${where}: ${JSON.stringify(fields)} finds ${await rows()}, not ${wanted}`);
    check(!page.url().includes('?'), `${where}: what was looked for is in the address`);
  };
  await find({ modality: 'us' }, 1);
  await find({ patient: 'kakuu' }, 8);
  await find({ patient: '花子' }, 8);
  await find({ patient: 'かくう hm00001' }, 8);
  await find({ patient: 'suzuki' }, 0);
  check((await page.locator('.empty').innerText()).length > 20, `${where}: an empty list says nothing`);
  await find({ from: '2026-02-01', to: '2026-03-31' }, 2);
  await find({ description: 'STUDY 4' }, 1);
  await page.goto(at('/images'));
  const links = await page.locator('a.row.study').evaluateAll((all) => all.map((one) => [
    one.querySelector('.title').textContent.match(/study (\d)/)?.[1] ?? '6', one.getAttribute('href')]));
  return Object.fromEntries(links);
}

async function study(page, href, what = '0/1') {
  await page.goto(at(href), { waitUntil: 'domcontentloaded' });
  await shown(page, what);
}

// How the image lies: six numbers from image to pixels of the canvas. Told by what the corners say is
// not enough, so the page is asked how it maps two points.
async function matrix(page) {
  return page.evaluate(() => document.getElementById('canvas').dataset.matrix.split(',').map(Number));
}

async function spot(page, [x, y], id = 'canvas') {
  const box = await page.locator(`#${id}`).boundingBox();
  const [a, b, c, d, e, f] = await matrix(page);
  return [box.x + a * x + c * y + e, box.y + b * x + d * y + f];
}

async function drag(page, from, to, options = {}) {
  await page.mouse.move(...from);
  await page.mouse.down(options);
  await page.mouse.move((from[0] + to[0]) / 2, (from[1] + to[1]) / 2, { steps: 3 });
  await page.mouse.move(...to, { steps: 3 });
  await page.mouse.up(options);
}

const corner = (page, name) => page.locator(`.stage[data-pane="0"] .corner.${name}`).innerText();

async function ct(view, href) {
  const { page, where } = view;
  const began = Date.now();
  await study(page, href);
  console.log(`first image: ${Date.now() - began} ms`);
  // Orientation of an axial slice turned about the left-right axis, and a scale.
  check(await corner(page, 'east') === 'L' && await corner(page, 'west') === 'R', `${where}: left and right are ${await corner(page, 'east')}`);
  check((await corner(page, 'south')).startsWith('P'), `${where}: below is ${await corner(page, 'south')}`);
  check(/\d+ mm/.test(await corner(page, 'bar')), `${where}: no scale bar`);

  // Keys, slider, wheel, drag.
  for (let step = 0; step < 3; step += 1) await page.keyboard.press('ArrowDown');
  await shown(page, '0/4');
  const middle = await page.locator('#canvas').boundingBox().then((box) => [box.x + box.width / 2, box.y + box.height / 2]);
  await page.mouse.move(...middle);
  await page.mouse.wheel(0, 100);
  await shown(page, '0/5');
  check((await page.locator('#frame-number').textContent()) === '5 / 14', `${where}: the number of the frame`);
  await page.click('[data-tool=scroll]');
  await drag(page, middle, [middle[0], middle[1] + 150]);
  check(Number((await page.locator('#canvas').getAttribute('data-shown')).split('/')[1]) > 5, `${where}: a drag does not scroll`);
  await page.locator('#frame').fill(String(truth.slice));
  await shown(page, `0/${truth.slice}`);

  // The value under the pointer is pydicom's.
  for (const { x, y, value } of truth.hu) {
    await page.mouse.move(...await spot(page, [x + 0.5, y + 0.5]));
    const said = await page.locator('.stage[data-pane="0"] .readout').innerText();
    check(said === `x ${x} y ${y}: ${value} HU`, `${where}: ${said}, not ${value} HU at ${x}, ${y}`);
  }

  await measure(view);
  await turn(view);

  // Screens as they are, for viewer.py: presets of the file, of CT, and inverted.
  await page.keyboard.press('x');
  const screens = [];
  const screen = async (name, inverted) => {
    // No text on the image, and no frame around what is in focus.
    await page.locator('[data-act=text]').evaluate((one) => {
      one.closest('.viewer').classList.add('plain');
      document.activeElement.blur();
    });
    const file = `screen-${name}.png`;
    await page.waitForTimeout(100);
    await page.locator('#canvas').screenshot({ path: join(out, file) });
    const text = await page.locator('#window').textContent();
    screens.push({ file, inverted, matrix: await matrix(page), window: text.match(/-?\d+/g).slice(0, 2).map(Number) });
    await page.locator('[data-act=text]').evaluate((one) => one.closest('.viewer').classList.remove('plain'));
  };
  // So large that the centre of a pixel shows that pixel alone.
  for (let step = 0; step < 3; step += 1) await page.keyboard.press('0');
  await screen('file', false);
  await page.keyboard.press('2');
  check((await page.locator('#window').textContent()).startsWith('300 / 2000'), `${where}: the second preset is not the file's second window`);
  await screen('wide', false);
  const bone = await page.locator('#preset option').evaluateAll((all) => all.findIndex((one) => /Bone|骨/.test(one.text)));
  await page.keyboard.press(String(bone + 1));
  await page.keyboard.press('i');
  await screen('bone-inverted', true);
  await page.keyboard.press('x');
  writeFileSync(join(out, 'screens.json'), JSON.stringify(screens));
  await page.click('[data-tool=window]');
  const before = await page.locator('#window').textContent();
  await drag(page, middle, [middle[0] + 80, middle[1] + 40]);
  check(await page.locator('#window').textContent() !== before, `${where}: a drag changes no window`);
  await page.keyboard.press('x');
  check(await page.locator('#window').textContent() === before, `${where}: reset leaves another window`);
}

// Tables of the file in the place of a window, and graphics over the image.
async function tables(view, href) {
  const { page, where } = view;
  await study(page, href);
  const screens = [];
  const screen = async (name, what) => {
    await page.locator('.viewer').evaluate((one) => {
      one.classList.add('plain');
      document.activeElement.blur();
    });
    await page.waitForTimeout(100);
    await page.locator('#canvas').screenshot({ path: join(out, `table-${name}.png`) });
    await page.locator('.viewer').evaluate((one) => one.classList.remove('plain'));
    screens.push({ file: `table-${name}.png`, inverted: false, overlays: true, table: null, ...what, matrix: await matrix(page) });
  };
  const says = () => page.locator('#window').textContent();
  check(await says() === 'NORMAL', `${where}: the first table is not taken: ${await says()}`);
  check(await corner(page, 'how') === 'NORMAL', `${where}: the corner says ${await corner(page, 'how')}`);
  const offered = await page.locator('#preset option').allTextContents();
  check(offered.slice(0, 2).join() === 'NORMAL,硬調', `${where}: what is offered is ${offered}`);
  await screen('first', { table: 0 });
  await page.screenshot({ path: join(out, `table-${where.replace(' ', '-')}.png`) });
  await page.keyboard.press('g');
  await screen('bare', { table: 0, overlays: false });
  await page.keyboard.press('2');
  check(await says() === '硬調', `${where}: the second table is ${await says()}`);
  await page.keyboard.press('i');
  await screen('second-inverted', { table: 1, overlays: false, inverted: true });
  await page.keyboard.press('i');
  await page.click('[data-act=overlays]');
  await page.keyboard.press('3');
  check(await says() === '2000 / 3000', `${where}: the window of the file is ${await says()}`);
  await screen('window', { window: [2000, 3000] });
  await page.keyboard.press('x');
  check(await says() === 'NORMAL', `${where}: reset leaves ${await says()}`);
  writeFileSync(join(out, 'tables.json'), JSON.stringify(screens));
}

async function labels(page) {
  return page.locator('.stage[data-pane="0"] .mark text').allTextContents();
}

async function measure(view) {
  const { page, where } = view;
  const put = async (key, ...points) => {
    await page.keyboard.press(key);
    await drag(page, ...await Promise.all(points.slice(0, 2).map((point) => spot(page, point))));
  };
  const { a, b, mm } = truth.length;
  await put('l', a, b);
  let said = await labels(page);
  check(said.length === 1 && /mm$/.test(said[0]), `${where}: the length says ${said}`);
  near(parseFloat(said[0]), mm, 0.4, `${where}: length`);
  // It stays where it was drawn, whichever way up the image is.
  await page.keyboard.press('h');
  await page.keyboard.press('o');
  await page.keyboard.press('+');
  check((await labels(page))[0] === said[0], `${where}: the length changes with the view`);
  const end = await spot(page, b);
  const handles = await page.locator('.mark circle').evaluateAll((all) => all.map((one) => one.getBoundingClientRect()).map((box) => [box.x + box.width / 2, box.y + box.height / 2]));
  check(handles.some(([x, y]) => Math.hypot(x - end[0], y - end[1]) < 2), `${where}: the mark does not follow the image`);
  await page.keyboard.press('x');

  const [first, vertex, last] = truth.angle.points;
  await put('a', first, vertex);
  await page.mouse.click(...await spot(page, last));
  said = await labels(page);
  near(parseFloat(said.find((one) => one.endsWith('°'))), truth.angle.degrees, 0.7, `${where}: angle`);

  const box = truth.rectangle;
  await put('r', box.a, box.b);
  said = (await labels(page)).find((one) => one.includes('±'));
  // A pixel more or less at the edge moves the mean a little.
  near(parseFloat(said), box.mean, Math.max(1, box.sd * 0.06), `${where}: mean`);
  near(parseFloat(said.split('±')[1]), box.sd, Math.max(1, box.sd * 0.06), `${where}: deviation`);
  const probe = truth.hu[0];
  await page.keyboard.press('v');
  await page.mouse.click(...await spot(page, [probe.x + 0.5, probe.y + 0.5]));
  check((await labels(page)).includes(`${probe.value} HU`), `${where}: the probe says ${await labels(page)}`);
  check(await page.locator('#mark-list li').count() === 4, `${where}: ${await page.locator('#mark-list li').count()} measurements are listed`);
  await page.screenshot({ path: join(out, `measured-${where.replace(' ', '-')}.png`) });
  // They belong to their image.
  await page.keyboard.press('ArrowDown');
  await shown(page, `0/${truth.slice + 1}`);
  check(await page.locator('.mark').count() === 0, `${where}: measurements are on another image`);
  await page.keyboard.press('ArrowUp');
  await shown(page, `0/${truth.slice}`);
  check(await page.locator('.mark').count() === 4, `${where}: measurements are lost`);
  await page.keyboard.press('Delete');
  check(await page.locator('.mark').count() === 3, `${where}: nothing is deleted`);
  await page.click('[data-act=clear]');
  check(await page.locator('.mark').count() === 0, `${where}: not all is deleted`);
}

async function turn(view) {
  const { page, where } = view;
  await page.keyboard.press('x');
  const right = () => corner(page, 'east');
  await page.keyboard.press('h');
  check(await right() === 'R', `${where}: flipped, right is ${await right()}`);
  await page.keyboard.press('h');
  await page.keyboard.press('o');
  check((await corner(page, 'south')) === 'L', `${where}: turned by 90°, below is ${await corner(page, 'south')}`);
  for (let step = 0; step < 3; step += 1) await page.keyboard.press('o');
  check(await right() === 'L', `${where}: four quarters are no whole turn`);
  const scale = async () => Math.abs((await matrix(page))[0]);
  const fitted = await scale();
  await page.keyboard.press('+');
  near(await scale() / fitted, 1.2, 0.01, `${where}: zoom`);
  const box = await page.locator('#canvas').boundingBox();
  // Ctrl and the wheel zoom about the pointer.
  const pointer = [box.x + box.width * 0.4, box.y + box.height * 0.45];
  const inverse = async () => {
    const [a, , , d, e, f] = await matrix(page);
    return [(pointer[0] - box.x - e) / a, (pointer[1] - box.y - f) / d];
  };
  await page.mouse.move(...pointer);
  const under = await inverse();
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -100);
  await page.keyboard.up('Control');
  const after = await inverse();
  check(Math.hypot(after[0] - under[0], after[1] - under[1]) < 0.2, `${where}: the zoom wanders off`);
  await page.keyboard.press('p');
  const placed = await matrix(page);
  await drag(page, pointer, [pointer[0] + 30, pointer[1] + 20]);
  near((await matrix(page))[4] - placed[4], 30, 2, `${where}: pan`);
  await page.keyboard.press('n');
  near(await scale(), 1, 1e-6, `${where}: actual pixels`);
  await page.keyboard.press('x');
  near(await scale(), fitted, 1e-6, `${where}: reset`);
}

async function compare(view) {
  const { page, where } = view;
  await page.keyboard.press('c');
  await page.waitForFunction(() => document.getElementById('canvas-2').dataset.shown);
  // In one frame of reference by position.
  for (const slice of ['1', '6', '12']) {
    await page.locator('#frame').fill(slice);
    await shown(page, `0/${slice}`);
    await shown(page, `1/${truth.linked[slice]}`, 'canvas-2');
  }
  await page.screenshot({ path: join(out, `compare-${where.replace(' ', '-')}.png`) });
  // Switched off, it stays.
  await page.locator('[data-link=scroll]').uncheck();
  await page.locator('#frame').fill('1');
  await shown(page, '0/1');
  await page.waitForTimeout(200);
  check((await page.locator('#canvas-2').getAttribute('data-shown')) === `1/${truth.linked[12]}`, `${where}: it scrolls though it is not linked`);
  await page.locator('[data-link=scroll]').check();
  // Another study of the patient, in its own frame of reference: by number.
  const other = await page.locator('#other-study option').evaluateAll((all) => all.find((one) => /Made study 2/.test(one.text))?.value);
  check(Boolean(other), `${where}: the patient's other study is not offered`);
  await page.selectOption('#other-study', other);
  await shown(page, '0/1', 'canvas-2');
  await page.keyboard.press('ArrowDown');
  await shown(page, '0/2');
  await shown(page, '0/2', 'canvas-2');
  await page.keyboard.press('c');
  check(!(await page.locator('#canvas-2').isVisible()), `${where}: the second pane stays`);
}

async function volume(view, href) {
  const { page, where } = view;
  await study(page, href);
  await page.keyboard.press('m');
  await page.waitForFunction(() => document.getElementById('volume').dataset.ready, null, { timeout: 60000 });
  await page.waitForTimeout(500);
  const canvas = page.locator('#volume canvas');
  const box = await canvas.boundingBox();
  await page.mouse.click(box.x + box.width * 0.25, box.y + box.height * 0.25);
  await page.waitForTimeout(500);
  const said = await page.locator('#volume .readout').innerText();
  const found = said.match(/R (-?[\d.]+) A (-?[\d.]+) S (-?[\d.]+) mm: (-?[\d.]+)/);
  check(Boolean(found), `${where}: the cross-hair says ${said}`);
  if (found) writeFileSync(join(out, 'cross.json'), JSON.stringify({ mm: found.slice(1, 4).map(Number), value: Number(found[4]) }));
  await page.screenshot({ path: join(out, `volume-${where.replace(' ', '-')}.png`) });
  const series = await page.locator('#volume').getAttribute('data-ready');
  const bytes = await page.request.get(at(`/images/volume/${href.split('/').pop()}/${series}`));
  writeFileSync(join(out, 'volume.nii'), await bytes.body());
  await page.keyboard.press('Escape');
  check(await page.locator('#canvas').isVisible(), `${where}: the slices do not come back`);
  // No regular grid: said in a sentence.
  await page.click('button[data-series]:has-text("With a gap")');
  await page.waitForFunction(() => document.getElementById('canvas').dataset.shown?.startsWith('2/'));
  page.expecting = true;
  await page.keyboard.press('m');
  await page.waitForFunction(() => /no regular grid|そろっていない/.test(document.querySelector('#volume .status').textContent));
  page.expecting = false;
}

async function ultrasound(view, href) {
  const { page, where } = view;
  await study(page, href);
  const { a, b, mm, rate } = truth.ultrasound;
  await page.keyboard.press('l');
  await drag(page, await spot(page, a), await spot(page, b));
  near(parseFloat((await labels(page))[0]), mm, 0.4, `${where}: length in a calibrated region`);
  // Outside of it there is no scale, and it says so.
  await drag(page, await spot(page, [2, 2]), await spot(page, [15, 2]));
  const outside = await labels(page);
  check(outside.some((one) => /pixels|画素/.test(one)), `${where}: outside of the region it says ${outside}`);
  check((await page.locator('#rate-number').textContent()).startsWith(`${rate} `), `${where}: the rate is ${await page.locator('#rate-number').textContent()}`);
  await page.click('[data-act=play]');
  await page.waitForFunction(() => Number(document.getElementById('canvas').dataset.shown.split('/')[1]) > 4);
  await page.click('[data-act=play]');
  await page.waitForTimeout(150);
  const stopped = await page.locator('#canvas').getAttribute('data-shown');
  await page.waitForTimeout(300);
  check(await page.locator('#canvas').getAttribute('data-shown') === stopped, `${where}: the loop goes on`);
  await page.screenshot({ path: join(out, `ultrasound-${where.replace(' ', '-')}.png`) });
}

async function slide(view, href) {
  const { page, where } = view;
  const tiles = [];
  page.on('request', (request) => { if (/\/images\/picture\/.*\/\d+$/.test(request.url())) tiles.push(request.url()); });
  await study(page, href);
  const settled = () => page.waitForFunction(() => document.getElementById('canvas').dataset.waiting === '0');
  await settled();
  const screens = [];
  const screen = async (name, factor) => {
    await page.locator('.viewer').evaluate((one) => {
      one.classList.add('plain');
      document.activeElement.blur();
    });
    await page.locator('#canvas').screenshot({ path: join(out, `slide-${name}.png`) });
    await page.locator('.viewer').evaluate((one) => one.classList.remove('plain'));
    screens.push({ file: `slide-${name}.png`, factor, matrix: await matrix(page) });
  };
  await page.screenshot({ path: join(out, `slide-page-${where.replace(' ', '-')}.png`) });
  const level = () => page.locator('#canvas').getAttribute('data-level');
  check(Number(await level()) <= 1, `${where}: the whole slide is shown from level ${await level()}`);
  await page.keyboard.press('n');
  await settled();
  check(await level() === '0', `${where}: actual pixels come from level ${await level()}`);
  await screen('finest', 1);
  for (let step = 0; step < 9; step += 1) await page.keyboard.press('-');
  await page.waitForTimeout(100);
  await settled();
  check(await level() === '2', `${where}: seen from afar it is level ${await level()}`);
  await screen('coarsest', 4);
  // From near, few tiles of many are fetched.
  await page.reload();
  await shown(page, '0/1');
  tiles.length = 0;
  for (let step = 0; step < 14; step += 1) await page.keyboard.press('+');
  await page.waitForTimeout(100);
  await settled();
  const fine = new Set(tiles.filter((one) => one.includes('.1.1/')));
  check(fine.size < 48, `${where}: ${fine.size} tiles of the finest level were fetched`);
  writeFileSync(join(out, 'slides.json'), JSON.stringify(screens));
}

async function objects(view, studies) {
  const { page, where } = view;
  // Segmentation over its slice.
  await study(page, studies[1]);
  const { slice, inside, outside } = truth.segmentation;
  const pixel = async (point) => {
    const [x, y] = await spot(page, point);
    const box = await page.locator('#canvas').boundingBox();
    return page.evaluate(([px, py]) => [...document.getElementById('canvas').getContext('2d').getImageData(px, py, 1, 1).data], [x - box.x, y - box.y]);
  };
  await page.locator('[data-segmentation]').check();
  await shown(page, `0/${slice}`);
  await page.waitForFunction(() => document.getElementById('canvas').dataset.masks === '1');
  const coloured = ([red, green, blue]) => Math.max(red, green, blue) - Math.min(red, green, blue) > 20;
  check(coloured(await pixel(inside)), `${where}: the segment is not seen: ${await pixel(inside)}`);
  check(!coloured(await pixel(outside)), `${where}: there is colour outside of the segment`);
  check((await page.locator('.segments li').first().innerText()).includes('Made region'), `${where}: the segment has no name`);
  await page.screenshot({ path: join(out, `segments-${where.replace(' ', '-')}.png`) });
  await page.locator('[data-segmentation]').uncheck();
  check(!coloured(await pixel(inside)), `${where}: the segment stays`);

  // A report as a tree.
  await page.click(`a[href="/images/object/${truth.report.object}"]`);
  const text = await page.locator('.report').innerText();
  for (const said of truth.report.says) check(text.includes(said), `${where}: the report does not say ${said}: ${text}`);
  await page.screenshot({ path: join(out, `report-${where.replace(' ', '-')}.png`) });

  // An electrocardiogram in mm.
  await page.goto(at(`/images/object/${truth.ecg.object}`));
  const trace = await page.locator('.ecg').first().locator('path.trace').first().getAttribute('d');
  const points = trace.slice(1).split('L').map((pair) => pair.split(' ').map(Number));
  check(await page.locator('.ecg').first().locator('path.trace').count() === truth.ecg.channels, `${where}: not every lead is drawn`);
  truth.ecg.millimetres.forEach((wanted, index) => {
    near(12.5 - points[index][1], wanted, 0.011, `${where}: sample ${index} of the first lead`);
    near(points[index][0], 10 + index * truth.ecg.step, 0.011, `${where}: time of sample ${index}`);
  });
  await page.screenshot({ path: join(out, `ecg-${where.replace(' ', '-')}.png`) });

  // Documents: a PDF is shown by its own bytes, a web page never.
  await page.goto(at(studies[5]));
  const links = await page.locator('.other-objects a').evaluateAll((all) => all.map((one) => one.getAttribute('href')));
  check(links.length === 2, `${where}: ${links.length} documents`);
  for (const link of links) {
    const object = link.split('/').pop();
    const answer = await page.request.get(at(`/images/document/${object}`));
    const pdf = (await answer.body()).subarray(0, 5).toString() === '%PDF-';
    const headers = answer.headers();
    check(headers['content-security-policy'].includes("default-src 'none'"), `${where}: the policy of a document is ${headers['content-security-policy']}`);
    check(headers['content-type'] === (pdf ? 'application/pdf' : 'application/octet-stream'), `${where}: a document is ${headers['content-type']}`);
    check(headers['content-disposition'].startsWith(pdf ? 'inline' : 'attachment'), `${where}: ${headers['content-disposition']}`);
    await page.goto(at(link));
    check(await page.locator(`a[href="/images/document/${object}"]`).count() === 1, `${where}: the document cannot be opened`);
  }

  // A video in a container is played, a bare stream is saved, and it says why.
  await page.goto(at(studies[7]));
  const videos = await page.locator('.other-objects a').evaluateAll((all) => all.map((one) => one.getAttribute('href')));
  const kinds = [];
  for (const link of videos) {
    await page.goto(at(link));
    const played = page.locator('video');
    kinds.push(await played.count());
    if (kinds.at(-1) === 1) {
      const shown = await played.evaluate(async (video) => {
        video.muted = true;
        await video.play();
        if (video.currentTime === 0) await new Promise((done) => video.addEventListener('timeupdate', done, { once: true }));
        return [video.videoWidth, video.videoHeight, video.error?.message ?? ''].join();
      });
      check(shown === '64,48,', `${where}: a video is not played: ${shown}`);
    }
    check(await page.locator('a[download]').count() === 1, `${where}: a video cannot be saved`);
  }
  check(kinds.sort().join() === '0,1', `${where}: videos that are played: ${kinds}`);
}

async function phone(studies) {
  const view = await open('ja', 390, 844, { hasTouch: true, isMobile: true });
  const { page, where } = view;
  await page.goto(at('/images'), { waitUntil: 'networkidle' });
  await page.screenshot({ path: join(out, 'list-phone.png') });
  await study(page, studies[1]);
  await page.waitForTimeout(200);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(wide <= 0, `${where}: the viewer is ${wide} px too wide`);
  await page.screenshot({ path: join(out, 'viewer-phone.png'), fullPage: true });
  // One finger goes through the stack, two zoom.
  const client = await page.context().newCDPSession(page);
  const box = await page.locator('#canvas').boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const touch = (kind, ...points) => client.send('Input.dispatchTouchEvent', { type: kind, touchPoints: points.map(([px, py], id) => ({ x: px, y: py, id })) });
  await touch('touchStart', [x, y]);
  for (let step = 1; step <= 6; step += 1) await touch('touchMove', [x, y + step * 20]);
  await touch('touchEnd');
  await page.waitForFunction(() => Number(document.getElementById('canvas').dataset.shown.split('/')[1]) > 1);
  const before = await matrix(page);
  await touch('touchStart', [x - 20, y], [x + 20, y]);
  for (let step = 1; step <= 5; step += 1) await touch('touchMove', [x - 20 - step * 8, y], [x + 20 + step * 8, y]);
  await touch('touchEnd');
  check(Math.abs((await matrix(page))[0]) > Math.abs(before[0]) * 1.5, `${where}: two fingers do not zoom`);
  await view.context.close();
}

try {
  const english = await open('en');
  const studies = await list(english, 'en');
  await ct(english, studies[1]);
  check(!(await english.page.locator('[data-act=overlays]').isVisible()), 'a tool for overlays where there are none');
  await compare(english);
  await volume(english, studies[1]);
  await ultrasound(english, studies[3]);
  await tables(english, studies[8]);
  await slide(english, studies[4]);
  await objects(english, studies);
  const japanese = await open('ja', 1400, 900, { colorScheme: 'dark' });
  await list(japanese, 'ja');
  await study(japanese.page, studies[1]);
  await japanese.page.waitForTimeout(300);
  await japanese.page.screenshot({ path: join(out, 'viewer-ja-dark.png') });
  await japanese.page.keyboard.press('?');
  await japanese.page.screenshot({ path: join(out, 'help-ja-dark.png') });
  check((await japanese.page.locator('#viewer-help').innerText()).includes('濃度'), 'the help is not in Japanese');
  await phone(studies);
  for (const secret of ['HM00001', 'Kakuu', '花子', '架空', 'かくう']) {
    check(!addresses.some((address) => address.includes(secret)), 'an address names a patient');
  }
} catch (error) {
  check(false, `stopped: ${error.stack}`);
} finally {
  await browser.close();
}
console.log(`${addresses.length} requests, ${failures.length} failures`);
process.exit(failures.length ? 1 : 0);
