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
  if (event.key === "/" && !typing(event.target)) {
    event.preventDefault();
    return document.querySelector("[data-find]")?.select();
  }
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (button) {
    event.preventDefault();
    button.click();
  }
});

// A form is sent once, however often its button is pressed; whoever comes back by the way back may press again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

for (const button of document.querySelectorAll("[data-do=print]")) button.addEventListener("click", () => window.print());

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  const text = button.dataset.copy;
  const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  toast(done ? copied + text : text);
});
const copied = document.documentElement.lang.startsWith("zh") ? "已复制 " : "copied: ";

// The whole row opens the call, where nothing in it was meant and nothing is being selected.
document.addEventListener("click", (event) => {
  const row = event.target.closest("table.calls tbody tr");
  if (!row || event.target.closest("a, button, input, select, form, summary") || String(getSelection())) return;
  row.querySelector("a[href^='/calls/']")?.click();
});

// On pages without a player a time beside a quote is heard in the sound beside it.
document.addEventListener("click", (event) => {
  const seek = event.target.closest("article.card [data-seek]");
  const audio = seek?.closest("article").querySelector("audio");
  if (!audio) return;
  audio.currentTime = Math.max(0, Number(seek.dataset.seek) / 1000 - 2);
  audio.play().catch(() => {});
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
