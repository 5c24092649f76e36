// A page of another origin fetches from a bank, in a browser that enforces who may.
//
//   node origins.mjs http://127.0.0.1:8080 http://127.0.0.1:3000 name:password
//
// The second is the origin that the bank's configuration lets in. Exit code 1 if anything is not as
// it should be; the reasons are on standard error.

import { createServer } from 'node:http';
import { chromium } from 'playwright-core';

const [bank, viewer, person] = process.argv.slice(2);
const failures = [];
const check = (right, what) => {
  if (!right) {
    failures.push(what);
    console.error(`FAIL ${what}`);
  }
};

// Two pages: one of the origin that is let in, one of another.
const pages = [Number(new URL(viewer).port), 0].map((port) => new Promise((ready) => {
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>viewer</title>');
  });
  server.listen(port, '127.0.0.1', () => ready(server));
}));
const servers = await Promise.all(pages);
const origins = servers.map((server) => `http://127.0.0.1:${server.address().port}`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const authorization = `Basic ${Buffer.from(person).toString('base64')}`;

// What a page gets: a status, and what it may read of the answer.
const ask = (page, path, options = {}) => page.evaluate(async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return {
      status: answer.status,
      warning: answer.headers.get('warning'),
      bytes: (await answer.arrayBuffer()).byteLength,
    };
  } catch (error) {
    return { failed: error.name };
  }
}, [`${bank}${path}`, options]);

for (const origin of origins) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${origin}/`);
  const headers = { Authorization: authorization, Accept: 'application/dicom+json' };
  const studies = await ask(page, '/dicom-web/studies?limit=1', { headers });
  const stranger = await ask(page, '/dicom-web/studies');
  const fhir = await ask(page, '/fhir/metadata');
  const remove = await ask(page, '/dicom-web/studies/1.2', { method: 'DELETE', headers });
  const sent = await ask(page, '/dicom-web/studies', { method: 'POST', headers, body: 'x' });
  const picture = await page.evaluate((url) => new Promise((done) => {
    const image = new Image();
    image.onload = () => done('loaded');
    image.onerror = () => done('refused');
    image.src = url;
  }), `${bank}/assets/icon.svg`);
  if (origin === viewer) {
    check(studies.status === 200 && studies.bytes > 100, `the viewer reads: ${JSON.stringify(studies)}`);
    check(studies.warning?.startsWith('299'), `it reads the warning: ${JSON.stringify(studies)}`);
    // A POST needs no leave of the method, so it arrives; the bank itself refuses it.
    check(sent.status === 403, `it stores nothing: ${JSON.stringify(sent)}`);
    check(stranger.status === 401, `nobody is signed in by that: ${JSON.stringify(stranger)}`);
  } else {
    check(studies.failed === 'TypeError', `another page does not read: ${JSON.stringify(studies)}`);
    check(stranger.failed === 'TypeError', `nor without a name: ${JSON.stringify(stranger)}`);
    check(sent.failed === 'TypeError', `nor does it store: ${JSON.stringify(sent)}`);
  }
  check(fhir.failed === 'TypeError', `FHIR is for nobody: ${origin}`);
  check(remove.failed === 'TypeError', `nobody deletes: ${origin} ${JSON.stringify(remove)}`);
  check(picture === 'refused', `no other page shows what is here: ${origin}`);
}
await browser.close();
for (const server of servers) {
  server.close();
}
process.exit(failures.length ? 1 : 0);
