// What is typed and not sent outlives a reload at once (this tab), and another tab, browser or machine soon after (the server keeps
// it for its author alone). It goes when it is sent.
"use strict";

// Readers of screens tell what is put into a region that was there before.
const spoken = Object.assign(document.createElement("div"), { className: "unseen" });
spoken.setAttribute("role", "status");
document.body.append(spoken);

function toast(text) {
  spoken.textContent = text;
  let box = document.querySelector(".toast");
  if (!box) {
    box = Object.assign(document.createElement("div"), { className: "toast" });
    box.setAttribute("aria-hidden", "true");
    document.body.append(box);
  }
  box.textContent = text;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => box.remove(), 4000);
}

const draftWords = document.documentElement.lang.startsWith("zh") ? "已恢复未提交的填写" : "what was not sent is back";
const draftOwner = document.querySelector(".who")?.dataset.person;
const draftCsrf = document.querySelector("input[name=csrf]")?.value;
// Names the draft of the form that leaves this page; the page after it tells whether it was taken.
const DRAFT_SENT = "sent draft";
const SOON_MS = 600;

// What the server kept; a draft is { at, ... } with the time when it was typed.
const kept = JSON.parse(document.querySelector("#drafts")?.dataset.drafts ?? "{}");
const waiting = new Map();

function tell(name, call, value) {
  const body = new URLSearchParams({ csrf: draftCsrf, call, name, value });
  return fetch("/drafts", { method: "POST", body, keepalive: true, headers: { "X-Requested-With": "callsift" } }).catch(() => {});
}

function flushDrafts() {
  const all = [...waiting].map(([name, { timer, call, value }]) => {
    clearTimeout(timer);
    return tell(name, call, value);
  });
  waiting.clear();
  return Promise.all(all);
}

const draftStore = {
  key: (name) => `draft ${draftOwner} ${name}`,
  keep(name, call, draft) {
    const value = JSON.stringify({ at: Date.now(), ...draft });
    sessionStorage.setItem(this.key(name), value);
    clearTimeout(waiting.get(name)?.timer);
    waiting.set(name, { call, value, timer: setTimeout(() => { waiting.delete(name); tell(name, call, value); }, SOON_MS) });
  },
  drop(name, call) {
    const known = sessionStorage.getItem(this.key(name)) !== null || name in kept || waiting.has(name);
    sessionStorage.removeItem(this.key(name));
    clearTimeout(waiting.get(name)?.timer);
    waiting.delete(name);
    delete kept[name];
    if (known) tell(name, call, "");
  },
  // The one that was typed last: here, or elsewhere.
  take(name) {
    const read = (text) => { try { return JSON.parse(text ?? "null"); } catch { return null; } };
    const [here, there] = [read(sessionStorage.getItem(this.key(name))), read(kept[name])];
    return (there?.at ?? 0) > (here?.at ?? 0) ? there : here;
  },
};

window.addEventListener("pagehide", flushDrafts);
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flushDrafts());

const draftCall = (form) => form.dataset.draftCall ?? document.querySelector("main.call")?.dataset.id ?? "";
// A cause is sent with a click and belongs to the verdict that stands.
const draftFields = (form) => [...form.elements].filter((e) => e.name && e.name !== "cause" && e.matches("textarea, select, input:not([type=hidden])"));
const dropDraft = (form) => draftStore.drop(form.dataset.draftOf, draftCall(form));

function keepTyped(form) {
  const fields = draftFields(form);
  const words = fields.some((e) => e.matches("textarea, input:not([type=number]), select") && e.value !== "");
  if (!words) return dropDraft(form);
  draftStore.keep(form.dataset.draftOf, draftCall(form), { fields: fields.map((e) => [e.name, e.value]) });
}

// Gives whether there was something to bring back.
function bringBack(form) {
  const draft = draftStore.take(form.dataset.draftOf);
  if (!draft) return false;
  for (const [name, value] of draft.fields) {
    if (form.elements[name]) form.elements[name].value = value;
  }
  form.dispatchEvent(new Event("draft"));
  const fold = form.closest("details");
  if (fold) fold.open = true;
  return true;
}

// Only whoever took a form sends on to a page; a refusal, a reload, the way back and a broken line do not.
function wasTaken() {
  const [load] = performance.getEntriesByType("navigation");
  return Boolean(draftOwner) && load?.type === "navigate" && load.redirectCount > 0;
}

const sent = JSON.parse(sessionStorage.getItem(DRAFT_SENT) ?? "null");
if (wasTaken() && sent) draftStore.drop(sent.name, sent.call);
sessionStorage.removeItem(DRAFT_SENT);
window.addEventListener("pageshow", () => sessionStorage.removeItem(DRAFT_SENT));

const leaving = (name, call) => sessionStorage.setItem(DRAFT_SENT, JSON.stringify({ name, call }));

if (draftOwner) {
  const forms = [...document.querySelectorAll("form[data-draft-of]")];
  for (const form of forms) {
    for (const event of ["input", "change"]) form.addEventListener(event, () => keepTyped(form));
  }
  // At the document, after all that a form itself does: what is sent without leaving the page is dropped when the answer comes.
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && event.target.dataset.draftOf) leaving(event.target.dataset.draftOf, draftCall(event.target));
  });
  if (forms.map(bringBack).includes(true)) toast(draftWords);
}
