// How an image lies on a canvas: size, place, which way up. Image coordinates count pixels from the
// left upper corner of the first one; canvas coordinates are pixels of the device.

export class View {
  constructor() {
    this.reset();
  }

  reset() {
    this.turn = 0;
    this.flipped = [false, false];
    this.fit();
  }

  fit() {
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
  }

  copy(other) {
    Object.assign(this, { ...other, flipped: [...other.flipped] });
  }

  // What was turned over on the screen turns the other way round.
  rotate() {
    this.turn = (this.turn + (this.flipped[0] === this.flipped[1] ? 1 : 3)) % 4;
    [this.x, this.y] = [-this.y, this.x];
  }

  flip(axis) {
    this.flipped[axis] = !this.flipped[axis];
    if (axis === 0) this.x = -this.x;
    else this.y = -this.y;
  }

  // Device pixels of an image pixel when the whole image is just seen.
  fitting(box, size) {
    const [width, height] = [size.columns, size.rows * size.aspect];
    const turned = this.turn % 2 === 1;
    return Math.min(box.width / (turned ? height : width), box.height / (turned ? width : height));
  }

  matrix(box, size) {
    const scale = this.fitting(box, size) * this.zoom;
    const [cos, sin] = [[1, 0], [0, 1], [-1, 0], [0, -1]][this.turn];
    const [across, down] = this.flipped.map((flipped) => (flipped ? -1 : 1));
    const [sx, sy] = [scale, scale * size.aspect];
    const [a, b, c, d] = [across * cos * sx, down * sin * sx, -across * sin * sy, down * cos * sy];
    const [x, y] = [size.columns / 2, size.rows / 2];
    let [e, f] = [box.width / 2 + this.x - a * x - c * y, box.height / 2 + this.y - b * x - d * y];
    // Pixel upon pixel, not between two.
    if (Math.abs(scale - 1) < 1e-9) [e, f] = [Math.round(e), Math.round(f)];
    return new DOMMatrix([a, b, c, d, e, f]);
  }

  // Zooms so that the point under `x`, `y` of the canvas stays there.
  zoomAt(factor, box, size, x = box.width / 2, y = box.height / 2) {
    const most = Math.max(32, 16 / this.fitting(box, size));
    const zoom = Math.max(0.25, Math.min(most, this.zoom * factor));
    const by = zoom / this.zoom;
    this.zoom = zoom;
    const [cx, cy] = [x - box.width / 2, y - box.height / 2];
    this.x = cx - (cx - this.x) * by;
    this.y = cy - (cy - this.y) * by;
    if (zoom <= 1 && !size.slide) {
      this.x = 0;
      this.y = 0;
    }
  }

  // One image pixel is one pixel of the device.
  actual(box, size) {
    this.zoom = 1 / this.fitting(box, size);
    this.x = 0;
    this.y = 0;
  }
}
