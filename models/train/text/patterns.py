"""The comparison with patterns only: the regular expressions and phrases of the shipped rules."""
import re

import yaml

MARKS = re.compile(r"[^\w]+")
NOT_SAID = re.compile("(没有?说|没骂|不[能要](对客户|跟客户)?[说讲]|不能对客户[说讲])[^,，]{0,4}$")


def plain(text):
    """Without punctuation and spaces, as recognised."""
    return MARKS.sub("", text)


class Patterns:
    """Rules read from their files; sound-alikes are left out."""

    def __init__(self, rules):
        rhetorical = yaml.safe_load((rules / "language/rhetorical-question.yaml").read_text(encoding="utf-8"))
        self.patterns = []
        for clause in rhetorical["condition"]["any"]:
            if "regex" in clause:
                found = clause["regex"]
                found = found if isinstance(found, dict) else {"pattern": found}
                self.patterns.append((re.compile(found["pattern"]), re.compile(found["not"]) if found.get("not") else None))
        keywords = yaml.safe_load((rules / "language/forbidden-phrase.yaml").read_text(encoding="utf-8"))["condition"]["keyword"]
        self.phrases, self.excepted = keywords["any"], keywords.get("except", [])

    def rhetorical(self, text):
        """True where a pattern of the rule fits."""
        text = plain(text)
        return any(pattern.search(text) and not (unless and unless.search(text)) for pattern, unless in self.patterns)

    def abuse(self, text):
        """True where a forbidden phrase stands, not denied."""
        text = plain(text)
        if any(phrase in text for phrase in self.excepted):
            return False
        return any(phrase in text and not NOT_SAID.search(text[: text.index(phrase)]) for phrase in self.phrases)
