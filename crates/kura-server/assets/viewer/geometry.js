// Where pixels lie: mm, directions in the patient, slices that belong together.
// Coordinates are the patient's (LPS, PS3.3 C.7.6.2.1.1): x to the left, y to the back, z to the head.

export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export function normal(orientation) {
  const [a, b, c, d, e, f] = orientation;
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

// The letters of a direction, the largest part first.
export function letters(direction) {
  const length = Math.hypot(...direction);
  if (!length) return '';
  return direction
    .map((part, axis) => [part / length, ['RL', 'AP', 'FH'][axis]])
    .filter(([part]) => Math.abs(part) > 0.2)
    .sort(([a], [b]) => Math.abs(b) - Math.abs(a))
    .map(([part, pair]) => pair[part > 0 ? 1 : 0])
    .join('');
}

export const opposite = (text) => text.replace(/./g, (one) => 'RLAPFH'['LRPAHF'.indexOf(one)]);

// mm of a step across and down at these points; `null` where the object does not say.
// An ultrasound image is calibrated by region (PS3.3 C.8.5.5): all points have to lie in one.
export function scale(item, points = []) {
  const { place, info } = item;
  const region = info.regions?.find(({ bounds: [left, top, right, bottom] }) =>
    points.length > 0
    && points.every(([x, y]) => x >= left && x <= right + 1 && y >= top && y <= bottom + 1));
  if (region) return { across: region.spacing[0], down: region.spacing[1], imager: false };
  if (!place?.spacing || info.regions?.length) return null;
  return { across: place.spacing[1], down: place.spacing[0], imager: place.imager };
}

// Height of a pixel over its width.
export function aspect(item) {
  const spacing = item.place?.spacing;
  return (spacing ? spacing[0] / spacing[1] : item.info.aspect) || 1;
}

// How far along the normal of `orientation` a slice lies, in mm.
export function along(item, orientation = item.place?.orientation) {
  if (!item.place?.position || !orientation) return null;
  return dot(item.place.position, normal(orientation));
}

// Whether positions of one can be looked for in the other.
export function together(a, b) {
  const [from, to] = [a.current()?.place, b.current()?.place];
  if (!from?.position || !to?.position || !from.orientation || !to.orientation) return false;
  const same = a.stack.frameOfReference && a.stack.frameOfReference === b.stack.frameOfReference;
  return Boolean(same) && dot(normal(from.orientation), normal(to.orientation)) > 0.95;
}

// The slice of `stack` nearest to where `item` lies.
export function nearest(stack, item) {
  let best = { index: 0, distance: Infinity };
  stack.frames.forEach((one, index) => {
    const own = along(one);
    if (own === null) return;
    const distance = Math.abs(own - along(item, one.place.orientation));
    if (distance < best.distance) best = { index, distance };
  });
  return best.index;
}

// One list of frames of what the bank says of a series.
export function stack(view, at) {
  const frames = view.objects.flatMap((info) =>
    Array.from({ length: info.frames }, (_, index) => ({
      object: info.object,
      number: index + 1,
      info,
      place: info.places?.[Math.min(index, info.places.length - 1)] ?? null,
    })));
  const rate = view.objects.find((info) => info.rate)?.rate ?? null;
  return { ...view, frames, rate, at };
}
