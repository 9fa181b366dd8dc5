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

// j and k go down and up a list of calls; beyond its ends they turn the page.
const calls = [...document.querySelectorAll("table.calls tbody tr")].map((row) => row.querySelector("a[href^='/calls/']")).filter(Boolean);
calls.at({ "#first": 0, "#last": -1 }[location.hash] ?? calls.length)?.focus();

document.addEventListener("keydown", (event) => {
  const step = { j: 1, k: -1 }[event.key];
  if (!step || calls.length === 0 || typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const at = calls.indexOf(document.activeElement);
  const next = at < 0 ? 0 : at + step;
  if (calls[next]) return calls[next].focus();
  const neighbour = document.querySelector(`.pager a[rel=${step > 0 ? "next" : "prev"}]`);
  if (neighbour) location.assign(`${neighbour.href}${step > 0 ? "#first" : "#last"}`);
});
