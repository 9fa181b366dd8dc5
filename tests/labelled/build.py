#!/usr/bin/env python3
"""Builds dev.jsonl, test.jsonl, fresh.jsonl, seen.jsonl and blind.jsonl from scenarios/*.txt (the format is in README.md). Deterministic, no dependencies.
build.py: write the files. --table: sizes per rule. --lint: places worth a second look by a person. --show NAME: print calls.
"""
import json
import os
import random
import re
import sys
import zlib
from datetime import datetime, timedelta, timezone

from data import (AGENTS, CALLED, COMPANIES, DAYS, FILL, GOODS, NOISE, OPENINGS, PARTICLES, PARTING, PRICES, QUEUES,
                  RULES, STREETS, SURNAMES, money, spoken)

HERE = os.path.dirname(os.path.abspath(__file__))
MARKS = {"A": {"w", "ty", "so", "rh", "fb", "ab", "sh", "pr"}, "C": {"neg", "grum", "uc"}}
VERDICTS = {"hit": "hit", "clear": "clear", "na": "not_applicable", "ct": "cannot_tell"}
SETS = ("dev", "test", "fresh", "seen", "blind")
WORDS = re.compile(r"[0-9A-Za-z\u4e00-\u9fff]")


class Bad(Exception):
    pass


def need(ok, text):
    if not ok:
        raise Bad(text)


# ---- reading -----------------------------------------------------------------------------------------------------
def read_scenarios():
    found, names = [], set()
    folder = os.path.join(HERE, "scenarios")
    for file in sorted(os.listdir(folder)):
        with open(os.path.join(folder, file), encoding="utf-8") as f:
            cur = None
            for n, line in enumerate(f, 1):
                line = line.strip()
                where = f"{file}:{n}"
                if not line or line.startswith("#"):
                    continue
                if line.startswith("== "):
                    name = line[3:].strip()
                    need(name not in names, f"{where}: {name} twice")
                    names.add(name)
                    need(file.split("-")[0] in SETS, f"{where}: no set of that name")
                    cur = {"name": name, "file": file, "set": file.split("-")[0], "head": {}, "over": {}, "turns": []}
                    found.append(cur)
                elif line.startswith("@ "):
                    for part in line[2:].split():
                        k, _, v = part.partition("=")
                        cur["head"][k] = v
                elif line[0] in "AC" and line[1] == ":":
                    cur["turns"].append(read_turn(line, where))
                else:
                    k, _, v = line.partition(":")
                    need(k in VERDICTS, f"{where}: {line}")
                    for rule in v.split():
                        need(rule in RULES, f"{where}: no rule {rule}")
                        cur["over"][rule] = VERDICTS[k]
    return found


def read_turn(line, where):
    turn = {"role": line[0], "marks": set()}
    text = line[2:].strip()
    while text.startswith("["):
        tag, _, text = text[1:].partition("]")
        text = text.strip()
        for t in tag.split(";"):
            t = t.strip()
            if t.startswith("+"):
                turn["gap"] = float(t[1:].rstrip("s"))
            elif t.startswith(("overlap ", "inside ", "conf ", "pace ")):
                k, v = t.split()
                turn[k] = float(v.rstrip("s"))
            else:
                for m in t.split():
                    need(m in MARKS[line[0]], f"{where}: mark {m}")
                    turn["marks"].add(m)
    turn["text"] = text
    return turn


# ---- words -------------------------------------------------------------------------------------------------------
class Slots:
    def __init__(self, sc, v, rnd):
        self.v, self.rnd = v, rnd
        self.unit, pool, names = GOODS[sc["head"].get("goods", "smoke")]
        self.names = rnd.sample(names, 4)
        many = rnd.sample(pool, min(len(pool), 8))
        while len(many) < 8:  # a small pool: others beside its numbers, all different
            many.append(next(n for n in range(max(pool) // 2, 999) if n not in many and n not in pool))
        self.num = {"qc"[k // 4] + str(k % 4 + 1): n for k, n in enumerate(many)}
        if "two" in sc["head"]:  # 2 is said in the most ways: let it come up
            self.num["q1"] = 2 if 2 not in list(self.num.values())[1:] else self.num["q1"]
        for k in "1234":  # a change of mind is to a smaller number; a: less than was asked for; w: a wrong one
            q, c = "q" + k, "c" + k
            self.num[q], self.num[c] = max(self.num[q], self.num[c]), min(self.num[q], self.num[c])
            self.num["a" + k] = max(1, self.num[q] // 2)
            self.num["w" + k] = rnd.choice([n for n in pool if n not in (self.num[q], self.num[c])])
        items = sc["head"].get("items", "")
        self.items = [x for x in items.split(",") if x]
        self.total = sum(self.num[x] for x in self.items)
        self.agent = rnd.choice(AGENTS)
        self.fixed = {"co": rnd.choice(COMPANIES), "st": rnd.choice(STREETS), "day": rnd.choice(DAYS),
                      "s": rnd.choice(SURNAMES) + rnd.choice(CALLED), "xing": rnd.choice(SURNAMES)}
        self.price = rnd.choice([230, 460, 580, 720, 860, 950, 1240, 1560, 2300])

    def agent_no(self):
        say = "".join("零一二三四五六七八九"[int(c)] for c in self.agent)
        return self.rnd.choice([f"工号{self.agent}", f"工号{say}", f"{self.agent}号话务员", f"我的工号是{say}"])

    def one(self, m):
        body = m.group(1)
        if "|" in body:  # the nth variant takes the nth wording everywhere, so that question and answer fit
            alts = body.split("|")
            return alts[self.v % len(alts)]
        if body == "hm":
            return self.rnd.choice(FILL)
        if body in ("hi", "bye"):
            return self.rnd.choice(OPENINGS if body == "hi" else PARTING)
        if body == "gh":
            return self.agent_no()
        if body == "m":
            return self.rnd.choice(money(self.price))
        if body == "sum":
            return self.rnd.choice(spoken(self.total, self.unit)[:2])
        if body == "mm":  # what the order would cost
            each = self.rnd.choice(PRICES[self.unit])
            return self.rnd.choice(money(self.total * each if self.total * each < 9900 else self.total * min(PRICES[self.unit])))
        if body in self.fixed:
            return self.fixed[body]
        if body[0] == "i":
            return self.names[int(body[1:]) - 1]
        if body in self.num:
            return self.rnd.choice(spoken(self.num[body], self.unit))
        raise Bad(f"no slot {body}")

    def fill(self, text):
        for _ in range(4):
            text = re.sub(r"\{([^{}]*)\}", self.one, text)
        need("{" not in text, f"slot left: {text}")
        return text


def add_noise(turns, rnd):
    """Puts sound-alike characters and dropped particles in place of what was said."""
    hits = [(t, a, b) for t in turns for a, b in NOISE if a in t["text"]]
    rnd.shuffle(hits)
    changed = 0
    for t, a, b in hits[:4]:
        if a in t["text"]:
            t["text"] = t["text"].replace(a, b, 1)
            t["noisy"] = True
            changed += 1
    for t in turns:
        if len(t["text"]) > 8 and rnd.random() < 0.35:
            t["text"] = re.sub(f"[{PARTICLES}]$", "", t["text"])
    need(changed, "noise changed nothing")


# ---- times -------------------------------------------------------------------------------------------------------
def chars(text):
    return len(WORDS.findall(text))


def lay_out(sc, turns, rnd, extra=0.0):
    pace = {"A": float(sc["head"].get("pace", rnd.uniform(240, 280))), "C": rnd.uniform(225, 285)}
    at, free = rnd.uniform(300, 1100), 0
    for i, t in enumerate(turns):
        need(t["text"], "empty turn")
        length = max(420, chars(t["text"]) * 60000 / t.get("pace", pace[t["role"]] * rnd.uniform(0.97, 1.03)))
        gap = rnd.uniform(200, 900)
        if "overlap" in t or "inside" in t:
            other = next(o for o in reversed(turns[:i]) if o["role"] != t["role"])
            start = other["end"] - 1000 * t.get("overlap", t.get("inside"))
            need(start > other["start"] + 600, f"overlap longer than the turn before: {t['text']}")
        elif "gap" in t:
            start = at + 1000 * t["gap"]
        else:
            start = at + gap + (extra if i else 0)
            free += 1 if i else 0
        t["start"], t["end"] = round(start), round(start + length)
        at = max(at, t["end"])
    return at, max(1, free)


def timed(sc, turns, seed):
    end, free = lay_out(sc, turns, random.Random(seed))
    want = sc["head"].get("len")
    if not want:
        return end + random.Random(seed + 1).uniform(300, 1200)
    want = float(want) * 1000
    extra = (want - 700 - end) / free
    need(extra >= 0, f"len={want / 1000} but the talk is {end / 1000:.0f} s")
    need(extra < 6400, f"len={want / 1000} but the talk is {end / 1000:.0f} s over {free} pauses")
    lay_out(sc, turns, random.Random(seed), extra)
    return want


# ---- verdicts ----------------------------------------------------------------------------------------------------
def mean_conf(ts):
    return sum(t["conf"] * (t["end"] - t["start"]) for t in ts) / max(1, sum(t["end"] - t["start"] for t in ts))


def unsure(ts):
    """The range to look in holds too little or too doubtful speech to say that something was not said."""
    return sum(t["end"] - t["start"] for t in ts) < 800 or mean_conf(ts) < 0.5


def marked(turns, mark):
    got = [t for t in turns if mark in t["marks"]]
    return "clear" if not got else "hit" if any(t["conf"] >= 0.35 for t in got) else "cannot_tell"


def nearest(turns, i, role, count, back=False):
    seq = turns[:i][::-1] if back else turns[i + 1:]
    return [t for t in seq if t["role"] == role][:count]


def by_times(sc, turns, dur):
    ag = [t for t in turns if t["role"] == "A"]
    out, n = {}, len(turns)
    spans, late = [], 0
    for i in range(1, n):
        late = max(late, turns[i - 1]["end"])
        spans.append((i, (turns[i]["start"] - late) / 1000))
    holds = []
    silent = "clear"
    for i, gap in spans:
        need(not 7.4 < gap < 8.5 and not 19 < gap < 21, f"silence of {gap:.1f} s is too near a limit")
        before = nearest(turns, i, "A", 2, back=True)
        told = any("w" in t["marks"] for t in before)
        if gap > 20 and not told:
            silent = "hit"
        if gap > 20 and told:
            need("w" in before[0]["marks"], "long silence: notice must be in the last agent turn before it")
        if gap >= 8 and turns[i]["role"] == "A":
            after = [t for t in turns[i:] if t["role"] == "A"][:2]
            holds.append((told, any("ty" in t["marks"] for t in after)))
    out["long-silence"] = silent
    for rule, k in (("hold-notice-missing", 0), ("hold-thanks-missing", 1)):
        out[rule] = "not_applicable" if not holds else "clear" if all(h[k] for h in holds) else "hit"
    said = sum(chars(t["text"]) for t in ag)
    rate = said * 60000 / max(1, sum(t["end"] - t["start"] for t in ag))
    need(said < 50 or not 330 < rate < 380, f"pace {rate:.0f} too near the limit")
    fast = said >= 60 and rate > 360
    need(not (50 <= said < 66 and rate > 330), "pace over too few characters to be sure")
    out["unclear-speech"] = "hit" if fast else marked(turns, "uc")
    twice = once = 0
    for i, t in enumerate(turns):
        for c in turns[:i]:
            if t["role"] == "A" and c["role"] == "C" and c["start"] < t["start"] < c["end"]:
                over = (min(c["end"], t["end"]) - t["start"]) / 1000
                if chars(t["text"]) >= 6:
                    need(not 1.35 < over < 1.65 and not 2.7 < over < 3.3, f"overlap {over:.2f} s too near a limit")
                    twice += over >= 1.5
                    once += over >= 3
                else:
                    need(over < 1.6, "short words over a long stretch")
    out["interrupting"] = ("cannot_tell" if "mono" in sc["head"] else "hit" if once or twice >= 2 else "clear")
    run = best = 0
    last = None
    for t in turns:
        if t["role"] == "C":
            run, last = 0, None
            continue
        if last is not None and t["start"] - last > 3000:
            run = 0
        run += t["end"] - t["start"] + (t["start"] - last if last is not None and run else 0)
        last = t["end"]
        best = max(best, run)
    need(not 56000 < best < 63000, f"monologue of {best / 1000:.0f} s too near the limit")
    out["monologue"] = "hit" if best > 60000 else "clear"
    limit = 170000 if int(sc["head"].get("tenure", 60)) < 12 else 150000
    out["long-call"] = "not_applicable" if "nodur" in sc["head"] else "hit" if dur > limit else "clear"
    need("nodur" in sc["head"] or "len" in sc["head"] or abs(dur - limit) > 3000, f"duration {dur:.0f} near the limit")
    return out


def by_marks(turns):
    out = {r: marked(turns, m) for r, m in (("rhetorical-question", "rh"), ("forbidden-phrase", "fb"),
                                            ("abusive-language", "ab"), ("shirking", "sh"),
                                            ("unachievable-promise", "pr"), ("negative-customer", "neg"))}
    sore = [i for i, t in enumerate(turns) if t["marks"] & {"neg", "grum"}]
    seen = []
    quarrel = "clear"
    for i in sore:
        after = nearest(turns, i, "A", 3)
        if any("so" in t["marks"] for t in after):
            seen.append("clear")
        else:
            seen.append("cannot_tell" if unsure(after) else "hit")
        for t in after[:2]:
            if t["marks"] & {"rh", "fb", "ab", "sh"}:
                j = turns.index(t)
                if any(c["marks"] & {"neg", "grum"} for c in nearest(turns, j, "C", 2)):
                    quarrel = "hit"
    out["soothing-missing"] = "not_applicable" if not seen else next(
        v for v in ("hit", "cannot_tell", "clear") if v in seen)
    out["quarrel"] = quarrel
    mine = "".join(t["text"] for t in turns if t["role"] == "A")
    you = len(re.findall("你(?![好们])", mine))
    polite = mine.count("您")
    loose = len(re.findall("你(?!好)", mine))
    out["informal-address"] = "hit" if you >= 2 and you > polite else "clear"
    need((loose >= 2 and loose > polite) == (you >= 2 and you > polite), "你们 decides: reword")
    return out


def by_facts(sc):
    head, k = sc["head"], len([x for x in sc["head"].get("items", "").split(",") if x])
    out = dict.fromkeys(("greeting-missing", "identity-missing", "not-mandarin", "farewell-missing",
                         "hung-up-on-customer"), "clear")
    out["purpose-missing"] = "clear" if "out" in head else "not_applicable"
    for rule in ("thanks-missing", "order-readback-missing", "order-readback-wrong"):
        out[rule] = "clear" if k else "not_applicable"
    out["order-summary-missing"] = "clear" if k > 1 else "not_applicable"
    out["allocation-unconfirmed"] = "clear" if "alloc" in head else "not_applicable"
    out["complaint-next-step-missing"] = "clear" if "complaint" in head or head.get("biz") == "投诉" else "not_applicable"
    return out


def judge(sc, turns, dur):
    out = by_facts(sc)
    times = {**by_times(sc, turns, dur), **by_marks(turns)}
    out.update(times)
    for rule, v in sc["over"].items():
        need(times.get(rule, v) == v, f"{rule}: label {v}, but the turns and times say {times.get(rule)}")
        out[rule] = v
    if sc["over"].get("order-readback-missing") == "hit":
        out["order-readback-wrong"] = sc["over"].get("order-readback-wrong", "not_applicable")
        need(out["order-readback-wrong"] == "not_applicable", "nothing read back, yet judged")
    ag = [t for t in turns if t["role"] == "A"]
    windows = {"greeting-missing": ag[:2], "identity-missing": ag[:3], "purpose-missing": ag[:4],
               "farewell-missing": ag[-2:], "thanks-missing": ag[-3:]}
    for rule, ts in windows.items():
        if out[rule] in ("hit", "cannot_tell"):
            need((out[rule] == "cannot_tell") == unsure(ts), f"{rule}: {out[rule]} against the confidence of its turns")
    if out["hung-up-on-customer"] == "hit":
        need(turns[-1]["role"] == "C" and out["farewell-missing"] == "hit", "hung up: last words and farewell")
        need(chars(turns[-1]["text"]) >= 6, "hung up: last words too few")
    low = bool(ag) and mean_conf(ag) < 0.5
    need(low == (out["not-mandarin"] == "cannot_tell"), "not-mandarin and the agent's mean confidence")
    if out["thanks-missing"] != "not_applicable":
        need(sc["head"].get("items"), "thanks without an order")
    if out["order-summary-missing"] == "hit":
        need(len(sc["head"]["items"].split(",")) > 1, "summary of one item")
    return {r: out[r] for r in RULES}


# ---- one call ----------------------------------------------------------------------------------------------------
def make(sc, v):
    seed = zlib.crc32(f"{sc['name']}/{v}".encode())
    rnd = random.Random(seed)
    slots = Slots(sc, v, rnd)
    turns = []
    for t in sc["turns"]:
        text = slots.fill(t["text"])
        if v:
            text = re.sub("[，。、？！]", "", text)
        turns.append({**t, "text": text.strip("，"), "conf": t.get("conf", round(rnd.uniform(0.78, 0.97), 2))})
    noisy = v == zlib.crc32(sc["name"].encode()) % 3 and "clean" not in sc["head"] and (zlib.crc32(sc["name"].encode()) >> 3) % 100 < 37
    dur = timed(sc, turns, seed)
    expect = judge(sc, turns, dur)  # by what was said
    said = [t["text"] for t in turns]
    if noisy:
        add_noise(turns, rnd)
    head = sc["head"]
    way = "out" if "out" in head else "in"
    day = datetime(2026, 11, 16, 8, 30, tzinfo=timezone(timedelta(hours=8))) + timedelta(
        days=rnd.choice([0, 1, 2, 3, 4, 7, 8, 9, 10, 11]), seconds=rnd.randrange(0, 9 * 3600))
    call = {"call_id": f"{sc['name']}-{v + 1}", "direction": way + "bound",
            "queue": head.get("q") or rnd.choice(QUEUES[way]), "agent_id": slots.agent, "started_at": day.isoformat()}
    if "meta" in head:
        keys = head["meta"].split(",") if head["meta"] else slots.items
        call["order"] = ";".join(f"{slots.names[int(x[1]) - 1]}={slots.num[x]}{slots.unit}" for x in keys)
    if "biz" in head:
        call["business"] = head["biz"]
    if "tenure" in head:
        call["tenure_months"] = head["tenure"]
    if "nodur" not in head:
        call["duration_ms"] = round(dur)
    call["layout"] = "mono" if "mono" in head else "stereo"
    call["scenario"] = sc["name"]
    shown = any("conf" in t for t in sc["turns"]) or (seed >> 5) % 3 != 0
    call["turns"] = []
    for t in sorted(turns, key=lambda t: t["start"]):
        row = {"role": "agent" if t["role"] == "A" else "customer", "start_ms": t["start"], "end_ms": t["end"],
               "text": t["text"]}
        if shown:
            row["confidence"] = round(t["conf"] - (0.22 if t.get("noisy") else 0), 2)
        call["turns"].append(row)
    call["expect"] = expect
    return call, turns, slots, said


def build():
    calls, bad = [], 0
    for sc in read_scenarios():
        for v in range(3):
            try:
                calls.append((sc, v) + make(sc, v))
            except (Bad, KeyError, IndexError) as e:
                bad += 1
                print(f"{sc['file']} {sc['name']} {v + 1}: {e!r}", file=sys.stderr)
    return calls, bad


def table(calls):
    names = ["hit", "clear", "not_applicable", "cannot_tell"]
    print("| rule | " + " | ".join(f"{s} {n}" for s in SETS for n in ("hit", "clear", "n/a", "c/t")) + " |")
    print("|---" * (1 + 4 * len(SETS)) + "|")
    for r in RULES:
        row = [sum(1 for c in calls if c[0]["set"] == s and c[2]["expect"][r] == n) for s in SETS for n in names]
        print(f"| {r} | " + " | ".join(map(str, row)) + " |")
    for s in SETS:
        mine = [c for c in calls if c[0]["set"] == s]
        print(f"\n{s}: {len(mine)} calls, {len({c[0]['name'] for c in mine})} scenarios, "
              f"{sum(any(t.get('noisy') for t in c[3]) for c in mine)} with recognition noise")


def main():
    calls, bad = build()
    if "--table" in sys.argv:
        table(calls)
    elif "--lint" in sys.argv:
        import lint
        lint.run(calls)
    elif "--show" in sys.argv:
        for c in calls:
            if c[0]["name"] in sys.argv:
                print(c[2]["call_id"], {k: v for k, v in c[2].items() if k not in ("turns", "expect", "scenario")})
                for t in c[2]["turns"]:
                    print(f"  {t['start_ms'] / 1000:6.1f} {t['end_ms'] / 1000:6.1f} {t['role'][0].upper()} {t['text']}")
                print("  hit:", [r for r in RULES if c[2]["expect"][r] == "hit"])
    elif not bad:
        for s in SETS:
            with open(os.path.join(HERE, s + ".jsonl"), "w", encoding="utf-8") as f:
                for c in calls:
                    if c[0]["set"] == s:
                        f.write(json.dumps(c[2], ensure_ascii=False, separators=(",", ":")) + "\n")
    if bad:
        sys.exit(f"{bad} calls contradict their labels")


if __name__ == "__main__":
    main()
