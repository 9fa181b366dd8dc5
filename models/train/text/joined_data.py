"""The turns that the heads on the sentence encoder learn from: those of data.py, microblogs with an emotion, and dialogue acts.

A row as in data.py, with `act` too. EWECT's six emotions become three classes: happy is positive; angry, sad and fear are
negative; surprise is either and is left out.
"""
import hashlib
import random
import re
from pathlib import Path

import data
import grammar
import grammar_acts

HEADS = {**data.HEADS, "act": grammar_acts.ACTS}
EMOTIONS = {"angry": 0, "sad": 0, "fear": 0, "neutral": 1, "happy": 2}
# What kind of text a source is: each has a scale of its own.
KINDS = ["calls", "television", "comments", "microblogs", "reviews"]
KIND_OF = {"own": 0, "own-act": 0, "service": 0, "crosswoz": 0, "cped": 1, "cped-rhetorical": 1, "cped-calm": 1, "cped-weak": 1, "cold": 2,
           "ewect": 3, "reviews": 4}
# Moods of the turns made for the acts; and polite dialogues are taken for neutral unless they please or displease.
MOOD_OF = {"statement": 1, "question": 1, "apology": 1, "thanks": 2, "greeting": 1, "promise": 1, "complaint": 0}
MOODY = re.compile("谢|棒|好玩|好吃|喜欢|不错|太好|满意|开心|高兴|期待|推荐|可惜|遗憾|差|失望|不好|麻烦")
CPED_ACTS = {"question": 1, "apology": 2, "thanking": 3, "greeting": 4}


def microblogs(folder):
    """EWECT: microblogs of two kinds, split by text."""
    for line in data.read_tsv(folder / "sentiment/emotion_weibo.tsv"):
        if line["label"] in EMOTIONS:
            split = grammar.split_of("ewect " + line["text"])
            yield data.row(line["text"], "", "ewect", split, sentiment=EMOTIONS[line["label"]]) | {"part": line["source"]}


def acts(seed, per_template={"train": 60, "dev": 14, "test": 14}):
    """Turns made for the dialogue acts, divided by template."""
    rng = random.Random(seed)
    for group, (act, before, lines) in grammar_acts.GROUPS.items():
        lines = sorted((line for line in lines.split("\n") if line), key=lambda line: hashlib.sha256(line.encode()).hexdigest())
        for at, line in enumerate(lines):
            share = (at + 0.5) / len(lines)
            split = "test" if share < 0.25 else "dev" if share < 0.4 else "train"
            texts = dict.fromkeys(grammar.fill(line, rng) for _ in range(per_template[split] * 2))
            for text in list(texts)[: per_template[split]]:
                prev = grammar.fill(rng.choice(grammar.BEFORE[before]), rng)
                mood = MOOD_OF[grammar_acts.ACTS[act]]
                yield data.row(text, prev, "own-act", split, sentiment=mood) | {"act": act, "group": group,
                                                                "template": hashlib.sha256(line.encode()).hexdigest()[:8]}


def build(shared, seed=7):
    """All rows, each with all heads."""
    folder = Path(shared) / "data"
    said = {(line["text"]): CPED_ACTS.get(line["act"], 0) for line in data.read_tsv(folder / "sentiment/cped_dialogue.tsv")}
    rows = [*data.build(shared, seed), *microblogs(folder), *acts(seed)]
    for found in rows:
        if found["source"] == "cped":
            found["act"] = said.get(found["text"], data.UNKNOWN)
        elif found["source"] == "own":
            found["act"] = grammar_acts.ACT_OF.get(found["group"], data.UNKNOWN)
        elif found["source"] == "crosswoz" and not MOODY.search(found["text"]):
            found["sentiment"] = 1
        found.setdefault("act", data.UNKNOWN)
        found["kind"] = KIND_OF[found["source"]]
    held = {(found["source"], found["text"]) for found in rows if found["split"] == "test" and found["source"] in ("own-act", "ewect")}
    return [found for found in rows if found["split"] == "test" or (found["source"], found["text"]) not in held]
