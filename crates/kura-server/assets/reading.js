// Reading by keys, a pause, and the seconds a case was looked at. Without this script the form
// does the same, and the seconds are not known.

const form = document.getElementById('reading');
const body = document.getElementById('reading-body');
const pause = document.getElementById('pause');
const paused = document.getElementById('paused');
const number = form.querySelector('input[type=number]');
const slider = form.querySelector('input[type=range]');

// Kept until the case is answered, so that a page loaded again goes on counting.
const key = `seconds ${location.pathname} ${form.elements.position.value}`;
let spent = Number(sessionStorage.getItem(key)) || 0;
let since = null;
let sent = false;

function count() {
  if (since !== null) spent += performance.now() - since;
  const counting = paused.hidden && document.visibilityState === 'visible';
  since = counting ? performance.now() : null;
  sessionStorage.setItem(key, String(Math.round(spent)));
}

function setPause(on) {
  count();
  paused.hidden = !on;
  body.hidden = on;
  pause.hidden = on;
  count();
  (on ? paused.querySelector('button') : pause).focus();
}

pause.hidden = false;
pause.addEventListener('click', () => setPause(true));
paused.querySelector('button').addEventListener('click', () => setPause(false));
document.addEventListener('visibilitychange', count);
addEventListener('pagehide', count);
setInterval(count, 5000);
count();

if (slider) {
  slider.hidden = false;
  slider.addEventListener('input', () => {
    number.value = slider.value;
    slider.removeAttribute('data-unset');
  });
  number.addEventListener('input', () => {
    if (number.value !== '') slider.value = number.value;
    slider.toggleAttribute('data-unset', number.value === '');
  });
}

form.addEventListener('submit', (event) => {
  // Once is enough; the server refuses a second answer all the same.
  if (sent) {
    event.preventDefault();
    return;
  }
  sent = true;
  count();
  form.elements.seconds.value = (spent / 1000).toFixed(1);
  sessionStorage.removeItem(key);
  since = null;
});
addEventListener('pageshow', () => { sent = false; });

// Before the viewer sees the key: a digit is an answer, wherever the eye is.
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const { target } = event;
  if (!paused.hidden) {
    if (event.key === 'p') setPause(false);
    else return;
  } else if (target === number) {
    return;
  } else if (event.key === 'p') {
    setPause(true);
  } else if (event.key === 'Enter' || event.key === ' ') {
    if (target.closest('button, a, select, summary, input[type=checkbox]')) return;
    form.requestSubmit();
  } else {
    const choice = form.querySelector(`input[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!choice) return;
    choice.checked = true;
    choice.focus();
  }
  event.preventDefault();
  event.stopPropagation();
}, { capture: true });
