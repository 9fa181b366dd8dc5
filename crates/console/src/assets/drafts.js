// What is typed and not sent outlives a reload, in this tab and for this person; it goes when it is sent and at logout.
"use strict";

function toast(text) {
  document.querySelector(".toast")?.remove();
  const box = Object.assign(document.createElement("div"), { className: "toast", textContent: text });
  box.setAttribute("role", "status");
  document.body.append(box);
  setTimeout(() => box.remove(), 4000);
}

const draftWords = document.documentElement.lang.startsWith("zh") ? "已恢复未提交的填写" : "what was not sent is back";
const draftOwner = document.querySelector(".who")?.dataset.person;
// Names the draft of the form that leaves this page; the page after it tells whether it was taken.
const DRAFT_SENT = "sent draft";

const draftName = (form) => `draft ${draftOwner} ${form.dataset.draftOf}`;
// A cause is sent with a click and belongs to the verdict that stands.
const draftFields = (form) => [...form.elements].filter((e) => e.name && e.name !== "cause" && e.matches("textarea, select, input:not([type=hidden])"));
const dropDraft = (form) => sessionStorage.removeItem(draftName(form));

function keepTyped(form) {
  const fields = draftFields(form);
  const words = fields.some((e) => e.matches("textarea, input:not([type=number])") && e.value !== "");
  if (!words) return dropDraft(form);
  sessionStorage.setItem(draftName(form), JSON.stringify(fields.map((e) => [e.name, e.value])));
}

// Gives whether there was something to bring back.
function bringBack(form) {
  const kept = JSON.parse(sessionStorage.getItem(draftName(form)) ?? "null");
  if (!kept) return false;
  for (const [name, value] of kept) {
    if (form.elements[name]) form.elements[name].value = value;
  }
  const fold = form.closest("details");
  if (fold) fold.open = true;
  return true;
}

// Only whoever took a form sends on to a page; a refusal, a reload, the way back and a broken line do not.
function wasTaken() {
  const [load] = performance.getEntriesByType("navigation");
  return Boolean(draftOwner) && load?.type === "navigate" && load.redirectCount > 0;
}

if (wasTaken()) sessionStorage.removeItem(sessionStorage.getItem(DRAFT_SENT) ?? "");
sessionStorage.removeItem(DRAFT_SENT);
window.addEventListener("pageshow", () => sessionStorage.removeItem(DRAFT_SENT));

if (draftOwner) {
  const forms = [...document.querySelectorAll("form[data-draft-of]")];
  for (const form of forms) {
    for (const event of ["input", "change"]) form.addEventListener(event, () => keepTyped(form));
    // What is sent without leaving the page is dropped when the answer comes.
    form.addEventListener("submit", (event) => {
      if (!event.defaultPrevented) sessionStorage.setItem(DRAFT_SENT, draftName(form));
    });
  }
  if (forms.map(bringBack).includes(true)) toast(draftWords);
}
