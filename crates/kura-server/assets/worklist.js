// One key for each thing a doctor does with the list. Without this script the buttons do it.
const list = document.getElementById("worklist");
const items = [...list.children];
let at = 0;

function go(to) {
  at = Math.max(0, Math.min(items.length - 1, to));
  items.forEach((item, index) => item.toggleAttribute("data-here", index === at));
  items[at].focus({ preventScroll: true });
  items[at].scrollIntoView({ block: "nearest" });
}

function press(decision) {
  items[at].querySelector(`button[value="${decision}"]`)?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target instanceof HTMLSelectElement) return;
  const typing = event.target instanceof HTMLInputElement;
  if (typing) {
    if (event.key === "Escape") items[at].focus();
    // Enter in the note sends the correction, not the first button.
    if (event.key === "Enter") {
      event.preventDefault();
      press("correct");
    }
    return;
  }
  switch (event.key) {
    case "j": go(at + 1); break;
    case "k": go(at - 1); break;
    case "a": press("accept"); break;
    case "r": press("reject"); break;
    case "c": items[at].querySelector('input[name="note"]')?.focus(); break;
    case "p": items[at].querySelector("details")?.toggleAttribute("open"); break;
    case "o": items[at].querySelector("a.open")?.click(); break;
    default: return;
  }
  event.preventDefault();
});

list.addEventListener("focusin", (event) => {
  const index = items.indexOf(event.target.closest("li"));
  if (index >= 0 && index !== at) {
    at = index;
    items.forEach((item, other) => item.toggleAttribute("data-here", other === at));
  }
});

if (items.length > 0) go(0);
