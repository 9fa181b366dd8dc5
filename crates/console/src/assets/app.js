// On every page: a filter is sent when a choice changes, buttons with a key are pressed by it.
"use strict";

// Only what asks: a form that changes something is sent by its button alone.
for (const select of document.querySelectorAll("form.filters[method=get] select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

const typing = (target) => target.matches?.("input:not([type=checkbox]), textarea, select");

// What one person began to write is not for the next one at this machine.
document.querySelector("form[action='/logout']")?.addEventListener("submit", () => sessionStorage.clear());

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return; // It covers what the keys would act on.
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (button) {
    event.preventDefault();
    button.click();
  }
});
