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
  const list = frame.windows.map(([center, width, name]) => ({ name: name || words.file, window: [center, width] }));
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

// As a table of all words.
function table(frame, window, invert) {
  const out = new Uint8ClampedArray(65536);
  const flip = frame.invert !== invert;
  for (let word = 0; word < 65536; word += 1) {
    const share = Math.max(0, Math.min(1, shade(word * frame.slope + frame.intercept, window, frame.function)));
    out[word] = (flip ? 1 - share : share) * 255;
  }
  return out;
}

// The frame as it is shown, pixel by pixel.
export function paint(frame, window, invert, bitmap) {
  bitmap.width = frame.columns;
  bitmap.height = frame.rows;
  const image = new ImageData(frame.columns, frame.rows);
  const out = new Uint32Array(image.data.buffer);
  const { pixels } = frame;
  if (frame.kind === 'gray16') {
    const shades = table(frame, window, invert);
    for (let at = 0; at < pixels.length; at += 1) out[at] = 0xff000000 | (shades[pixels[at]] * 0x010101);
  } else {
    const turned = invert ? 0xffffff : 0;
    for (let at = 0, from = 0; at < out.length; at += 1, from += 3) {
      out[at] = 0xff000000 | (((pixels[from + 2] << 16) | (pixels[from + 1] << 8) | pixels[from]) ^ turned);
    }
  }
  bitmap.getContext('2d').putImageData(image, 0, 0);
}

// What a pixel is: one number in the frame's unit, or red, green and blue.
export function values(frame, x, y) {
  const at = y * frame.columns + x;
  return frame.kind === 'gray16'
    ? [frame.pixels[at] * frame.slope + frame.intercept]
    : [...frame.pixels.subarray(at * 3, at * 3 + 3)];
}
