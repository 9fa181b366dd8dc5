//! What the console must keep: acknowledged verdicts, one winner, ranges of sound.

use callsift_audio::{AudioLimits, AudioReader};
use callsift_core::SAMPLE_RATE;
use callsift_reviews::{Cause, Db, DrawCall, DrawRecord, Judgement, NewVerdict, Slot, Source, VerdictRow};

use super::Console;
use super::client::{Client, field};

#[test]
fn of_two_reviewers_one_wins_and_the_other_is_told() {
    let mut console = Console::start();
    console.add("zhijian2", &["reviewer", "--display", "周敏"]);
    let (one, two) = (console.login("zhijian"), console.login("zhijian2"));
    let page = one.get("/calls/t2").text();
    let (rule, place) = (field(&page, "rule"), field(&page, "place"));
    let fields = [("rule", rule.as_str()), ("place", &place), ("verdict", "confirmed"), ("before", "")];
    let post = |client: &Client| client.post("/calls/t2/verdict", &fields);
    // Both at once.
    let (a, b) = std::thread::scope(|scope| {
        let (a, b) = (scope.spawn(|| post(&one)), scope.spawn(|| post(&two)));
        (a.join().unwrap(), b.join().unwrap())
    });
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    let told = if a.status == 409 { a.text() } else { b.text() };
    assert!(told.contains("正在复核这通电话"), "{told}");
    // Both ask for the next call and get different ones.
    let next = |client: &Client| client.post("/queue/next", &[]).header("location").to_owned();
    assert_ne!(next(&one), next(&two));
}

#[test]
fn sound_has_ranges_clips_and_a_waveform() {
    let console = Console::start();
    let reviewer = console.login("zhijian");
    let whole = reviewer.get("/calls/c05/audio");
    assert_eq!((whole.status, whole.header("content-type")), (200, "audio/wav"));
    assert!(whole.body.starts_with(b"RIFF"));
    let part = reviewer.get_with("/calls/c05/audio", &[("range", "bytes=100-299")]);
    assert_eq!((part.status, part.body.len()), (206, 200));
    assert_eq!(part.body, whole.body[100..300]);
    let beyond = reviewer.get_with("/calls/c05/audio", &[("range", "bytes=999999999-")]);
    assert_eq!(beyond.status, 416);
    let clip = reviewer.get("/calls/c05/clip?from=1000&to=2500");
    assert!(clip.status == 200 && clip.header("content-disposition").contains("attachment"));
    assert!(reviewer.get("/calls/c05/clip?from=5&to=2").status == 400);
    let wave = reviewer.get("/calls/c05/waveform.svg").text();
    assert!(wave.matches("<path").count() == 2, "two channels");
    assert_eq!(reviewer.get("/calls/c05/clip?from=a").status, 400);
    let beyond = reviewer.get("/calls/c05/clip?from=90000000&to=90001000");
    assert!(beyond.status == 400 && beyond.text().contains("录音结束之后"), "{}", beyond.text());
    let other_unit = reviewer.get_with("/calls/c05/audio", &[("range", "items=1-2")]);
    assert_eq!((other_unit.status, other_unit.body.len()), (200, whole.body.len()));
}

/// Lines of the log on one call.
fn logged(console: &Console, action: &str) -> usize {
    let lines = Db::open(&console.data.path().join("reviews.db")).unwrap().audit(100).unwrap();
    lines.iter().filter(|a| a.action == action && a.call_id.as_deref() == Some("c05")).count()
}

#[test]
fn whatever_is_heard_is_logged_once_and_opening_a_page_is_not() {
    let console = Console::start();
    let (reviewer, lead) = (console.login("zhijian"), console.login("zhuguan"));
    assert!(reviewer.get("/calls/c05").text().contains("preload=\"none\""), "nothing is loaded unasked");
    assert_eq!(reviewer.get("/calls/c05/waveform.svg").status, 200);
    assert_eq!(logged(&console, "listen"), 0);
    // All but the first byte is all of it.
    for range in ["bytes=1-", "bytes=2000-", "bytes=0-"] {
        assert_eq!(reviewer.get_with("/calls/c05/audio", &[("range", range)]).status, 206, "{range}");
        assert_eq!(logged(&console, "listen"), 1, "{range}");
    }
    assert_eq!(lead.get_with("/calls/c05/audio", &[("range", "bytes=-500")]).status, 206);
    assert_eq!(logged(&console, "listen"), 2, "another person");
    assert_eq!(reviewer.get("/calls/c05/clip?from=0&to=1000").status, 200);
    assert_eq!((logged(&console, "clip"), logged(&console, "listen")), (1, 2));
}

#[test]
fn a_miss_that_was_taken_back_can_be_marked_again_by_anybody() {
    let mut console = Console::start();
    console.add("zhijian2", &["reviewer"]);
    let (one, two) = (console.login("zhijian"), console.login("zhijian2"));
    let miss = [("rule", "shirking"), ("from_s", "1"), ("to_s", "2")];
    let mark = |client: &Client| client.post("/calls/c05/missed", &miss).status;
    let take_back = |client: &Client| {
        let page = client.get("/calls/c05").text();
        let card = page.split("finding by-hand").nth(1).unwrap_or_else(|| panic!("no miss: {page}"));
        let before = field(card, "before");
        let fields = [("rule", "shirking"), ("place", "m1000-2000"), ("verdict", "withdrawn"), ("before", &before)];
        client.post("/calls/c05/verdict", &fields).status
    };
    assert_eq!((mark(&one), mark(&one)), (303, 409), "what stands is not marked twice");
    assert_eq!((take_back(&one), mark(&one), take_back(&one)), (303, 303, 303));
    assert_eq!(one.post("/calls/c05/release", &[]).status, 303);
    assert_eq!(mark(&two), 303, "another person who holds the call");
}

/// What is left of silence after resampling and coding.
const QUIET: f32 = 0.001;

/// The loudest sample of all channels of a stretch, 0 to 1.
fn loudest(answer: &[u8], from_ms: usize, to_ms: usize) -> f32 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    std::fs::write(&path, answer).unwrap();
    let mut reader = AudioReader::open(&path, &AudioLimits::default()).unwrap();
    let (mut blocks, mut channels) = (Vec::new(), vec![Vec::new(); 2]);
    loop {
        let more = reader.next_blocks(&mut blocks).unwrap();
        for block in blocks.drain(..) {
            channels[usize::from(block.channel)].extend_from_slice(&block.samples);
        }
        if !more {
            break;
        }
    }
    let per_ms = SAMPLE_RATE as usize / 1000;
    let stretch = |c: &Vec<f32>| c[c.len().min(from_ms * per_ms)..c.len().min(to_ms * per_ms)].to_vec();
    channels.iter().flat_map(stretch).fold(0.0, |most, s| most.max(s.abs()))
}

#[test]
fn a_spoken_number_is_silent_for_those_who_may_not_hear_it() {
    let mut console = Console::start();
    console.add("trusted", &["reviewer", "--numbers"]);
    let (plain, trusted) = (console.login("zhijian"), console.login("trusted"));
    // The sound of t2 is that of a real recording; by its text a telephone number is said from 4 to 7 s.
    let (dull, full) = (plain.get("/calls/t2/audio"), trusted.get("/calls/t2/audio"));
    assert_eq!((dull.status, full.status), (200, 200));
    assert!(loudest(&dull.body, 5_200, 7_000) < QUIET, "both channels, lest it leaks");
    assert!(loudest(&full.body, 5_200, 7_000) > 0.02, "the recording is not silent there");
    let rest = |answer: &[u8]| loudest(answer, 500, 4_000);
    assert!((rest(&dull.body) - rest(&full.body)).abs() < 0.01, "nothing else is touched");
    // The same for what leaves the house.
    let clip = "/calls/t2/clip?from=5200&to=7000";
    assert!(loudest(&plain.get(clip).body, 0, 1_700) < QUIET);
    assert!(loudest(&trusted.get(clip).body, 0, 1_700) > 0.02);
    let text = plain.get("/calls/t2").text();
    assert!(
        !text.contains("一三八零零一三八零零零") && trusted.get("/calls/t2").text().contains("一三八零零一三八零零零")
    );
}

/// What a person says of the first card that stands for this rule.
fn say(client: &Client, call: &str, rule: &str, verdict: &str) -> u16 {
    send(client, call, rule, "verdict", &[("verdict", verdict)])
}

/// Why a person said so.
fn explain(client: &Client, call: &str, rule: &str, cause: &str) -> u16 {
    send(client, call, rule, "cause", &[("cause", cause)])
}

fn send(client: &Client, call: &str, rule: &str, action: &str, said: &[(&str, &str)]) -> u16 {
    let page = client.get(call).text();
    let card = page.split("<article class=\"finding\"").find(|c| c.contains(&format!("data-rule=\"{rule}\"")));
    let card = card.unwrap_or_else(|| panic!("no card of {rule}: {page}"));
    let before = card.split("name=\"before\"").nth(1).unwrap().split('>').next().unwrap();
    let before = before.split('"').nth(1).unwrap_or("");
    let place = field(card, "place");
    let fields = [&[("rule", rule), ("place", &place), ("before", before)], said].concat();
    client.post(&format!("{call}/{action}"), &fields).status
}

/// A word on one place of `shirking` in this call and on no other, as after a change of the rules.
fn word(place: &str, user_id: i64, verdict: Judgement, before: Option<i64>) -> NewVerdict {
    NewVerdict {
        call_id: "t2".into(),
        slot: Slot::First,
        rule_id: "shirking".into(),
        place: place.to_owned(),
        source: Source::Finding,
        verdict,
        cause: None,
        span_ms: None,
        text: None,
        note: String::new(),
        ruleset_hash: String::new(),
        user_id,
        at_us: 2,
        before,
    }
}

/// What stands on places of `shirking` in the call that has several.
fn shirking(db: &Db) -> Vec<VerdictRow> {
    let all = db.verdicts_of("t2", Slot::First).unwrap();
    all.into_iter().filter(|v| v.rule_id == "shirking").collect()
}

#[test]
fn a_cause_comes_before_or_after_the_verdict_and_decides_nothing() {
    let mut console = Console::start();
    console.add("zhijian2", &["reviewer"]);
    let (one, other) = (console.login("zhijian"), console.login("zhijian2"));
    let mut db = Db::open(&console.data.path().join("reviews.db")).unwrap();
    let (call, rule) = ("/calls/t2", "shirking");
    assert_eq!(explain(&one, call, rule, "misheard"), 400, "nothing is said yet");
    // Before: it goes to all places with the verdict.
    let reject = |cause| send(&one, call, rule, "verdict", &[("verdict", "rejected"), ("cause", cause)]);
    assert_eq!(reject("whatever"), 400);
    assert_eq!(reject("misheard"), 303);
    let places = shirking(&db);
    assert!(places.len() > 1 && places.iter().all(|v| v.cause == Some(Cause::Misheard)), "{places:?}");
    // After: rows of their own, the verdict as it was.
    assert_eq!(explain(&one, call, rule, "context"), 303);
    let later = shirking(&db);
    assert!(later.iter().all(|v| v.cause == Some(Cause::Context) && v.verdict == Judgement::Rejected), "{later:?}");
    assert_eq!(db.history().unwrap().len(), 2 * places.len());
    assert!(one.get(call).text().contains("（语境允许）"));
    let page = one.get("/rules/shirking?from=2026-11-01&to=2026-11-30").text();
    assert!(page.contains("evidence=cause%20shirking%20context") && page.contains("语境允许 · "), "{page}");
    let lines = db.audit(20).unwrap();
    let said = |action: &str, detail: &str| lines.iter().any(|a| a.action == action && a.detail == detail);
    assert!(said("verdict", "shirking rejected misheard") && said("cause", "shirking context"), "{lines:?}");
    // What is confirmed has none, whatever was chosen before.
    let fields = [("verdict", "confirmed"), ("cause", "context")];
    assert_eq!(send(&one, call, rule, "verdict", &fields), 303);
    let confirmed: Vec<_> = shirking(&db).into_iter().filter(|v| v.verdict == Judgement::Confirmed).collect();
    assert_eq!(confirmed.iter().map(|v| v.cause).collect::<Vec<_>>(), [None]);
    assert_eq!(explain(&one, call, rule, "context"), 400);
    // A doubt on one place only: why says nothing of the others.
    let head = confirmed.into_iter().next().unwrap();
    let doubt =
        NewVerdict { note: "听不清".into(), ..word(&head.place, head.user_id, Judgement::Unsure, Some(head.id)) };
    db.claim("t2", Slot::First, head.user_id, head.at_us, 1).unwrap();
    db.record(&NewVerdict { at_us: head.at_us, ..doubt }).unwrap();
    let rows = db.history().unwrap().len();
    assert_eq!(explain(&one, call, rule, "wrong_speaker"), 303);
    assert_eq!(db.history().unwrap().len(), rows + 1, "the rejected places stay as they were");
    let head = shirking(&db).into_iter().find(|v| v.place == head.place).unwrap();
    assert_eq!(
        (head.verdict, head.cause, head.note.as_str()),
        (Judgement::Unsure, Some(Cause::WrongSpeaker), "听不清")
    );
    // It is the word of whoever judged.
    db.release("t2", Slot::First, head.user_id).unwrap();
    assert_eq!(explain(&other, call, rule, "rule"), 400);
    assert_eq!(explain(&one, call, rule, ""), 303, "it may be taken back");
    assert_eq!(shirking(&db).into_iter().find(|v| v.place == head.place).unwrap().cause, None);
}

#[test]
fn a_cause_leaves_places_alone_that_nobody_judged() {
    let console = Console::start();
    let reviewer = console.login("zhijian");
    let mut db = Db::open(&console.data.path().join("reviews.db")).unwrap();
    let user_id = db.users().unwrap().into_iter().find(|u| u.name == "zhijian").unwrap().id;
    let page = reviewer.get("/calls/t2").text();
    let place = field(page.split("data-rule=\"shirking\"").nth(1).unwrap(), "place");
    db.claim("t2", Slot::First, user_id, 1, 10).unwrap();
    db.record(&word(&place, user_id, Judgement::Rejected, None)).unwrap();
    assert_eq!(explain(&reviewer, "/calls/t2", "shirking", "rule"), 303);
    let standing: Vec<_> = shirking(&db).into_iter().map(|v| (v.place, v.cause)).collect();
    assert_eq!(standing, [(place, Some(Cause::Rule))], "its other places wait to be judged");
}

#[test]
fn a_rule_is_judged_once_and_rejected_everywhere() {
    let console = Console::start();
    let reviewer = console.login("zhijian");
    let cards = |page: &str| page.matches("<article class=\"finding\" tabindex=\"0\" data-rule=\"shirking\"").count();
    assert_eq!(cards(&reviewer.get("/calls/t2").text()), 1, "one card for a rule, however often it hit");
    assert_eq!(say(&reviewer, "/calls/t2", "shirking", "rejected"), 303);
    let db = Db::open(&console.data.path().join("reviews.db")).unwrap();
    let standing = |verdict| {
        let all = db.verdicts_of("t2", Slot::First).unwrap();
        all.iter().filter(|v| v.rule_id == "shirking" && v.verdict == verdict).count()
    };
    let places = standing(Judgement::Rejected);
    assert!(places >= 2, "{places}");
    // One place that is a violation makes the call one.
    assert_eq!(say(&reviewer, "/calls/t2", "shirking", "confirmed"), 303);
    assert_eq!((standing(Judgement::Confirmed), standing(Judgement::Rejected)), (1, places - 1));
}

#[test]
fn the_own_tasks_come_first_and_in_the_order_of_the_draw() {
    let console = Console::start();
    let mut db = Db::open(&console.data.path().join("reviews.db")).unwrap();
    let draw = DrawRecord {
        id: 0,
        title: "随机".into(),
        record: r#"{"picked":[{"call_id":"t2"},{"call_id":"c05"},{"call_id":"c03"}]}"#.into(),
        seed: "s".into(),
        frame_hash: "h".into(),
        frame_calls: 3,
        drawn_us: 1,
        drawn_by: String::new(),
    };
    let call = |id: &str| DrawCall {
        call_id: id.into(),
        probability: Some(1.0),
        whole: Some(1.0),
        picked: true,
        part: "random".into(),
        why: String::new(),
        reviewer: Some("zhijian".into()),
        duplicate: None,
    };
    db.add_draw(&draw, &["c03", "c05", "t2"].map(call)).unwrap();
    let reviewer = console.login("zhijian");
    let page = reviewer.get("/tasks").text();
    let at = ["t2", "c05", "c03"].map(|id| page.find(&format!("href=\"/calls/{id}\"")).unwrap());
    assert!(at.is_sorted(), "{page}");
    assert!(page.contains("<td>陈晓</td><td>一组</td><td>2026-11-16</td><td class=\"num\">0:11</td>"), "{page}");
    let next = || reviewer.post("/queue/next", &[]).header("location").to_owned();
    assert_eq!([next(), next(), next()], ["/calls/t2", "/calls/c05", "/calls/c03"]);
    assert!(!["/calls/t2", "/calls/c05", "/calls/c03"].contains(&next().as_str()), "then the queue");
}

#[test]
fn a_blind_duplicate_is_blind_and_changes_nothing() {
    let mut console = Console::start();
    console.add("zhijian2", &["reviewer"]);
    let mut db = Db::open(&console.data.path().join("reviews.db")).unwrap();
    let draw = DrawRecord {
        id: 0,
        title: "风险队列".into(),
        record: "{}".into(),
        seed: "s".into(),
        frame_hash: "h".into(),
        frame_calls: 1,
        drawn_us: 1,
        drawn_by: String::new(),
    };
    let call = DrawCall {
        call_id: "t2".into(),
        probability: Some(1.0),
        whole: Some(1.0),
        picked: true,
        part: "random".into(),
        why: "随机份额".into(),
        reviewer: Some("zhijian".into()),
        duplicate: Some("zhijian2".into()),
    };
    db.add_draw(&draw, &[call]).unwrap();
    let (first, second) = (console.login("zhijian"), console.login("zhijian2"));
    // A task like any other: the reason for the draw stands there for both.
    for client in [&first, &second] {
        let tasks = client.get("/tasks").text();
        assert!(tasks.contains("/calls/t2") && tasks.contains("随机份额"), "{tasks}");
    }
    let tells = |client: &Client, page: &str| client.get(page).text().contains("/calls/t2");
    assert_eq!(say(&first, "/calls/t2", "shirking", "rejected"), 303);
    assert!(tells(&first, "/rules/shirking") && !tells(&second, "/rules/shirking"), "a sample of false hits");
    let unsaid = "/queue?state=all&evidence=cause%20shirking%20unsaid";
    assert!(tells(&first, unsaid) && !tells(&second, unsaid), "calls by the cause of a rejection");
    assert_eq!(say(&first, "/calls/t2", "shirking", "confirmed"), 303);
    for page in ["/calls/t2", "/queue?state=all"] {
        let text = second.get(page).text();
        assert!(!text.contains("data-verdict=\"confirmed\"") && !text.contains("复核中"), "{page}: {text}");
    }
    // What is said is published, and counted, when it is handed in.
    let form = [("before", ""), ("whole", "1"), ("whole_reason", "已当面核对")];
    assert!(!tells(&first, "/queue?state=confirmed"), "not handed in");
    assert_eq!(first.post("/calls/t2/form", &form).status, 303);
    let days = "from=2026-11-01&to=2026-11-30";
    let lists = [
        "state=confirmed",
        "state=all&confirmed=shirking",
        "state=all&evidence=said%20shirking",
        "state=all&evidence=hits",
        "state=all&evidence=judged%20shirking",
    ];
    let lists = lists.map(|list| format!("/queue?{list}&{days}")).into_iter().chain([format!("/agents/3021?{days}")]);
    for page in lists {
        assert!(tells(&first, &page) && !tells(&second, &page), "{page}");
    }
    assert_eq!(say(&second, "/calls/t2", "shirking", "rejected"), 303, "both work at the same time");
    // The own claim looks like that of any other call: what is missing there or looks different would be the duplicates.
    let own = second.get("/queue?state=all&claimed=zhijian2").text();
    assert!(own.contains("/calls/t2") && own.contains("复核中"), "{own}");
    let of = |slot| {
        db.verdicts_of("t2", slot)
            .unwrap()
            .iter()
            .filter(|v| v.rule_id == "shirking")
            .map(|v| v.verdict)
            .collect::<Vec<_>>()
    };
    // It is open for who is to hear it until the own form, though the first review is finished, and is handed out so.
    let open = |client: &Client| tells(client, "/queue");
    assert!(!open(&first) && open(&second) && !tells(&second, "/queue?state=done"));
    assert_eq!(second.post("/calls/t2/release", &[]).status, 303);
    let handed = |client: &Client| {
        let out: Vec<String> = (0..5).map(|_| client.post("/queue/next", &[]).header("location").to_owned()).collect();
        out.iter().filter(|to| to.as_str() == "/calls/t2").count()
    };
    assert_eq!((handed(&second), handed(&first)), (1, 0));
    assert_eq!(second.post("/calls/t2/form", &form).status, 303);
    assert!(!open(&second) && tells(&second, "/queue?state=done") && handed(&second) == 0);
    // Whoever leads reads both on one page; the two do not.
    let second_review = |client: &Client| client.get("/calls/t2").text().contains("id=\"second\"");
    let lead = console.login("zhuguan");
    assert!(second_review(&lead) && !second_review(&first) && !second_review(&second));
    assert!(lead.get("/calls/t2").text().split("id=\"second\"").nth(1).unwrap().contains("误报"));
    assert_eq!(of(Slot::First).iter().filter(|v| **v == Judgement::Confirmed).count(), 1);
    assert!(of(Slot::Duplicate).iter().all(|v| *v == Judgement::Rejected));
}
