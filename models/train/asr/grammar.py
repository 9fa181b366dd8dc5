"""Text for the narrow model: sentences of an order and complaint hotline, expanded from templates.

A template is plain text with ``[a|b|c]`` for a choice (may be empty, may nest) and ``{slot}`` for a filling.
``Grammar.sentence`` draws one; sentences of the demo and of the committed test set are never drawn.
"""
import re
import zlib
from pathlib import Path

from phrases import AGENT, CUSTOMER, SLOTS
from phrases_fault import AGENT_FAULT, CUSTOMER_FAULT

DIGITS = "零一二三四五六七八九"
HAN = re.compile("[\u4e00-\u9fff]")
CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")
# Longer sentences of the demo and the test set are kept out of training; shorter ones (您好。好的。) cannot be.
MIN_EXCLUDED = 7


def han(text):
    """Only the Chinese characters of a text."""
    return "".join(HAN.findall(text))


def sentences(text):
    """Split at 。 and ？, marks kept."""
    return re.findall("[^。？]+[。？]?", text)


def number(value):
    """Chinese numeral of 0..99999, as spoken."""
    if value < 10:
        return DIGITS[value]
    if value < 20:
        return "十" + (DIGITS[value % 10] if value % 10 else "")
    out, zero = "", False
    for base, name in ((10000, "万"), (1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // base % 10
        if digit:
            out += ("零" if zero and out else "") + ("两" if digit == 2 and base >= 1000 else DIGITS[digit]) + name
            zero = False
        elif out:
            zero = True
    return out


def counted(value):
    """Numeral before a measure word: 2 is 两."""
    return "两" if value == 2 else number(value)


def digits(rng, count, one="一"):
    """A string of spoken digits."""
    return "".join(rng.choice(DIGITS) for _ in range(count)).replace("一", one)


def _quantity(rng):
    kind = rng.random()
    if kind < 0.45:
        value = rng.randint(1, 12)
    elif kind < 0.85:
        value = rng.choice([15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100, 120, 150, 200, 300, 500])
    else:
        value = rng.randint(1, 99)
    return counted(value) + rng.choice("条条条条条条箱箱件件包盒")


def _money(rng):
    value = rng.choice([rng.randint(10, 99) * 10, rng.randint(1, 99) * 100, rng.randint(100, 9999), rng.randint(10, 99)])
    return number(value) + rng.choice(["元", "元", "块", "块钱"])


def _phone(rng):
    one = rng.choice(["一", "幺"])
    return one + rng.choice("三五七八九") + digits(rng, 9, one)


def _items(rng, low=2, high=3):
    return "，".join(SLOT.sub(lambda m: fill(m[1], rng), "{item}") for _ in range(rng.randint(low, high)))


def _time(rng):
    hour = rng.choice([8, 9, 10, 11]) if rng.random() < 0.5 else rng.choice([1, 2, 3, 4, 5, 6])
    return ("上午" if hour >= 8 else "下午") + counted(hour) + "点" + rng.choice(["", "", "", "半", "之前", "左右"])


MADE = {
    "qty": _quantity,
    "money": _money,
    "price": lambda rng: number(rng.choice([rng.randint(4, 99) * 10, rng.randint(40, 999)])) + rng.choice(["元", "块"]),
    "worker": lambda rng: digits(rng, rng.choice([3, 4, 4, 4])),
    "code": lambda rng: digits(rng, rng.choice([4, 6, 6, 8])),
    "tail": lambda rng: digits(rng, 4),
    "phone": _phone,
    "items": _items,
    "time": _time,
    "n": lambda rng: counted(rng.randint(1, 12)),
    "big": lambda rng: number(rng.choice([rng.randint(2, 30), rng.choice([20, 30, 40, 50, 100, 200])])),
    "date": lambda rng: number(rng.randint(1, 12)) + "月" + number(rng.randint(1, 30)) + "号",
    "house": lambda rng: number(rng.randint(1, 300)),
}


def fill(name, rng):
    """One filling of a slot, itself expanded."""
    if name in MADE:
        return MADE[name](rng)
    return expand(rng.choice(SLOTS[name]), rng)


def expand(template, rng):
    """Resolve the choices, innermost first, then the slots."""
    while True:
        text, count = CHOICE.subn(lambda m: rng.choice(m[1].split("|")), template)
        if not count:
            break
        template = text
    return SLOT.sub(lambda m: fill(m[1], rng), text)


def excluded_sentences(folders):
    """Han text of every sentence (of some length) in ``*.jsonl`` files with a ``text`` field."""
    import json

    out = set()
    for folder in folders:
        for path in sorted(Path(folder).glob("*.jsonl")):
            for line in path.read_text(encoding="utf-8").splitlines():
                for part in sentences(json.loads(line).get("text", "")):
                    if len(han(part)) >= MIN_EXCLUDED:
                        out.add(han(part))
    return out


def held_back(sentence):
    """True for the twelfth of all longer sentences, chosen by checksum, that only the test set may use."""
    text = han(sentence)
    return len(text) >= MIN_EXCLUDED and zlib.crc32(text.encode()) % 12 == 0


class Grammar:
    """Draws sentences: templates by role, free service sentences, random words."""

    def __init__(self, shared=None, excluded=(), words=(), free=0.12, faults=0.3):
        self.excluded, self.free, self.faults = set(excluded), free, faults
        self.words = sorted(w for w in words if 2 <= len(w) <= 4 and len(han(w)) == len(w))
        self.service = []
        path = Path(shared or "") / "data/dialogues/service_sentences.txt"
        if shared and path.exists():
            lines = (line.strip() for line in path.open(encoding="utf-8"))
            self.service = [s for s in lines if re.fullmatch("[\u4e00-\u9fff，。？！、]{4,26}", s)]
            self.service = [re.sub("[！、]", lambda m: {"！": "。", "、": "，"}[m[0]], s) for s in self.service]

    def template(self, role, rng):
        """One expanded template of the role."""
        plain, fault = (AGENT, AGENT_FAULT) if role == "agent" else (CUSTOMER, CUSTOMER_FAULT)
        group = fault if rng.random() < self.faults else plain
        return expand(rng.choice(rng.choice(group)), rng)

    def sentence(self, role, rng):
        """One or more sentences as a turn would hold them."""
        while True:
            kind = rng.random()
            if kind < self.free * 0.7 and self.service:
                text = rng.choice(self.service)
                text = text if text[-1] in "。？" else text.rstrip("，") + "。"
            elif kind < self.free and self.words:
                text = "".join(rng.choice(self.words) for _ in range(rng.randint(1, 5))) + "。"
            else:
                text = self.template(role, rng)
            if not any(han(part) in self.excluded or held_back(part) for part in sentences(text)):
                return text
