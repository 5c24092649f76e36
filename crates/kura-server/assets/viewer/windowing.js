// Grey values to shades of a screen.

// The usual windows of the textbooks for CT, in Hounsfield units: centre, width.
const CT = [
  ['soft', 40, 400], ['lung', -600, 1500], ['bone', 400, 1800], ['brain', 40, 80],
  ['liver', 90, 150], ['mediastinum', 50, 350],
];

// [smallest, largest] value of a frame.
function range(frame) {
  let [low, high] = [Infinity, -Infinity];
  for (const word of frame.pixels) {
    if (word < low) low = word;
    if (word > high) high = word;
  }
  return [low, high].map((word) => word * frame.slope + frame.intercept).sort((a, b) => a - b);
}

export function presets(frame, ct, words) {
  const [low, high] = range(frame);
  const list = frame.luts.map((lut, index) => ({ name: lut.name || words.table, lut: index }));
  list.push(...frame.windows.map(([center, width, name]) => ({ name: name || words.file, window: [center, width] })));
  list.push({ name: words.full, window: [(low + high) / 2, Math.max(high - low, 1)] });
  if (ct) list.push(...CT.map(([name, ...window]) => ({ name: words[name], window })));
  return list;
}

// PS3.3 C.11.2.1.2.1 and C.11.2.1.3: a value of a window as a share of the brightness.
function shade(value, [center, width], kind) {
  if (kind === 'sigmoid') return 1 / (1 + Math.exp((-4 * (value - center)) / width));
  if (kind === 'linear-exact') return (value - center) / width + 0.5;
  if (width <= 1) return value <= center - 0.5 ? 0 : 1;
  return (value - (center - 0.5)) / (width - 1) + 0.5;
}

// PS3.3 C.11.2.1.1: below the table its first entry holds, above it the last.
function looked(value, { first, shades }) {
  const at = Math.sign(value) * Math.round(Math.abs(value)) - first;
  return shades[Math.max(0, Math.min(shades.length - 1, at))] / 255;
}

// As a table of all words.
function table(frame, { window, lut }, flip) {
  const out = new Uint8ClampedArray(65536);
  const chosen = frame.luts[lut];
  for (let word = 0; word < 65536; word += 1) {
    const value = word * frame.slope + frame.intercept;
    const share = Math.max(0, Math.min(1, chosen ? looked(value, chosen) : shade(value, window, frame.function)));
    out[word] = (flip ? 1 - share : share) * 255;
  }
  return out;
}

// Amber, as no grey value is.
const GRAPHICS = 0xff40c0ff;

// PS3.3 C.9.2: planes of bits, their first pixel at their origin, which is 1\1 at the picture's.
function burn(out, frame, { rows, columns, origin, bits }) {
  for (let at = 0; at < rows * columns; at += 1) {
    if (!((bits[at >> 3] >> (at & 7)) & 1)) continue;
    const x = (at % columns) + origin[1] - 1;
    const y = Math.floor(at / columns) + origin[0] - 1;
    if (x >= 0 && y >= 0 && x < frame.columns && y < frame.rows) out[y * frame.columns + x] = GRAPHICS;
  }
}

// The frame as it is shown, pixel by pixel. The look is a window, or a table of the file by its
// number; inverted or not; with overlays or without.
export function paint(frame, look, bitmap) {
  bitmap.width = frame.columns;
  bitmap.height = frame.rows;
  const image = new ImageData(frame.columns, frame.rows);
  const out = new Uint32Array(image.data.buffer);
  const { pixels } = frame;
  if (frame.kind === 'gray16') {
    const shades = table(frame, look, frame.invert !== look.inverted);
    for (let at = 0; at < pixels.length; at += 1) out[at] = 0xff000000 | (shades[pixels[at]] * 0x010101);
  } else {
    const turned = look.inverted ? 0xffffff : 0;
    for (let at = 0, from = 0; at < out.length; at += 1, from += 3) {
      out[at] = 0xff000000 | (((pixels[from + 2] << 16) | (pixels[from + 1] << 8) | pixels[from]) ^ turned);
    }
  }
  if (look.overlays) frame.overlays.forEach((plane) => burn(out, frame, plane));
  bitmap.getContext('2d').putImageData(image, 0, 0);
}

// What a pixel is: one number in the frame's unit, or red, green and blue.
export function values(frame, x, y) {
  const at = y * frame.columns + x;
  return frame.kind === 'gray16'
    ? [frame.pixels[at] * frame.slope + frame.intercept]
    : [...frame.pixels.subarray(at * 3, at * 3 + 3)];
}
