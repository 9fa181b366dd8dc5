// The page of a call: hearing, jumping, judging by keyboard. Everything here also works, more slowly, with forms alone.
"use strict";

const LEAD_IN_S = 2;
const STEP_S = 5;
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];

const page = document.querySelector("main.call");
const audio = page.querySelector("audio");
const duration = Number(page.dataset.duration) / 1000;
const findings = [...page.querySelectorAll(".finding")];
const turns = [...page.querySelectorAll(".turn")];
const zh = document.documentElement.lang.startsWith("zh");
const words = zh
  ? {
      confirmed: "属实", rejected: "误报", unsure: "存疑", withdrawn: "撤回", failed: "没有保存：",
      remark: "说明随判断一起保存：按 y、n 或 u", silent: "录音无法播放。",
      brackets: (text) => `（${text}）`, colon: "：",
    }
  : {
      confirmed: "confirmed", rejected: "rejected", unsure: "unsure", withdrawn: "withdrawn", failed: "not saved: ",
      remark: "the remark is saved with a verdict: press y, n or u",
      silent: "The recording cannot be played.", brackets: (text) => ` (${text})`, colon: ": ",
    };
let chosen = -1;

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

function play(fromMs) {
  if (!audio) return;
  audio.currentTime = Math.max(0, fromMs / 1000 - LEAD_IN_S);
  audio.play().catch(() => {}); // Browsers may want a click first; the place is set all the same.
}

function choose(index) {
  if (findings.length === 0) return;
  chosen = Math.min(Math.max(index, 0), findings.length - 1);
  findings.forEach((f, i) => f.classList.toggle("chosen", i === chosen));
  const finding = findings[chosen];
  finding.focus({ preventScroll: true });
  finding.scrollIntoView({ block: "center", behavior: "instant" });
  if (finding.dataset.seek) play(Number(finding.dataset.seek));
}

// What is sent of one place waits for what was sent before it: the next row names the last one.
function send(form, work) {
  form.sending = (form.sending ?? Promise.resolve()).then(work);
  return form.sending;
}

// Verdicts and causes go to the server without leaving the page; the form below follows.
async function post(form, action, changes) {
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries(changes)) body.set(name, value);
  const buttons = form.querySelectorAll("button:not([hidden])");
  buttons.forEach((b) => (b.disabled = true));
  try {
    const reply = await fetch(`${page.dataset.call}/${action}`, { method: "POST", body, headers: { "X-Requested-With": "callsift" } });
    if (!reply.ok) {
      const text = new DOMParser().parseFromString(await reply.text(), "text/html").querySelector("main p");
      throw new Error(text?.textContent ?? reply.status);
    }
    if (changes.verdict === "withdrawn") return location.reload();
    show(form, await reply.json());
    if (action === "verdict") dropDraft(form);
  } catch (error) {
    toast(words.failed + error.message);
  } finally {
    buttons.forEach((b) => (b.disabled = false));
  }
}

function show(form, { id, verdict, cause, by, note, items }) {
  const card = form.closest(".finding");
  const option = cause && form.querySelector(`option[value=${cause}]`);
  form.elements.before.value = id;
  if (form.elements.cause) form.elements.cause.value = cause ?? "";
  card.dataset.verdict = verdict;
  card.querySelector(".said").textContent =
    `${words[verdict]}${option ? words.brackets(option.dataset.word) : ""} · ${by}${note ? words.colon + note : ""}`;
  follow(items);
}

const judge = (form, verdict) => send(form, () => post(form, "verdict", { verdict }));

// A cause that is chosen before the verdict goes with it; one that is chosen later is sent at once.
function explain(form, cause) {
  return send(form, async () => {
    form.elements.cause.value = cause;
    if (["rejected", "unsure"].includes(form.closest(".finding").dataset.verdict)) await post(form, "cause", { cause });
  });
}

const sheet = document.querySelector("form#sheet");
const draftKey = `draft ${page.dataset.person} ${page.dataset.call}`;
const isCheck = (input) => input.type === "checkbox";

// Items follow the verdicts, except those that a person set: here, or in the form that was handed in.
function follow(items) {
  if (!sheet) return;
  for (const input of sheet.querySelectorAll("input[name^='item.']:not([data-hand])")) {
    input.value = items[input.name.slice(5)] ?? 0;
  }
  // What was handed in stays what it was until it is handed in again.
  sheet.querySelector(".overtaken").hidden = !sheet.elements.before.value;
  total();
}

// What is not handed in yet outlives the page: marking a miss, withdrawing one and the next call all leave it.
function keepDraft(changed) {
  changed.dataset.hand = changed.dataset.draft = "";
  const fields = [...sheet.querySelectorAll("[data-draft]")].map((i) => [i.name, isCheck(i) ? i.checked : i.value]);
  sessionStorage.setItem(draftKey, JSON.stringify({ form: sheet.elements.before.value, fields }));
}

// A draft belongs to the form that it was begun on: once that is handed in, there is a newer one.
function takeDraft() {
  const draft = JSON.parse(sessionStorage.getItem(draftKey) ?? "null");
  if (draft?.form !== sheet.elements.before.value) return sessionStorage.removeItem(draftKey);
  for (const [name, value] of draft.fields) {
    const input = sheet.elements[name];
    if (!input) continue;
    if (isCheck(input)) input.checked = value;
    else input.value = value;
    input.dataset.hand = input.dataset.draft = "";
  }
  toast(draftWords);
}

function total() {
  let sum = 0;
  for (const input of sheet.querySelectorAll("input[name^='item.']")) {
    const off = Math.max(0, Number(input.value) || 0);
    input.closest("label").classList.toggle("off", off > 0);
    sum += off;
  }
  sheet.querySelector("output.score").textContent = Math.max(0, 100 - sum).toFixed(1).replace(/\.0$/, "");
}

if (sheet) {
  takeDraft();
  sheet.addEventListener("input", (event) => {
    keepDraft(event.target);
    total();
  });
  total();
}

for (const form of page.querySelectorAll("form.verdict")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    judge(form, event.submitter?.value ?? "unsure");
  });
  form.elements.note?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    event.target.blur(); // The keys belong to the page again; which verdict it is remains to be said.
    toast(words.remark);
  });
  const causes = form.elements.cause;
  causes?.addEventListener("change", () => {
    const cause = causes.value;
    causes.blur(); // The keys belong to the page again.
    explain(form, cause);
  });
}

// A miss is marked where one hears it: from two seconds before to now.
function mark() {
  const box = document.querySelector("#missed");
  if (!box) return;
  box.open = true;
  const now = audio ? Math.min(audio.currentTime, duration) : 0;
  box.querySelector("[name=from_s]").value = Math.max(0, now - LEAD_IN_S).toFixed(1);
  box.querySelector("[name=to_s]").value = Math.max(now, 0.5).toFixed(1);
  box.scrollIntoView({ block: "center" });
  box.querySelector("select").focus();
}

function speed(step) {
  const select = page.querySelector("[data-do=speed]");
  if (!select) return;
  const at = SPEEDS.indexOf(Number(select.value)) + step;
  select.value = String(SPEEDS[Math.min(Math.max(at, 0), SPEEDS.length - 1)]);
  audio.playbackRate = Number(select.value);
}

// Only the conversation scrolls, where it does so by itself: the finding that is being judged stays where it is.
function keepInSight(turn) {
  const talk = turn.parentElement;
  if (talk.scrollHeight > talk.clientHeight) talk.scrollTop = turn.offsetTop - talk.clientHeight / 3;
}

const toggle = () => (audio.paused ? audio.play().catch(() => {}) : audio.pause());
// Nothing is loaded before somebody plays, since that is logged as listening: until then the place shows only if told to.
function jump(toS) {
  audio.currentTime = Math.min(Math.max(0, toS), duration);
  audio.dispatchEvent(new Event("timeupdate"));
}

const move = (s) => jump(audio.currentTime + s);

// A sentence instead of controls that do nothing.
function silence() {
  const player = page.querySelector(".player");
  player.replaceChildren(Object.assign(document.createElement("p"), { className: "problem", textContent: words.silent }));
}

if (audio) {
  const cursor = page.querySelector(".cursor");
  const now = page.querySelector(".now");
  const loop = page.querySelector("[data-do=loop]");
  const clip = page.querySelector("[data-do=clip]");
  audio.addEventListener("timeupdate", () => {
    const ms = audio.currentTime * 1000;
    cursor.style.left = `${(100 * audio.currentTime) / duration}%`;
    now.textContent = `${clock(audio.currentTime)} / ${clock(duration)}`;
    for (const turn of turns) {
      const playing = ms >= Number(turn.dataset.start) && ms < Number(turn.dataset.end);
      if (playing && !turn.classList.contains("playing")) keepInSight(turn);
      turn.classList.toggle("playing", playing);
    }
    const finding = findings[chosen];
    if (loop.checked && finding?.dataset.end && ms > Number(finding.dataset.end) + 1000) play(Number(finding.dataset.seek));
  });
  page.querySelector(".wave").addEventListener("click", (event) => {
    if (event.target.dataset.seek) return; // A marked place, handled below.
    const box = event.currentTarget.getBoundingClientRect();
    jump((duration * (event.clientX - box.left)) / box.width);
  });
  page.querySelector("[data-do=back]").addEventListener("click", () => move(-STEP_S));
  page.querySelector("[data-do=forward]").addEventListener("click", () => move(STEP_S));
  page.querySelector("[data-do=play]").addEventListener("click", toggle);
  page.querySelector("[data-do=speed]").addEventListener("change", () => speed(0));
  clip.addEventListener("click", () => {
    const f = findings[chosen];
    const [from, to] = f?.dataset.seek ? [Number(f.dataset.seek) - 2000, Number(f.dataset.end) + 2000] : [0, duration * 1000];
    clip.href = `${page.dataset.call}/clip?from=${Math.max(0, Math.round(from))}&to=${Math.round(to)}`;
  });
  audio.addEventListener("error", silence);
  if (audio.error) silence();
}

page.addEventListener("click", (event) => {
  const seek = event.target.closest("[data-seek]");
  if (!seek || event.target.closest("form, summary, a")) return;
  const card = event.target.closest(".finding");
  if (card) {
    chosen = findings.indexOf(card);
    findings.forEach((f, i) => f.classList.toggle("chosen", i === chosen));
  }
  play(Number(seek.dataset.seek));
});

const verdictKeys = { y: "confirmed", n: "rejected", u: "unsure" };

// Keys that act on what has the focus belong to it.
const acts = (key, target) => [" ", "Enter"].includes(key) && target.matches("button, summary, a, input");

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return; // It covers what the keys would act on.
  if (event.key === "Enter" && event.target.matches("input[type=checkbox]")) {
    event.preventDefault(); // Else the browser hands in the form.
    return event.target.click();
  }
  const typing = event.target.matches("input:not([type=checkbox]), textarea, select");
  if (event.key === "Escape" && typing) return event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const verdict = verdictKeys[event.key];
  const form = findings[chosen]?.querySelector("form.verdict");
  const cause = /^[1-9]$/.test(event.key) && form?.elements.cause?.options[event.key]?.value;
  const actions = {
    j: () => choose(chosen + 1),
    k: () => choose(chosen - 1),
    m: mark,
    f: () => sheet?.scrollIntoView({ block: "start" }),
    "?": () => document.querySelector("#keys")?.showModal(),
    ...(audio && {
      " ": toggle, ArrowLeft: () => move(-STEP_S), ArrowRight: () => move(STEP_S),
      "[": () => speed(-1), "]": () => speed(1), l: () => page.querySelector("[data-do=loop]")?.click(),
    }),
    ...(verdict && form?.querySelector(`[value=${verdict}]`) && { [event.key]: () => judge(form, verdict) }),
    ...(cause && { [event.key]: () => explain(form, cause) }),
  };
  const action = actions[event.key];
  if (!action || acts(event.key, event.target)) return;
  event.preventDefault();
  action();
});

// An address that names a turn is heard from there.
const named = document.getElementById(location.hash.slice(1));
if (named?.dataset.start && audio) audio.currentTime = Math.max(0, Number(named.dataset.start) / 1000 - LEAD_IN_S);
