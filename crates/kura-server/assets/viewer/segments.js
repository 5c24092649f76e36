// Segmentations over the images they were drawn on.

import { dot, normal } from './geometry.js';

// Okabe and Ito (2008), for segments that bring no colour.
const COLOURS = [[230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [213, 94, 0], [204, 121, 167]];
const OPACITY = 0.4;
// mm: nearer than this, a mask is of this slice.
const NEAR = 0.05;

export class Segments {
  constructor(frames) {
    this.frames = frames;
    this.shown = new Map();
    this.masks = new Map();
  }

  async add(object) {
    const response = await fetch(`/images/segmentation/${object}`);
    if (!response.ok) throw new Error(await response.text());
    const found = await response.json();
    this.shown.set(object, found);
    return found;
  }

  remove(object) {
    this.shown.delete(object);
  }

  colour(found, number) {
    const at = found.segments.findIndex((segment) => segment.number === number);
    return found.segments[at]?.colour ?? COLOURS[Math.max(0, at) % COLOURS.length];
  }

  // Frames of a segmentation over this image: by what it was derived from, else by place.
  over(found, item) {
    return found.frames.filter((frame) => {
      if (frame.object) return frame.object === item.object && (frame.of ?? 1) === item.number;
      const { position, orientation } = item.place ?? {};
      if (!frame.position || !position || !orientation) return false;
      const apart = frame.position.map((one, axis) => one - position[axis]);
      return Math.abs(dot(apart, normal(orientation))) < NEAR;
    });
  }

  draw(pane, context) {
    const item = pane.current();
    if (!item || pane.slide) return;
    let count = 0;
    for (const [object, found] of this.shown) {
      if (found.rows !== pane.frame.rows || found.columns !== pane.frame.columns) continue;
      for (const frame of this.over(found, item)) {
        const mask = this.mask(pane, object, found, frame);
        if (!mask) continue;
        context.drawImage(mask, 0, 0);
        count += 1;
      }
    }
    pane.canvas.dataset.masks = count;
  }

  // The mask in its colour, once it is there.
  mask(pane, object, found, { frame, segment }) {
    const key = `${object}/${frame}`;
    if (this.masks.has(key)) return this.masks.get(key);
    this.masks.set(key, null);
    this.frames.load({ object, number: frame }).then((pixels) => {
      const mask = document.createElement('canvas');
      mask.width = pixels.columns;
      mask.height = pixels.rows;
      const image = new ImageData(pixels.columns, pixels.rows);
      const [red, green, blue] = this.colour(found, segment);
      const most = pixels.pixels.reduce((a, b) => Math.max(a, b), 1);
      pixels.pixels.forEach((value, at) => image.data.set([red, green, blue, (value / most) * 255 * OPACITY], at * 4));
      mask.getContext('2d').putImageData(image, 0, 0);
      this.masks.set(key, mask);
      if (this.masks.size > 200) this.masks.delete(this.masks.keys().next().value);
      pane.draw();
    }, () => {});
    return null;
  }
}
