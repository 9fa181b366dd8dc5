"""Recognition noise: characters replaced by others that sound alike."""
import json


def load(shared_or_file):
    """Character → those that sound like it, from ECSpell's confusion sets (MIT)."""
    return json.loads(open(shared_or_file, encoding="utf-8").read())


def homophones(text, share, confusions, rng):
    """The text with about this share of its characters replaced."""
    if share <= 0:
        return text
    return "".join(rng.choice(confusions[char]) if char in confusions and confusions[char] and rng.random() < share else char
                   for char in text)
