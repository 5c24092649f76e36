// Frames: fetched once, decoded, kept while there is room, and brought ahead of the eye.

// Bytes of pixels kept, and requests that run ahead.
const KEPT = 256 * 2 ** 20;
const AHEAD = 3;

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// A line of JSON that says what follows, then the pixels.
async function fetched(url) {
  const response = await fetch(url);
  if (response.redirected) location.assign('/sign-in');
  if (!response.ok) throw new Error(await response.text());
  const bytes = await response.arrayBuffer();
  const end = new Uint8Array(bytes).indexOf(10);
  const frame = JSON.parse(new TextDecoder().decode(bytes.slice(0, end)));
  const size = frame.rows * frame.columns;
  frame.pixels = frame.kind === 'gray16'
    ? new Uint16Array(bytes, end + 1, size)
    : new Uint8Array(bytes, end + 1, size * 3);
  for (const lut of frame.luts ?? []) lut.shades = bytesOf(lut.shades);
  for (const plane of frame.overlays) plane.bits = bytesOf(plane.bits);
  frame.bytes = bytes.byteLength;
  return frame;
}

export class Frames {
  constructor(base) {
    this.base = base;
    // In the order of their last use.
    this.known = new Map();
    this.bytes = 0;
    this.waiting = [];
    this.running = 0;
  }

  url({ object, number }) {
    return `${this.base}/${object}/${number}`;
  }

  async load(one) {
    const url = this.url(one);
    let entry = this.known.get(url);
    if (entry) {
      this.known.delete(url);
      this.known.set(url, entry);
      return entry.frame;
    }
    entry = { bytes: 0 };
    entry.frame = fetched(url).then((frame) => {
      entry.bytes = frame.bytes;
      this.bytes += frame.bytes;
      this.drop(url);
      return frame;
    }, (error) => {
      this.known.delete(url);
      throw error;
    });
    this.known.set(url, entry);
    return entry.frame;
  }

  // The longest unused go first; never the one that has just come.
  drop(except) {
    for (const [url, entry] of this.known) {
      if (this.bytes <= KEPT) return;
      if (url === except || entry.bytes === 0) continue;
      this.bytes -= entry.bytes;
      this.known.delete(url);
    }
  }

  // Brings these before others that were wanted earlier.
  prefetch(wanted) {
    this.waiting = wanted.filter((one) => !this.known.has(this.url(one)));
    while (this.running < AHEAD && this.waiting.length > 0) this.next();
  }

  async next() {
    const one = this.waiting.shift();
    this.running += 1;
    // What fails here is said when it is looked at.
    await this.load(one).catch(() => {});
    this.running -= 1;
    if (this.waiting.length > 0) this.next();
  }
}
