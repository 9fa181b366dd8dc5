//! Killed while people judge: whatever was acknowledged is there, with its words.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::Duration;

use callsift_reviews::{Db, VerdictRow};

use super::client::{Client, field};
use super::{Console, reviewed};

/// People who judge at the same time, each a call of the own.
const PEOPLE: usize = 4;
const ROUNDS: usize = 8;
/// The same moments every time, as far as a machine can.
const SEED: u64 = 20_261_122;

/// A verdict that the console said it had taken.
struct Acknowledged {
    id: i64,
    call: String,
    by: String,
    verdict: &'static str,
    note: String,
}

/// Somebody with the place that the person judges over and over.
struct Judge {
    client: Client,
    name: String,
    call: String,
    rule: String,
    place: String,
    before: String,
}

impl Judge {
    fn sits_down(console: &Console, name: &str, call: &str) -> Self {
        let client = console.login(name);
        let page = client.get(&format!("/calls/{call}")).text();
        let card = page.split("class=\"finding\"").nth(1).unwrap_or_else(|| panic!("no finding in {call}"));
        let before = card.split("name=\"before\"").nth(1).unwrap().split('>').next().unwrap();
        let before = before.split('"').nth(1).unwrap_or("").to_owned();
        let (rule, place) = (field(card, "rule"), field(card, "place"));
        Self { client, name: name.to_owned(), call: call.to_owned(), rule, place, before }
    }

    /// Judges as fast as the console answers, until it answers no more.
    fn judges(mut self, round: usize) -> Vec<Acknowledged> {
        let mut taken = Vec::new();
        for n in 0.. {
            let (verdict, note) = (["confirmed", "rejected", "unsure"][n % 3], format!("{} {round}·{n}", self.name));
            let fields = [
                ("csrf", self.client.csrf.as_str()),
                ("rule", &self.rule),
                ("place", &self.place),
                ("verdict", verdict),
                ("note", &note),
                ("before", &self.before),
            ];
            let address = format!("/calls/{}/verdict", self.call);
            let Some(answer) = self.client.try_post(&address, &fields, &[("X-Requested-With", "callsift")]) else {
                return taken;
            };
            let Ok(told) = serde_json::from_slice::<serde_json::Value>(&answer.body) else { return taken };
            assert_eq!(answer.status, 200, "{}", answer.text());
            let id = told["id"].as_i64().unwrap();
            self.before = id.to_string();
            taken.push(Acknowledged { id, call: self.call.clone(), by: self.name.clone(), verdict, note });
        }
        taken
    }
}

/// The next of a row of numbers that look like chance (Knuth's linear congruential generator).
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

#[test]
fn a_console_killed_amid_verdicts_lost_no_acknowledged_one() {
    let (mut seed, mut taken) = (SEED, Vec::new());
    let mut console = Console::with(reviewed::lake(), tempfile::tempdir().unwrap());
    let names: Vec<String> = (0..PEOPLE).map(|i| format!("judge{i}")).collect();
    for name in &names {
        console.add(name, &["reviewer"]);
    }
    let calls = flagged(&console);
    for round in 0..ROUNDS {
        let judges: Vec<Judge> =
            names.iter().zip(&calls).map(|(name, call)| Judge::sits_down(&console, name, call)).collect();
        let (begin, wait) = (Barrier::new(PEOPLE + 1), Duration::from_millis(20 + next(&mut seed) % 500));
        let (passwords, begin) = (console.passwords.clone(), &begin);
        let (data, said) = std::thread::scope(|scope| {
            let work = |judge: Judge| {
                scope.spawn(move || {
                    begin.wait();
                    judge.judges(round)
                })
            };
            let working: Vec<_> = judges.into_iter().map(work).collect();
            begin.wait();
            std::thread::sleep(wait);
            let data = console.kill();
            (data, working.into_iter().flat_map(|w| w.join().unwrap()).collect::<Vec<_>>())
        });
        taken.extend(said);
        console = Console::with(reviewed::lake(), data);
        console.passwords = passwords;
        check(&console, &taken, (round + 1) * PEOPLE);
    }
    assert!(taken.len() > ROUNDS * PEOPLE, "{} verdicts are too few to tell", taken.len());
    println!("{} acknowledged verdicts, all there", taken.len());
}

/// Calls with a finding, worst first.
fn flagged(console: &Console) -> Vec<String> {
    let queue = console.login("zhijian").get("/queue").text();
    let calls = queue.split("href=\"/calls/").skip(1).filter_map(|r| r.split('"').next().map(str::to_owned));
    calls.take(PEOPLE).collect()
}

/// Every acknowledged verdict stands there as it was said; nothing else does but what was under way at a kill.
fn check(console: &Console, taken: &[Acknowledged], kills: usize) {
    let db = Db::open(&console.data.path().join("reviews.db")).unwrap();
    let sound: String = db.connection().query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let rows: BTreeMap<i64, VerdictRow> = db.history().unwrap().into_iter().map(|v| (v.id, v)).collect();
    let mut places: BTreeMap<(&str, &str), Vec<&VerdictRow>> = BTreeMap::new();
    for row in rows.values() {
        places.entry((&row.call_id, &row.place)).or_default().push(row);
    }
    for a in taken {
        let row = rows.get(&a.id).unwrap_or_else(|| panic!("{} is lost", a.note));
        let found = (row.call_id.as_str(), row.by.as_str(), row.verdict.as_str(), row.note.as_str());
        assert_eq!(found, (a.call.as_str(), a.by.as_str(), a.verdict, a.note.as_str()));
        // What holds for the rule holds for its other places, and these were acknowledged with it.
        let of_rule = places.iter().filter(|((call, _), of)| *call == a.call && of[0].rule_id == row.rule_id);
        let also = of_rule.filter(|(_, of)| of.iter().any(|v| v.note == a.note)).count();
        let all = places.iter().filter(|((call, _), of)| *call == a.call && of[0].rule_id == row.rule_id).count();
        assert_eq!(also, if a.verdict == "confirmed" { 1 } else { all }, "{}", a.note);
    }
    for ((call, place), of) in places {
        assert_eq!(of[0].before, None, "{call} {place}");
        let whole = of.windows(2).all(|two| two[1].before == Some(two[0].id));
        assert!(whole, "{call} {place}: a row is missing or stands twice");
    }
    let said: std::collections::BTreeSet<&str> = rows.values().map(|v| v.note.as_str()).collect();
    assert!(said.len() <= taken.len() + kills, "more was kept than could be under way");
    let logged = db.audit(1_000_000).unwrap().iter().filter(|line| line.action == "verdict").count();
    assert!(logged >= taken.len(), "{logged} lines for {} verdicts", taken.len());
}
