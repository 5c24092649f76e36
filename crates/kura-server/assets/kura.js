// What the pages do beyond HTML: search while one types, choose with the arrow keys, open a
// record in place, hide days that the filter has emptied. Every page works without it.

const FRAGMENT = { 'x-fragment': '1' };

// A session that ended answers with the sign-in page: show that, not its inside.
function ended(response) {
  if (!response.redirected) return false;
  location.assign('/sign-in');
  return true;
}

function liveSearch(form) {
  const input = form.querySelector('input[type=search]');
  const results = document.getElementById(form.dataset.live);
  let running = null;
  let waiting = 0;
  let shown = input.value;
  let chosen = -1;

  const rows = () => [...results.querySelectorAll('a.row')];

  function choose(index) {
    const all = rows();
    if (all.length === 0) return;
    chosen = Math.max(0, Math.min(index, all.length - 1));
    all.forEach((row, at) => {
      row.classList.toggle('chosen', at === chosen);
      if (at === chosen) {
        row.id = 'chosen-row';
        row.scrollIntoView({ block: 'nearest' });
      } else if (row.id) {
        row.removeAttribute('id');
      }
    });
    input.setAttribute('aria-activedescendant', 'chosen-row');
  }

  async function search() {
    if (input.value === shown) return;
    running?.abort();
    running = new AbortController();
    const typed = input.value;
    try {
      const response = await fetch(form.action, {
        method: 'POST',
        headers: { ...FRAGMENT, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ q: typed }),
        signal: running.signal,
      });
      if (ended(response) || !response.ok) return;
      results.innerHTML = await response.text();
      shown = typed;
      chosen = -1;
      input.removeAttribute('aria-activedescendant');
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
    }
  }

  input.addEventListener('input', (event) => {
    // Kana on their way to kanji are no search yet.
    if (event.isComposing) return;
    clearTimeout(waiting);
    waiting = setTimeout(search, 120);
  });
  input.addEventListener('compositionend', () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 0);
  });
  input.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'ArrowDown') choose(chosen + 1);
    else if (event.key === 'ArrowUp') choose(chosen - 1);
    else if (event.key === 'Enter' && chosen >= 0 && input.value === shown) rows()[chosen]?.click();
    else return;
    event.preventDefault();
  });
}

function openInPlace(details) {
  details.addEventListener('toggle', async () => {
    const url = details.dataset.open;
    if (!details.open || !url) return;
    const response = await fetch(url, { headers: FRAGMENT });
    if (ended(response) || !response.ok) return;
    delete details.dataset.open;
    const inside = document.createElement('div');
    inside.innerHTML = await response.text();
    while (details.lastChild !== details.firstChild) details.lastChild.remove();
    details.append(...inside.childNodes);
  });
}

// Which lanes are off is remembered while the browser is open, so that it holds from month to
// month. No patient is named there.
function lanes(fieldset) {
  const boxes = [...fieldset.querySelectorAll('input[type=checkbox]')];
  const off = new Set(JSON.parse(sessionStorage.getItem('lanes-off') ?? '[]'));
  const days = [...document.querySelectorAll('.day')];

  function apply() {
    for (const day of days) {
      day.classList.remove('nothing');
      const entries = [...day.querySelectorAll('.entries > *')];
      const any = entries.some((entry) => getComputedStyle(entry).display !== 'none');
      day.classList.toggle('nothing', !any);
    }
  }

  for (const box of boxes) {
    box.checked = !off.has(box.id);
    box.addEventListener('change', () => {
      if (box.checked) off.delete(box.id);
      else off.add(box.id);
      sessionStorage.setItem('lanes-off', JSON.stringify([...off]));
      apply();
    });
  }
  apply();
}

document.querySelectorAll('form[data-live]').forEach(liveSearch);
document.querySelectorAll('details[data-open]').forEach(openInPlace);
document.querySelectorAll('.lanes').forEach(lanes);
