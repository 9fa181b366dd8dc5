"""The turns that the text model is trained, tuned and tested on, from all sources, in one form.

    python models/train/text/data.py --shared ../shared --work target/train/text

A row: text, prev (the turn before it), source, split, and a label per head, -1 where the source does not say.
"""
import argparse
import csv
import json
import random
import re
from pathlib import Path

import grammar

HERE = Path(__file__).resolve().parent
HEADS = {
    "sentiment": ["negative", "neutral", "positive"],
    "rhetorical": ["not_rhetorical", "rhetorical"],
    "abuse": ["not_abusive", "abusive"],
}
UNKNOWN = -1
# Lines of online customer service with one of these may be rhetorical: they are not taken as examples of the contrary.
DOUBTFUL = re.compile("难道|凭什么|干嘛|干吗|不是.*[吗嘛么]|怎么能|怎么可能|有什么用|谁让|谁叫|至于|还用|到底|什么叫|哪有|怎么知道|能不能|这么|不会.*[吗嘛]")
DOUBTFUL_TOO = re.compile(DOUBTFUL.pattern + "|这不是|什么事")  # and these choose no threshold
RUDE = re.compile("滚|傻|笨|神经|有病|妈的|他妈|屁|垃圾|骗|闭嘴|脑子|去死|废物")
# Nearly always 反问 in television dialogue where the mood is bad: weak labels, for training only.
STRONG = re.compile("难道|凭什么|谁让你|至于吗|有什么用|这不是.+吗|不就.+吗|哪有|怎么能|还用|什么叫|能不.+吗|我怎么知道|关你什么事")
CALM_ACTS = {"greeting", "thanking", "apology", "acknowledge", "conventional-closing", "comfort", "appreciation"}


def row(text, prev="", source="", split="train", sentiment=UNKNOWN, rhetorical=UNKNOWN, abuse=UNKNOWN):
    """One turn."""
    return {"text": text, "prev": prev, "source": source, "split": split,
            "sentiment": sentiment, "rhetorical": rhetorical, "abuse": abuse}


def read_tsv(path):
    """Rows of a file with a heading; quotation marks mean nothing."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def cped(data):
    """Turns of television dialogue; sentiment as published, 反问 as labelled for this project. Split by dialogue."""
    order = {label: at for at, label in enumerate(HEADS["sentiment"])}
    labelled = {line["utterance"]: int(line["label"]) for line in read_tsv(HERE / "cped_rhetorical.tsv")}
    by_text = {(line["text"], line["prev_utterance"] or ""): int(line["label"])
               for line in read_tsv(data / "rhetorical/labelled.tsv") if line["source"] == "cped"}
    last = {"dialogue": None, "text": ""}
    for line in read_tsv(data / "sentiment/cped_dialogue.tsv"):
        prev = last["text"] if last["dialogue"] == line["dialogue"] else ""
        last, text = line, line["text"]
        split = grammar.split_of("cped " + line["dialogue"])
        yield row(text, prev, "cped", split, sentiment=order[line["sentiment"]])
        label = labelled.get(line["utterance"], by_text.get((text, prev)))
        if label in (0, 1):
            # Few: a fourth of the dialogues is test, as for sentiment, and a fourth of the others chooses the threshold.
            tuned = grammar.part_of("rhetorical " + line["dialogue"]) < 25
            yield row(text, prev, "cped-rhetorical", "test" if split == "test" else "dev" if tuned else "train", rhetorical=label)
        elif line["act"] in CALM_ACTS and split == "train":
            yield row(text, prev, "cped-calm", split, rhetorical=0)
        elif split == "train" and STRONG.search(text) and line["sentiment"] == "negative":
            yield row(text, prev, "cped-weak", split, rhetorical=1)
        elif split == "train" and line["act"] == "question" and line["sentiment"] != "negative" and not DOUBTFUL.search(text):
            yield row(text, prev, "cped-calm", split, rhetorical=0)


def reviews(data, rng, most=16000):
    """Short reviews, as many negative as positive."""
    found = {0: [], 2: []}
    for line in read_tsv(data / "sentiment/reviews.tsv"):
        if 3 <= len(line["text"]) <= 60:
            found[2 if line["label"] == "positive" else 0].append(line["text"])
    for label, texts in found.items():
        rng.shuffle(texts)
        for text in texts[: most // 2]:
            yield row(text, "", "reviews", grammar.split_of("reviews " + text), sentiment=label)


def cold(data, rng, most=30000):
    """Comments, offensive or not; the published division, a part of its training set for tuning."""
    for name in ("train", "dev"):
        lines = read_tsv(data / f"abuse/cold_{name}.tsv")
        rng.shuffle(lines)
        for at, line in enumerate(lines[:most]):
            split = "test" if name == "dev" else "dev" if at % 15 == 0 else "train"
            yield row(line["text"], "", "cold", split, abuse=int(line["offensive"]))


def service(data, rng, most=16000):
    """Sentences of online customer service, taken for neither rhetorical nor abusive unless they look like it."""
    lines = [line.strip() for line in open(data / "dialogues/service_sentences.txt", encoding="utf-8")]
    lines = sorted({line for line in lines if 3 <= len(line) <= 60})
    rng.shuffle(lines)
    for text in lines[:most]:
        split = grammar.split_of("service " + text)
        doubtful = {"train": DOUBTFUL, "dev": DOUBTFUL_TOO}[split].search(text) if split != "test" else None
        rude = RUDE.search(text)
        yield row(text, "", "service", split, rhetorical=UNKNOWN if doubtful else 0, abuse=UNKNOWN if rude else 0)


def crosswoz(data):
    """Polite dialogues: nothing rhetorical, nothing abusive."""
    for line in open(data / "dialogues/crosswoz_val.jsonl", encoding="utf-8"):
        call, prev = json.loads(line), ""
        for turn in call["turns"]:
            split = grammar.split_of("crosswoz " + str(call["id"]))
            yield row(turn["text"], prev, "crosswoz", split, rhetorical=0, abuse=0)
            prev = turn["text"]


def build(shared, seed=7):
    """All rows; a turn that is in test is in no other split of its source."""
    data, rng = Path(shared) / "data", random.Random(seed)
    rows = [*cped(data), *reviews(data, rng), *cold(data, rng), *service(data, rng), *crosswoz(data)]
    rows += list(grammar.rows(seed))
    held = {(found["source"], found["prev"], found["text"]) for found in rows if found["split"] == "test"}
    kept = [found for found in rows
            if found["split"] == "test" or (found["source"], found["prev"], found["text"]) not in held]
    for lower in ("test", "dev"):  # a turn labelled for 反问 is nowhere in a split below its own
        marked = {found["text"] for found in kept if found["source"] == "cped-rhetorical" and found["split"] == lower}
        below = ("train",) if lower == "dev" else ("train", "dev")
        kept = [found for found in kept if found["split"] not in below or found["text"] not in marked]
    return kept


def main():
    """Writes rows.jsonl and says how many there are."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--shared", default="../shared")
    args.add_argument("--work", default="target/train/text")
    args = args.parse_args()
    rows = build(args.shared)
    folder = Path(args.work)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "rows.jsonl", "w", encoding="utf-8") as file:
        for found in rows:
            file.write(json.dumps(found, ensure_ascii=False) + "\n")
    counts = {}
    for found in rows:
        for head in HEADS:
            if found[head] != UNKNOWN:
                key = (head, found["source"], found["split"])
                counts.setdefault(key, [0] * 3)[found[head]] += 1
    for key in sorted(counts):
        print("%-11s %-16s %-6s" % key, *counts[key])


if __name__ == "__main__":
    main()
