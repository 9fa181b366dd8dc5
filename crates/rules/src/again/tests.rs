use std::path::Path;
use std::sync::OnceLock;

use callsift_core::{Alternative, Turn, Verdict};

use super::Question;
use super::answers::shared_ends;
use crate::selftest::turns_of;
use crate::{CallFacts, EvalOptions, RuleSet};

fn pack() -> &'static RuleSet {
    static PACK: OnceLock<RuleSet> = OnceLock::new();
    PACK.get_or_init(|| RuleSet::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules")).unwrap())
}

fn verdict(id: &str, turns: &[Turn]) -> (Verdict, String) {
    let findings = pack().evaluate(turns, CallFacts::default(), &EvalOptions::default());
    let finding = findings.into_iter().find(|f| f.rule_id == id).unwrap();
    (finding.verdict, finding.reason)
}

fn questions(turns: &[Turn]) -> Vec<Question> {
    pack().doubts(turns, &CallFacts::default(), &EvalOptions::default()).questions
}

const CALL: [&str; 4] =
    ["agent: 您好，长风伤茂，您请说", "customer: 我的货到哪儿了", "agent: 明天上午送到您店里", "customer: 好的知道了"];

#[test]
fn what_may_have_been_said_is_asked_about() {
    let turns = turns_of(&CALL);
    let asked = questions(&turns);
    let company = asked.iter().find(|q| q.phrase == "商贸").unwrap();
    assert_eq!(company.text(&turns[0]), "您好，长风商贸，您请说");
}

#[test]
fn the_answer_clears_leaves_open_or_lets_stand() {
    let mut turns = turns_of(&CALL);
    assert_eq!(verdict("identity-missing", &turns).0, Verdict::Hit);
    // What sounds the same stays open however unlikely; what sounds otherwise needs the recogniser's word.
    for (read, score, wanted) in [
        ("商贸", 0.0, Verdict::Clear),
        ("商贸", -4.0, Verdict::CannotTell),
        ("商贸", -30.0, Verdict::CannotTell),
        ("食品", 0.0, Verdict::CannotTell),
        ("食品", -12.0, Verdict::Hit),
    ] {
        turns[0].alternatives = vec![Alternative { text: format!("您好，长风{read}，您请说"), score }];
        let (found, reason) = verdict("identity-missing", &turns);
        assert_eq!(found, wanted, "{read} {score}: {reason}");
        assert_eq!(reason.contains(read), wanted != Verdict::Hit, "both readings are named: {reason}");
    }
    turns[0].alternatives = vec![Alternative { text: "您好，长风伤猫，您请说".to_owned(), score: 5.0 }];
    assert_eq!(verdict("identity-missing", &turns).0, Verdict::Hit, "a reading that does not clear changes nothing");
}

#[test]
fn an_excuse_is_never_heard_in_place_of_what_accuses() {
    let turns = turns_of(&["agent: 您好", "customer: 坏了怎么办", "agent: 这个真不归我们管，您自己想办法"]);
    assert_eq!(verdict("shirking", &turns).0, Verdict::Hit);
    let without: Vec<Question> = questions(&turns).into_iter().filter(|q| q.turn == 2).collect();
    for question in without {
        let mut read = turns.clone();
        read[2].alternatives = vec![Alternative { text: question.text(&turns[2]), score: 5.0 }];
        assert_eq!(verdict("shirking", &read).0, Verdict::Hit, "{}", question.text(&turns[2]));
    }
}

#[test]
fn a_read_back_that_was_misheard_is_asked_about_by_what_the_customer_wants() {
    let turns = turns_of(&["agent: 您好请讲", "customer: 要利群六条", "agent: 离群六降路好了", "customer: 嗯"]);
    assert_eq!(verdict("order-readback-missing", &turns).0, Verdict::Hit);
    let asked = questions(&turns);
    assert!(asked.iter().any(|q| q.turn == 2 && q.text(&turns[2]).contains("六条")), "{asked:?}");
}

#[test]
fn readings_share_what_does_not_differ() {
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    assert_eq!(shared_ends(&chars("的公号三"), &chars("的工号三")), (1, 2));
    assert_eq!(shared_ends(&chars("好好"), &chars("好好好")), (2, 0));
    assert_eq!(shared_ends(&chars(""), &chars("好")), (0, 0));
}

#[test]
fn what_may_have_been_said_against_somebody_is_for_a_person_to_hear() {
    let mut turns = turns_of(&["agent: 您好", "customer: 货怎么还没到", "agent: 你又并吧，自己查去"]);
    assert_eq!(verdict("abusive-language", &turns).0, Verdict::Clear);
    let asked = questions(&turns);
    assert!(asked.iter().any(|q| q.turn == 2 && q.text(&turns[2]) == "你有病吧，自己查去"), "{asked:?}");
    let reading = |text: &str, score| vec![Alternative { text: text.to_owned(), score }];
    turns[2].alternatives = reading("你有病吧，自己查去", 3.0);
    let (found, reason) = verdict("abusive-language", &turns);
    assert!(found == Verdict::CannotTell && reason.contains("有病") && reason.contains("又并"), "{reason}");
    // Less likely, or nothing like what was heard.
    for (text, score) in [("你有病吧，自己查去", -4.0), ("你又并吧，你有病吧", 3.0)] {
        turns[2].alternatives = reading(text, score);
        assert_eq!(verdict("abusive-language", &turns).0, Verdict::Clear, "{text} {score}");
    }
    // The words beside were guessed.
    turns[2].alternatives = reading("你有病吧，自己查去", 3.0);
    turns[2].chars[5..].iter_mut().for_each(|c| c.prob = 0.3);
    assert_eq!(verdict("abusive-language", &turns).0, Verdict::Clear);
}

#[test]
fn of_a_turn_that_was_not_understood_absence_is_claimed_only_when_the_recogniser_was_asked() {
    let mut turns =
        turns_of(&["agent: 您好，请讲", "customer: 查下订单", "agent: 已经发出", "customer: 好", "agent: 能就这样吧"]);
    for c in &mut turns[4].chars {
        c.prob = 0.4;
    }
    assert_eq!(verdict("farewell-missing", &turns).0, Verdict::CannotTell);
    let wanted = pack().doubts(&turns, &CallFacts::default(), &EvalOptions::default()).wanted;
    let last = wanted.iter().find(|w| w.turn == 4).unwrap();
    assert!(last.groups.iter().flatten().any(|phrase| phrase == "再见"), "{last:?}");
    for (score, expected) in [(-12.0, Verdict::Hit), (0.0, Verdict::CannotTell)] {
        turns[4].alternatives = vec![Alternative { text: "再见这样吧".to_owned(), score }];
        assert_eq!(verdict("farewell-missing", &turns).0, expected, "{score}");
    }
}

#[test]
fn what_makes_a_rule_apply_may_have_been_misheard() {
    let mut turns = turns_of(&["agent: 您好", "customer: 昨天有一箱妹送到", "agent: 我查一下，您放心", "customer: 好"]);
    assert_eq!(verdict("order-readback-missing", &turns).0, Verdict::Hit);
    let asked = questions(&turns);
    let read = asked.iter().find(|q| q.turn == 1 && q.phrase.starts_with('没')).unwrap_or_else(|| panic!("{asked:?}"));
    turns[1].alternatives = vec![Alternative { text: read.text(&turns[1]), score: 0.5 }];
    assert_ne!(verdict("order-readback-missing", &turns).0, Verdict::Hit);
}

#[test]
fn the_numbers_of_an_order_with_other_measure_words_may_be_its_read_back() {
    let calls = |agent: &str| turns_of(&["agent: 您好", "customer: 红河四条，双喜六条", agent, "customer: 好"]);
    let mut turns = calls("agent: 红盒四角双起六角好的");
    turns[2].confidence = 0.7;
    assert_eq!(verdict("order-readback-missing", &turns).0, Verdict::CannotTell);
    let mut turns = calls("agent: 好的，明天九点送到");
    turns[2].confidence = 0.7;
    assert_eq!(verdict("order-readback-missing", &turns).0, Verdict::Hit);
}

#[test]
fn what_sounds_like_a_quantity_of_the_order_may_be_its_read_back() {
    let mut turns = turns_of(&["agent: 您好", "customer: 利群五条", "agent: 好嘞，李卿给您下午跳", "customer: 好"]);
    turns[2].confidence = 0.8;
    assert_eq!(verdict("order-readback-missing", &turns).0, Verdict::CannotTell);
}
