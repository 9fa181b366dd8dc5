// The page of a call: hearing, jumping, judging by keyboard. Everything here also works, more slowly, with forms alone.
"use strict";

const LEAD_IN_S = 2;
const STEP_S = 5;
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];

const page = document.querySelector("main.call");
const audio = page.querySelector("audio");
const duration = Number(page.dataset.duration) / 1000;
let findings = [...page.querySelectorAll(".finding")];
const turns = [...page.querySelectorAll(".turn")];
const zh = document.documentElement.lang.startsWith("zh");
const words = zh
  ? {
      confirmed: "属实", rejected: "误报", unsure: "存疑", withdrawn: "撤回", failed: "没有保存：",
      remark: "说明随判断一起保存：按 y、n 或 u", silent: "录音无法播放。",
      all: "都判完了：按 Ctrl+Enter 提交并打开下一通", marked: "已补记",
      open: (n) => `还有 ${n} 项没有判断：再按一次就提交`, unsent: "有说明没有随判断保存：再按一次就提交（说明会丢掉）",
      brackets: (text) => `（${text}）`, colon: "：",
    }
  : {
      confirmed: "confirmed", rejected: "rejected", unsure: "unsure", withdrawn: "withdrawn", failed: "not saved: ",
      remark: "the remark is saved with a verdict: press y, n or u",
      all: "All judged: Ctrl+Enter submits and opens the next call", marked: "marked",
      open: (n) => `${n} findings are not judged: press again to submit`, unsent: "a remark was not saved with a verdict: press again to submit without it",
      silent: "The recording cannot be played.", brackets: (text) => ` (${text})`, colon: ": ",
    };
let chosen = -1;

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

function play(fromMs) {
  if (!audio) return;
  audio.currentTime = Math.max(0, fromMs / 1000 - LEAD_IN_S);
  audio.play().catch(() => {}); // Browsers may want a click first; the place is set all the same.
}

const isOpen = (finding) => !finding.dataset.verdict && finding.querySelector("form.verdict");

// On to the next one that nobody judged, round to the beginning; after the last the form is next.
function advance() {
  const order = [...findings.slice(chosen + 1), ...findings.slice(0, Math.max(chosen, 0))];
  const next = order.find(isOpen);
  if (next) return choose(findings.indexOf(next));
  toast(words.all);
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
    const told = await reply.json();
    if (changes.verdict === "withdrawn") remove(form.closest(".finding"));
    else show(form, told);
    follow(told.items);
    renew(told.head);
    if (action === "verdict" && form.dataset.draftOf) dropDraft(form);
    return true;
  } catch (error) {
    toast(words.failed + error.message);
  } finally {
    buttons.forEach((b) => (b.disabled = false));
  }
}

const made = (html) => new DOMParser().parseFromString(html, "text/html").body.firstElementChild;

// What the head of the page says: who is at the call, what has become of it.
function renew(head) {
  if (head) page.querySelector("#head").replaceWith(made(head));
}

function remove(card) {
  card.remove();
  findings = [...page.querySelectorAll(".finding")];
  chosen = Math.min(chosen, findings.length - 1);
}

function show(form, { id, verdict, cause, by, note }) {
  const card = form.closest(".finding");
  const option = cause && form.querySelector(`option[value=${cause}]`);
  form.elements.before.value = id;
  if (form.elements.cause) form.elements.cause.value = cause ?? "";
  card.dataset.verdict = verdict;
  card.querySelector(".said").textContent =
    `${words[verdict]}${option ? words.brackets(option.dataset.word) : ""} · ${by}${note ? words.colon + note : ""}`;
}

// Confirmed: on to the next. A rejection waits for its cause, which goes on as well.
const judge = (form, verdict, go = false) => send(form, async () => {
  const done = await post(form, "verdict", { verdict });
  if (done && go && verdict === "confirmed") advance();
});

// A cause that is chosen before the verdict goes with it; one that is chosen later is sent at once.
function explain(form, cause, go = false) {
  return send(form, async () => {
    form.elements.cause.value = cause;
    if (!["rejected", "unsure"].includes(form.closest(".finding").dataset.verdict)) return;
    if ((await post(form, "cause", { cause })) && go) advance();
  });
}

const sheet = document.querySelector("form#sheet");
const sheetName = `sheet ${page.dataset.id}`;
const isCheck = (input) => input.type === "checkbox";

// Items follow the verdicts, except those that a person set: here, or in the form that was handed in.
function follow(items) {
  if (!sheet) return;
  for (const input of sheet.querySelectorAll("input[name^='item.']:not([data-hand])")) {
    input.value = items[input.name.slice(5)] ?? 0;
  }
  // What was handed in stays what it was until it is handed in again.
  sheet.querySelector(".overtaken").hidden = !sheet.elements.before.value;
  total(true);
}

// What is not handed in yet outlives the page: the next call, a reload, another tab.
function keepDraft(changed) {
  changed.dataset.hand = changed.dataset.draft = "";
  const fields = [...sheet.querySelectorAll("[data-draft]")].map((i) => [i.name, isCheck(i) ? i.checked : i.value]);
  draftStore.keep(sheetName, page.dataset.id, { form: sheet.elements.before.value, fields });
}

// A draft belongs to the form that it was begun on: once that is handed in, there is a newer one.
function takeDraft() {
  const draft = draftStore.take(sheetName);
  if (!draft) return;
  if (draft.form !== sheet.elements.before.value) return draftStore.drop(sheetName, page.dataset.id);
  for (const [name, value] of draft.fields) {
    const input = sheet.elements[name];
    if (!input) continue;
    if (isCheck(input)) input.checked = value;
    else input.value = value;
    input.dataset.hand = input.dataset.draft = "";
  }
  toast(draftWords);
}

function total(unfold = false) {
  let sum = 0;
  for (const input of sheet.querySelectorAll("input[name^='item.']")) {
    const off = Math.max(0, Number(input.value) || 0);
    input.closest("label").classList.toggle("off", off > 0);
    if (off > 0 && unfold) input.closest("details")?.setAttribute("open", "");
    sum += off;
  }
  sheet.querySelector("output.score").textContent = Math.max(0, 100 - sum).toFixed(1).replace(/\.0$/, "");
}

// What is left over is said once; whoever presses again means it.
function sure() {
  const open = findings.filter(isOpen).length;
  const unsent = findings.some((f) => isOpen(f) && f.querySelector("[name=note]")?.value.trim());
  if (sheet.dataset.sure || (open === 0 && !unsent)) return true;
  sheet.dataset.sure = "1";
  toast(unsent ? words.unsent : words.open(open));
  const first = findings.findIndex(isOpen);
  if (first >= 0) findings[first].scrollIntoView({ block: "center" });
  return false;
}

// What was played just now belongs to the form.
function waitHeard(event) {
  if (sheet.dataset.told || !(playing && playing[1] > playing[0]) && played.length === 0) return false;
  event.preventDefault();
  const by = event.submitter;
  audio?.pause();
  sheet.dataset.told = "1";
  tellHeard().finally(() => sheet.requestSubmit(by));
  return true;
}

const handIn = () => sheet?.requestSubmit(sheet.querySelector("button[name=then][value=next]"));

if (sheet) {
  takeDraft();
  sheet.addEventListener("input", (event) => {
    keepDraft(event.target);
    total();
  });
  // Before what sends it once, and what remembers that it was sent.
  sheet.addEventListener("submit", (event) => {
    if (!sure()) return event.preventDefault();
    if (waitHeard(event)) return;
    clearTimeout(waiting.get(sheetName)?.timer);
    waiting.delete(sheetName);
    leaving(sheetName, page.dataset.id);
  });
  total(true);
}

function wire(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    judge(form, event.submitter?.value ?? "unsure");
  });
  form.elements.note?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
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

page.querySelectorAll("form.verdict").forEach(wire);

// A miss is marked where one hears it: from two seconds before to now.
function mark() {
  const box = document.querySelector("#missed");
  if (!box) return;
  box.open = true;
  const now = audio ? Math.min(audio.currentTime, duration) : 0;
  box.querySelector("[name=from_s]").value = Math.max(0, now - LEAD_IN_S).toFixed(1);
  box.querySelector("[name=to_s]").value = Math.max(now, 0.5).toFixed(1);
  box.scrollIntoView({ block: "center" });
  box.querySelector(".combo input, select").focus();
}

// What is raised to the team lead, or goes into the library, begins where one hears it, too.
document.querySelectorAll("#raise, #lesson").forEach((box) => box.addEventListener("toggle", ({ target }) => {
  const [from, to] = ["from_s", "to_s"].map((name) => target.querySelector(`[name=${name}]`));
  if (!target.open || from.value) return;
  const now = audio ? Math.min(audio.currentTime, duration) : 0;
  from.value = Math.max(0, now - LEAD_IN_S).toFixed(1);
  to.value = Math.max(now, 0.5).toFixed(1);
}));

// The list of rules as a box to type in: characters of the title, initials or sounds in pinyin, or the id.
function combo(box) {
  const select = box.querySelector("select");
  const options = [...select.options].filter((o) => o.value);
  const field = Object.assign(document.createElement("input"), { type: "text", autocomplete: "off", required: true });
  const list = Object.assign(document.createElement("ul"), { id: "rules-found", hidden: true });
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "false");
  list.setAttribute("role", "listbox");
  select.hidden = true;
  select.required = false;
  select.after(field, list);
  let at = 0;
  const marked = () => list.children[at];
  const point = (to) => {
    at = Math.min(Math.max(to, 0), list.children.length - 1);
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    marked()?.scrollIntoView({ block: "nearest" });
    if (marked()?.id) field.setAttribute("aria-activedescendant", marked().id);
  };
  const close = () => {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
  };
  const take = (item) => {
    if (!item?.dataset.value) return false;
    select.value = item.dataset.value;
    field.value = item.textContent;
    close();
    select.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  };
  const search = () => {
    const words = field.value.trim().toLowerCase();
    select.value = "";
    // Titles first, then what only sounds so.
    const rank = (o) => {
      const at = [o.textContent.toLowerCase().indexOf(words), o.dataset.keys.indexOf(words)];
      return at[0] === 0 ? 0 : at[1] === 0 ? 1 : at[0] > 0 ? 2 : at[1] > 0 ? 3 : -1;
    };
    const found = words ? options.filter((o) => rank(o) >= 0).sort((a, b) => rank(a) - rank(b)) : [];
    list.replaceChildren(...found.slice(0, 8).map((o, i) => {
      const item = Object.assign(document.createElement("li"), { id: `rule-found-${i}`, textContent: o.textContent });
      item.dataset.value = o.value;
      item.setAttribute("role", "option");
      return item;
    }));
    if (words && found.length === 0) list.append(Object.assign(document.createElement("li"), { textContent: box.dataset.none }));
    list.hidden = !words;
    field.setAttribute("aria-expanded", String(Boolean(words)));
    point(0);
  };
  field.addEventListener("input", search);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); point(at + step); }
    if (event.key === "Escape") close();
    // Enter takes the first that fits, and sends: the stretch is the one that was just heard.
    if (event.key === "Enter" && !event.ctrlKey) {
      event.preventDefault();
      if (select.value || take(marked())) select.form.requestSubmit();
    }
  });
  list.addEventListener("mousedown", (event) => { event.preventDefault(); take(event.target); });
  field.addEventListener("blur", close);
  const shown = () => { field.value = select.selectedOptions[0]?.value ? select.selectedOptions[0].textContent : ""; };
  select.form.addEventListener("draft", shown);
  select.form.addEventListener("reset", () => setTimeout(shown));
  shown();
}

const missed = document.querySelector("#missed form");
if (missed) {
  combo(missed.querySelector(".combo"));
  missed.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!missed.elements.rule.value) return missed.querySelector(".combo input").focus();
    const body = new URLSearchParams(new FormData(missed));
    try {
      const reply = await fetch(missed.action, { method: "POST", body, headers: { "X-Requested-With": "callsift" } });
      if (!reply.ok) throw new Error(new DOMParser().parseFromString(await reply.text(), "text/html").querySelector("main p")?.textContent ?? reply.status);
      const told = await reply.json();
      const card = made(told.card);
      document.querySelector("#findings").append(card);
      card.querySelectorAll("form.verdict").forEach(wire);
      findings = [...page.querySelectorAll(".finding")];
      follow(told.items);
      renew(told.head);
      dropDraft(missed);
      missed.reset();
      missed.closest("details").open = false;
      document.activeElement?.blur(); // The keys belong to the page again.
      toast(words.marked);
    } catch (error) {
      toast(words.failed + error.message);
    }
  });
}

// By severity, as the page comes, or by time.
function reorder() {
  const button = page.querySelector("[data-do=order]");
  if (!button) return;
  const byTime = !button.dataset.on;
  button.toggleAttribute("data-on", byTime);
  if (byTime) button.dataset.on = "1";
  button.querySelector("span").textContent = byTime ? button.dataset.grave : button.dataset.time;
  const now = findings[chosen];
  const time = (f) => Number(f.dataset.seek ?? Infinity);
  const rank = (f) => -Number(f.dataset.rank ?? 0);
  const list = document.querySelector("#findings");
  list.append(...[...findings].sort((a, b) => (byTime ? 0 : rank(a) - rank(b)) || time(a) - time(b)));
  findings = [...page.querySelectorAll(".finding")];
  chosen = findings.indexOf(now);
}
page.querySelector("[data-do=order]")?.addEventListener("click", reorder);

// What was typed just now is kept before the next page asks for it.
page.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[action='/queue/next']") || waiting.size === 0) return;
  event.preventDefault();
  await flushDrafts();
  form.submit();
});

// To the form, below the player and not under it, with the focus in it.
function toSheet() {
  if (!sheet) return;
  sheet.scrollIntoView({ block: "start" });
  sheet.querySelector("fieldset input, textarea").focus({ preventScroll: true });
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

// Proven listening: stretches that really played, at any speed, are told every few seconds; the server counts each moment once.
const TELL_MS = 10000;
const whole = sheet?.elements.whole;
const heardShow = page.querySelector(".heard");
let played = [];
let playing = null;

function playedTo(s) {
  const ms = Math.round(s * 1000);
  // A jump is no listening: what was played ends where the last tick was.
  if (playing && ms >= playing[1] && ms - playing[1] < 1500) playing[1] = ms;
  else {
    if (playing && playing[1] > playing[0]) played.push(playing);
    playing = [ms, ms];
  }
}

function showHeard(share) {
  heardShow.dataset.share = share;
  heardShow.textContent = `${heardShow.dataset.words}${Math.floor(share * 100)}%`;
  if (whole && share >= 0.95 && !whole.checked && whole.dataset.hand === undefined) whole.checked = true;
  askReason();
}

// Ticked without having played it: the reason is asked for.
function askReason() {
  const why = sheet?.querySelector(".whole-reason");
  if (!why) return;
  const short = whole.checked && Number(heardShow?.dataset.share ?? 0) < 0.95;
  why.hidden = !short;
  why.querySelector("input").required = short;
}

async function tellHeard() {
  if (playing && playing[1] > playing[0]) played.push([...playing]);
  if (playing) playing = [playing[1], playing[1]];
  if (played.length === 0) return;
  const spans = played.map(([from, to]) => `${from}-${to}`).join(",");
  played = [];
  const body = new URLSearchParams({ csrf: page.dataset.csrf, spans });
  const reply = await fetch(`${page.dataset.call}/heard`, { method: "POST", body, keepalive: true, headers: { "X-Requested-With": "callsift" } }).catch(() => null);
  if (reply?.ok) showHeard((await reply.json()).share);
}

if (audio && sheet) {
  audio.addEventListener("timeupdate", () => !audio.paused && playedTo(audio.currentTime));
  audio.addEventListener("seeking", () => { if (playing && playing[1] > playing[0]) played.push(playing); playing = null; });
  for (const event of ["pause", "ended"]) audio.addEventListener(event, () => { playedTo(audio.currentTime); tellHeard(); });
  setInterval(tellHeard, TELL_MS);
  window.addEventListener("pagehide", tellHeard);
}
if (sheet) {
  whole.addEventListener("change", askReason);
  askReason();
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
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && sheet) {
    event.preventDefault();
    return handIn();
  }
  if (event.key === "Escape" && typing) return event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const verdict = verdictKeys[event.key];
  const form = findings[chosen]?.querySelector("form.verdict");
  const cause = /^[1-9]$/.test(event.key) && form?.elements.cause?.options[event.key]?.value;
  const actions = {
    j: () => choose(chosen + 1),
    k: () => choose(chosen - 1),
    m: mark,
    f: toSheet,
    o: reorder,
    "?": () => document.querySelector("#keys")?.showModal(),
    ...(audio && {
      " ": toggle, ArrowLeft: () => move(-STEP_S), ArrowRight: () => move(STEP_S),
      "[": () => speed(-1), "]": () => speed(1), l: () => page.querySelector("[data-do=loop]")?.click(),
    }),
    ...(verdict && form?.querySelector(`[value=${verdict}]`) && { [event.key]: () => judge(form, verdict, true) }),
    ...(cause && { [event.key]: () => explain(form, cause, true) }),
  };
  const action = actions[event.key];
  if (!action || acts(event.key, event.target)) return;
  event.preventDefault();
  action();
});

// An address that names a turn is heard from there.
const named = document.getElementById(location.hash.slice(1));
if (named?.dataset.start && audio) audio.currentTime = Math.max(0, Number(named.dataset.start) / 1000 - LEAD_IN_S);
