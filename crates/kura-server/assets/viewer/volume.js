// A series as a volume: three planes with a cross-hair, and a view in three dimensions, by niivue.
// The library is fetched when it is asked for first.

let viewer = null;

async function library(url) {
  const { Niivue, SHOW_RENDER, MULTIPLANAR_TYPE } = await import(url);
  return { Niivue, SHOW_RENDER, MULTIPLANAR_TYPE };
}

async function begin(box) {
  const { Niivue, SHOW_RENDER, MULTIPLANAR_TYPE } = await library(box.dataset.library);
  const readout = box.querySelector('.readout');
  const made = new Niivue({
    backColor: [0, 0, 0, 1],
    crosshairColor: [0.35, 0.7, 0.9, 1],
    crosshairWidth: 0.5,
    // Planes of the patient, also of a series that lies aslant.
    isSliceMM: true,
    show3Dcrosshair: true,
    isColorbar: false,
    // Radiologists look from the feet: the patient's right is on the left.
    isRadiologicalConvention: true,
    dragAndDropEnabled: false,
    multiplanarShowRender: SHOW_RENDER.ALWAYS,
    multiplanarLayout: MULTIPLANAR_TYPE.GRID,
    fontSizeScaling: 0.4,
    logLevel: 'silent',
  });
  made.onLocationChange = (location) => {
    // RAS in millimetres, as NIfTI has it.
    const [x, y, z] = location.mm;
    const value = location.values[0]?.value;
    readout.textContent = `R ${x.toFixed(1)} A ${y.toFixed(1)} S ${z.toFixed(1)} mm: ${Number(value?.toFixed(2))}`;
  };
  await made.attachToCanvas(box.querySelector('canvas'));
  made.setSliceType(made.sliceTypeMultiplanar);
  return made;
}

// Shows the series of a pane with its window.
export async function open(box, study, { stack, window }, words) {
  const status = box.querySelector('.status');
  box.hidden = false;
  delete box.dataset.ready;
  if (!box.dataset.library) {
    status.textContent = words.absent;
    return;
  }
  status.textContent = words.loading;
  try {
    const response = await fetch(`/images/volume/${study}/${stack.series}`);
    if (!response.ok) {
      status.textContent = words.reasons[response.headers.get('x-reason')] ?? (await response.text());
      return;
    }
    const bytes = await response.arrayBuffer();
    viewer ??= await begin(box);
    while (viewer.volumes.length > 0) viewer.removeVolume(viewer.volumes[0]);
    await viewer.loadFromArrayBuffer(bytes, 'series.nii');
    const [image] = viewer.volumes;
    if (window && image) {
      image.cal_min = window[0] - window[1] / 2;
      image.cal_max = window[0] + window[1] / 2;
      viewer.updateGLVolume();
    }
    viewer.createOnLocationChange();
    status.textContent = '';
    box.dataset.ready = stack.series;
  } catch (error) {
    status.textContent = `${words.failed} (${error.message})`;
  }
}
