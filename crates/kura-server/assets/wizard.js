// The specification, step by step. Every page works without this.

const form = document.getElementById('wizard');

// The other language keeps what was typed: the form goes with the link.
document.querySelector('a.language')?.addEventListener('click', (event) => {
  if (!form) return;
  event.preventDefault();
  const stay = document.createElement('input');
  Object.assign(stay, { type: 'hidden', name: 'go', value: 'stay' });
  form.append(stay);
  form.noValidate = true;
  form.action = event.currentTarget.href;
  form.submit();
});

// Long lists are narrowed by what is typed.
for (const input of document.querySelectorAll('input[data-narrow]')) {
  const rows = [...document.querySelectorAll(`#${input.dataset.narrow} [data-words]`)];
  input.parentElement.hidden = false;
  const more = rows.map((row) => row.closest('details')).find(Boolean);
  const wasOpen = more?.open;
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase();
    if (more) more.open = wasOpen || wanted !== '';
    for (const row of rows) {
      const chosen = row.querySelector('input[type=checkbox]')?.checked;
      row.hidden = wanted !== '' && !chosen && !row.dataset.words.toLowerCase().includes(wanted);
    }
  });
  // Enter there narrows; it sends nothing.
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.isComposing) event.preventDefault();
  });
}

const at = sessionStorage.getItem('wizard-at');
if (at !== null) {
  sessionStorage.removeItem('wizard-at');
  window.scrollTo(0, Number(at));
}

// Something takes a while: say so, and take no second press.
form?.addEventListener('submit', (event) => {
  // A row that was added is looked for where one was.
  if (event.submitter?.value.startsWith('again:')) sessionStorage.setItem('wizard-at', window.scrollY);
  document.getElementById('waiting')?.removeAttribute('hidden');
  setTimeout(() => {
    for (const button of form.querySelectorAll('button')) button.disabled = true;
  });
});
window.addEventListener('pageshow', () => {
  for (const button of form?.querySelectorAll('button') ?? []) {
    if (!button.hasAttribute('data-off')) button.disabled = false;
  }
  document.getElementById('waiting')?.setAttribute('hidden', '');
});

// A download leaves the page as it is.
form?.querySelector('button[value=save]')?.addEventListener('click', () => {
  setTimeout(() => window.dispatchEvent(new Event('pageshow')), 500);
});

// A training that runs: its bar moves, and the page changes when it is over.
const training = document.getElementById('training');
async function look() {
  try {
    const response = await fetch(location.pathname, { headers: { 'x-fragment': '1' } });
    if (response.redirected) {
      location.assign('/sign-in');
      return;
    }
    if (response.ok) {
      const holder = document.createElement('div');
      holder.innerHTML = await response.text();
      const found = holder.querySelector('#training');
      if (!found || found.dataset.running !== '1') {
        location.reload();
        return;
      }
      training.querySelector('.training-now').replaceChildren(
        ...found.querySelector('.training-now').childNodes,
      );
    }
  } catch {
    // The server is away for a moment: ask again.
  }
  setTimeout(look, 1000);
}
if (training?.dataset.running === '1') setTimeout(look, 1000);
