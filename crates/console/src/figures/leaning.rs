//! What each person said of the machine's hits, to see who confirms more or less than the others.

use std::collections::BTreeMap;

use callsift_sampling::leniency::Said;
use rusqlite::{Connection, params};

/// What a person said of a rule that hit in a call: once, however many places it hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    by: String,
    rule: String,
    call_id: String,
    confirmed: bool,
}

/// The last words of every person between two times, first reviews and blind duplicates, also where somebody else or an appeal
/// had another one later: what counts in the end is another question. Who was unsure said nothing.
pub(crate) fn words(conn: &Connection, (from_us, to_us): (i64, i64)) -> rusqlite::Result<Vec<Word>> {
    let sql = "WITH own AS (SELECT max(id) AS last FROM verdicts WHERE source = 'finding' AND at_us BETWEEN ?1 AND ?2
                            GROUP BY user_id, call_id, slot, rule_id, place)
               SELECT u.name, v.rule_id, v.call_id, max(v.verdict = 'confirmed')
               FROM own JOIN verdicts v ON v.id = own.last JOIN users u ON u.id = v.user_id
               GROUP BY v.user_id, v.call_id, v.slot, v.rule_id
               HAVING max(v.verdict = 'confirmed') OR min(v.verdict = 'rejected')";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![from_us, to_us], |r| {
        Ok(Word { by: r.get(0)?, rule: r.get(1)?, call_id: r.get(2)?, confirmed: r.get(3)? })
    })?;
    rows.collect()
}

/// Counts by person and rule.
pub(crate) fn counts(words: &[Word]) -> Vec<Said> {
    let mut out: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for word in words {
        let counts = out.entry((&word.by, &word.rule)).or_default();
        counts.0 += 1;
        counts.1 += usize::from(word.confirmed);
    }
    let said = |((by, rule), (judged, confirmed)): ((&str, &str), _)| Said {
        reviewer: by.to_owned(),
        rule_id: rule.to_owned(),
        judged,
        confirmed,
    };
    out.into_iter().map(said).collect()
}

/// Which of a person's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// All.
    Judged,
    /// Those that confirm.
    Confirmed,
    /// Those on rules that others judged as well.
    Compared,
}

impl Which {
    fn wants(self, word: &Word, words: &[Word]) -> bool {
        match self {
            Self::Judged => true,
            Self::Confirmed => word.confirmed,
            Self::Compared => words.iter().any(|other| other.rule == word.rule && other.by != word.by),
        }
    }
}

/// How many of a person's words there are in each call.
pub(crate) fn items(words: &[Word], by: &str, which: Which) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for word in words.iter().filter(|w| w.by == by && which.wants(w, words)) {
        *out.entry(word.call_id.clone()).or_default() += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use callsift_reviews::Judgement::{Confirmed, Rejected, Unsure};
    use callsift_reviews::{NewVerdict, Slot, Source};

    use super::{Which, counts, items, words};
    use crate::figures::tests::{centre, hand_in, said};

    #[test]
    fn it_is_the_own_last_word_and_a_rule_counts_once() {
        let (_dir, mut db) = centre();
        let mut say = |call: &str, slot, user: i64, place: &str, verdict, before, at_us| {
            db.release(call, slot, 1).unwrap();
            db.release(call, slot, 2).unwrap();
            db.claim(call, slot, user, 1, 1_000_000).unwrap();
            let source = if place.starts_with('m') { Source::Missed } else { Source::Finding };
            let new =
                NewVerdict { place: place.into(), source, before, at_us, ..said(call, slot, user, "rude", verdict) };
            db.record(&new).unwrap()
        };
        let (first, again) = (Slot::First, Slot::Duplicate);
        // Two places of one rule; one of them suffices.
        say("c1", first, 1, "t1:0-2", Rejected, None, 2);
        say("c1", first, 1, "t2:0-2", Confirmed, None, 2);
        // A lead who knows better does not change what the reviewer said.
        let own = say("c2", first, 1, "t1:0-2", Unsure, None, 2);
        let own = say("c2", first, 1, "t1:0-2", Rejected, Some(own), 3);
        say("c2", first, 2, "t1:0-2", Confirmed, Some(own), 4);
        say("c2", again, 2, "t1:0-2", Rejected, None, 2);
        // Neither doubts nor misses are words on a hit.
        say("c3", first, 1, "t1:0-2", Unsure, None, 2);
        say("c4", first, 1, "m0-1000", Confirmed, None, 2);
        hand_in(&mut db, "c2", first, 2, 90.0);
        let appeal = db.appeal(own + 1, "不服", 1, 5).unwrap();
        db.decide(appeal, true, "误判", 2, 6).unwrap();
        let all = words(db.connection(), (0, 100)).unwrap();
        let told: Vec<_> = counts(&all).into_iter().map(|s| (s.reviewer, s.judged, s.confirmed)).collect();
        assert_eq!(told, [("r1".to_owned(), 2, 1), ("r2".to_owned(), 2, 1)], "the decision is nobody's own word");
        let of = |by, which| items(&all, by, which).into_iter().collect::<Vec<_>>();
        let once = |call: &str| (call.to_owned(), 1);
        assert_eq!(of("r1", Which::Judged), [once("c1"), once("c2")]);
        assert_eq!((of("r1", Which::Confirmed), of("r2", Which::Confirmed)), (vec![once("c1")], vec![once("c2")]));
        assert!(words(db.connection(), (50, 100)).unwrap().is_empty(), "another time");
        let early = counts(&words(db.connection(), (0, 2)).unwrap());
        assert_eq!(early.iter().map(|s| s.judged).collect::<Vec<_>>(), [1, 1], "c2 was a doubt then");
    }
    #[test]
    fn what_is_compared_is_what_leniency_compares() {
        let word = |by: &str, rule: &str, call: &str, confirmed| super::Word {
            by: by.into(),
            rule: rule.into(),
            call_id: call.into(),
            confirmed,
        };
        let words = [
            word("r1", "rude", "c1", true),
            word("r1", "greeting", "c1", true),
            word("r1", "alone", "c2", false),
            word("r2", "rude", "c3", false),
            word("r2", "greeting", "c3", true),
        ];
        for person in callsift_sampling::leniency::leniency(&counts(&words)) {
            let sum = |which| items(&words, &person.reviewer, which).values().sum::<usize>();
            let told = (person.judged, person.confirmed, person.compared);
            assert_eq!((sum(Which::Judged), sum(Which::Confirmed), sum(Which::Compared)), told);
        }
        assert_eq!(items(&words, "r1", Which::Compared), [("c1".to_owned(), 2)].into(), "two items of one call");
    }
}
