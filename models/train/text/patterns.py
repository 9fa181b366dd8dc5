"""The comparison with patterns only: the regular expressions and phrases of the shipped rules."""
import re

import yaml

MARKS = re.compile(r"[^\w]+")
NOT_SAID = re.compile("(没有?说|没骂|不[能要](对客户|跟客户)?[说讲]|不能对客户[说讲])[^,，]{0,4}$")


def plain(text):
    """Without punctuation and spaces, as recognised."""
    return MARKS.sub("", text)


class Rule:
    """The regular expressions and phrases of one rule; sound-alikes and its other operators are left out."""

    def __init__(self, file):
        self.regexes, self.phrases, self.excepted = [], [], []
        rule = yaml.safe_load(file.read_text(encoding="utf-8"))
        for clause in [rule["condition"], *rule.get("conditions", {}).values()]:
            self.take(clause)

    def take(self, clause):
        """Collects what stands alone or under `any`."""
        if not isinstance(clause, dict):
            return
        for part in clause.get("any", []):
            self.take(part)
        if "regex" in clause:
            found = clause["regex"] if isinstance(clause["regex"], dict) else {"pattern": clause["regex"]}
            self.regexes.append((re.compile(found["pattern"]), re.compile(found["not"]) if found.get("not") else None))
        if "keyword" in clause:
            found = clause["keyword"] if isinstance(clause["keyword"], dict) else {"any": clause["keyword"]}
            self.phrases += [phrase for phrase in found.get("any", []) if isinstance(phrase, str)]
            self.excepted += found.get("except", [])

    def fits(self, text):
        """True where an expression fits, or a phrase stands that is not denied."""
        if any(pattern.search(text) and not (unless and unless.search(text)) for pattern, unless in self.regexes):
            return True
        if any(phrase in text for phrase in self.excepted):
            return False
        return any(phrase in text and not NOT_SAID.search(text[: text.index(phrase)]) for phrase in self.phrases)


class Patterns:
    """Rules read from their files. Bad language is what either of the two rules against it finds."""

    def __init__(self, rules):
        folder = rules / "language"
        self.questions = Rule(folder / "rhetorical-question.yaml")
        self.insults = [Rule(folder / name) for name in ("forbidden-phrase.yaml", "abusive-language.yaml") if (folder / name).exists()]

    def rhetorical(self, text):
        """True where the rule about 反问 fits."""
        return self.questions.fits(plain(text))

    def abuse(self, text):
        """True where a rule about bad language fits."""
        return any(rule.fits(plain(text)) for rule in self.insults)
