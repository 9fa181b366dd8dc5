//! What the console must not do, tried per role and page.

use super::client::{Client, field};
use super::{Console, EVIL, reviewed};

/// Pages for staff; an agent has no business there.
const STAFF_PAGES: [&str; 11] = [
    "/queue",
    "/tasks",
    "/search?q=您好",
    "/calls/c03",
    "/dashboard",
    "/dashboard/report?period=2026-11-2",
    "/agents",
    "/agents/3021",
    "/reviewers",
    "/rules",
    "/rules/shirking",
];
/// Pages for admins.
const ADMIN_PAGES: [&str; 2] = ["/users", "/audit"];
/// What is sent to a call; `c03` and `c05` have recordings.
const ACTIONS: [&str; 9] = ["claim", "release", "verdict", "cause", "missed", "form", "receipt", "heard", "correct"];

/// An id in an address.
fn url(text: &str) -> String {
    text.bytes().fold(String::new(), |out, b| out + &format!("%{b:02X}"))
}

#[test]
fn strangers_see_the_login_and_nothing_else() {
    let console = Console::start();
    let stranger = Client::new(&console.base);
    let sound = [
        "/calls/c05/audio",
        "/calls/c05/clip?from=0&to=1000",
        "/calls/c05/waveform.svg",
        "/mine",
        "/appeals",
        "/account",
    ];
    for page in STAFF_PAGES.iter().chain(&ADMIN_PAGES).chain(&sound) {
        let answer = stranger.get(page);
        assert!(
            answer.status == 303 && answer.header("location").starts_with("/login?next="),
            "{page}: {}",
            answer.status
        );
    }
    for action in ACTIONS {
        let answer = stranger.post_raw(&format!("/calls/c05/{action}"), &[("csrf", "")], &[]);
        assert_eq!((answer.status, answer.header("location").starts_with("/login")), (303, true), "{action}");
    }
    assert_eq!(stranger.get("/nothing").status, 404);
}

#[test]
fn an_agent_reaches_the_own_calls_only() {
    let console = Console::start();
    let agent = console.login("zuoxi");
    let (reviewer, lead, admin) = (console.login("zhijian"), console.login("zhuguan"), console.login("admin"));
    for page in STAFF_PAGES {
        assert_eq!(agent.get(page).status, 404, "{page}");
        assert_eq!((reviewer.get(page).status, lead.get(page).status), (200, 200), "{page}");
    }
    for page in ADMIN_PAGES {
        let statuses = [&agent, &reviewer, &lead, &admin].map(|client| client.get(page).status);
        assert_eq!(statuses, [404, 404, 404, 200], "{page}");
    }
    assert_eq!(lead.post("/users", &[("name", "x"), ("role", "admin")]).status, 404, "nobody makes oneself an admin");
    assert_eq!(reviewer.get("/mine").status, 404);
    for call in ["c03", &url(EVIL)] {
        for rest in ["", "/audio", "/clip?from=0&to=1000", "/waveform.svg"] {
            assert_eq!(agent.get(&format!("/calls/{call}{rest}")).status, 404, "{call}{rest}");
        }
    }
    assert_eq!(agent.get("/calls/c05").status, 200);
    // The number of calls leads to the list of them: the two own ones and nobody else's.
    let mine = agent.get("/mine").text();
    assert!(mine.contains("<a href=\"#calls\">2</a>"), "{mine}");
    let listed = mine.split_once("id=\"calls\"").map(|(_, rest)| rest.matches("href=\"/calls/").count());
    assert_eq!((listed, mine.contains("/calls/c05"), mine.contains("/calls/t2")), (Some(2), true, true));
    assert_eq!(agent.get("/calls/c05/audio").status, 200);
    for action in ACTIONS {
        assert_eq!(agent.post(&format!("/calls/c05/{action}"), &[]).status, 404, "{action}");
    }
    assert_eq!(agent.post("/queue/next", &[]).status, 404);
    assert_eq!(agent.post("/appeals/1/decision", &[("granted", "1"), ("reason", "x")]).status, 404);
    // What the machine says and no person confirmed is no business of the agent's yet.
    let page = agent.get("/calls/c05").text();
    assert!(!page.contains("class=\"finding\""), "{page}");
}

/// Who may open what: agent, team lead, reviewer, lead, manager, admin. Calls of the team are c05 and t2; c03 is
/// another's.
const MAY_READ: [(&str, [u16; 6]); 25] = [
    ("/mine", [200, 404, 404, 404, 404, 404]),
    ("/team", [404, 200, 404, 404, 404, 404]),
    ("/queue", [404, 404, 200, 200, 200, 200]),
    ("/tasks", [404, 404, 200, 200, 404, 200]),
    ("/dashboard", [404, 404, 200, 200, 200, 200]),
    ("/dashboard/report?period=2026-11-2", [404, 404, 200, 200, 200, 200]),
    ("/summaries", [404, 200, 200, 200, 200, 200]),
    ("/summaries/one?unit=一组&period=2026-11-2", [404, 404, 200, 200, 200, 200]),
    ("/summaries/one.csv?unit=一组&period=2026-11-2", [404, 404, 200, 200, 200, 200]),
    ("/summaries/one.xlsx?unit=一组&period=2026-11-2", [404, 404, 200, 200, 200, 200]),
    ("/raised", [404, 200, 200, 200, 200, 200]),
    ("/agents", [404, 404, 200, 200, 200, 200]),
    ("/agents/3021", [404, 404, 200, 200, 200, 200]),
    ("/reviewers", [404, 404, 200, 200, 200, 200]),
    ("/rules/shirking", [404, 404, 200, 200, 200, 200]),
    ("/appeals", [200, 404, 200, 200, 200, 200]),
    ("/search?q=您好", [404, 200, 200, 200, 200, 200]),
    ("/calls/c05", [200, 200, 200, 200, 200, 200]),
    ("/calls/c03", [404, 404, 200, 200, 200, 200]),
    ("/calls/c03/clip?from=0&to=1000", [404, 404, 200, 200, 200, 200]),
    ("/draws", [404, 404, 404, 200, 404, 200]),
    ("/draws/9", [404, 404, 404, 404, 404, 404]),
    ("/library", [200, 404, 200, 200, 200, 200]),
    ("/library/9/clip", [404, 404, 404, 404, 404, 404]),
    ("/users", [404, 404, 404, 404, 404, 200]),
];

/// Who may do what; 1 where it is let through to what it is about. Nothing here succeeds, so that the order does not
/// matter.
const MAY_DO: [(&str, [bool; 6]); 20] = [
    ("/calls/c05/verdict", [false, false, true, true, false, true]),
    ("/calls/c05/missed", [false, false, true, true, false, true]),
    ("/calls/c05/heard", [false, false, true, true, false, true]),
    ("/calls/c05/raise", [false, false, true, true, false, true]),
    ("/calls/c03/raise", [false, false, true, true, false, true]),
    ("/queue/next", [false, false, true, true, false, true]),
    ("/appeals/9/decision", [false, false, false, true, false, true]),
    ("/summaries/submit", [false, false, false, true, false, true]),
    ("/summaries/9/decision", [false, false, false, false, true, false]),
    ("/summaries/part/9/receipt", [false, false, false, false, false, false]),
    ("/raised/9/ack", [false, false, false, false, false, false]),
    ("/calls/c05/receipt", [false, false, false, false, false, false]),
    ("/users", [false, false, false, false, false, true]),
    ("/draws", [false, false, false, true, false, true]),
    ("/draws/9/handover", [false, false, false, true, false, true]),
    ("/calls/c05/lesson", [false, false, true, true, false, true]),
    ("/library/9/handout", [false, false, false, true, false, true]),
    ("/library/9/end", [false, false, false, false, false, false]),
    ("/library/9/receipt", [false, false, false, false, false, false]),
    ("/users/1/disabled", [false, false, false, false, false, true]),
];

#[test]
fn every_role_reaches_what_is_its_own() {
    let console = Console::start();
    let roles = ["zuoxi", "banzhang", "zhijian", "zhuguan", "jingli", "admin"].map(|name| console.login(name));
    for (page, expected) in MAY_READ {
        assert_eq!(roles.each_ref().map(|client| client.get(page).status), expected, "{page}");
    }
    for (action, expected) in MAY_DO {
        let let_through = roles.each_ref().map(|client| client.post(action, &[]).status != 404);
        assert_eq!(let_through, expected, "{action}");
        for client in &roles {
            assert_eq!(client.post_raw(action, &[], &[]).status, 403, "{action} without a token");
        }
    }
    let stranger = Client::new(&console.base);
    for page in MAY_READ.iter().map(|(page, _)| page).chain(MAY_DO.iter().map(|(action, _)| action)) {
        assert!(stranger.get(page).status == 303 || stranger.get(page).status == 405, "{page}");
    }
}

/// A team lead finds nothing of other teams, whatever is typed, and nothing that only the machine says.
#[test]
fn a_team_lead_sees_the_own_team_as_it_was_submitted() {
    let console = Console::start();
    let [team_lead, reviewer] = ["banzhang", "zhijian"].map(|name| console.login(name));
    let found = |q: &str| team_lead.get(&format!("/search?q={q}&unit=")).text();
    assert!(found("1086").contains("未找到") && reviewer.get("/search?q=1086&unit=").text().contains("/agents/1086"));
    assert!(found("c0").contains("/calls/c05") && !found("c0").contains("/calls/c03"));
    // Words that only another team's call holds, with the team of the address set to theirs.
    for q in ["你自己不会看", "alert"] {
        assert!(reviewer.get(&format!("/search?q={q}&from=&to=")).text().contains("#t"), "{q}");
        assert!(!found(q).contains("#t"), "{q}");
    }
    assert!(!team_lead.get("/search?q=您好&unit=二组").text().contains("/calls/c03"));
    for call in ["c03", &url(EVIL)] {
        for rest in ["", "/audio", "/clip?from=0&to=1000", "/waveform.svg", "/record", "/record.xlsx"] {
            assert_eq!(team_lead.get(&format!("/calls/{call}{rest}")).status, 404, "{call}{rest}");
        }
    }
    let page = team_lead.get("/calls/t2").text();
    assert!(
        !page.contains("class=\"finding\"") && !page.contains("系统评分") && !page.contains("13912345678"),
        "{page}"
    );
    assert_eq!(team_lead.get("/calls/t2/audio").status, 200);
    let team = team_lead.get("/team?from=2026-11-01&to=2026-11-30&agent=1086").text();
    assert!(team.contains("陈晓") && !team.contains("1086</small>"), "{team}");
}

/// The rule's page shows what is checked to the letter, and where it stands, without the folders of this machine.
#[test]
fn a_rules_file_is_for_staff() {
    let console = Console::start();
    let page = console.login("zhijian").get("/rules/shirking").text();
    let text = std::fs::read_to_string(crate::support::root().join("rules/attitude/shirking.yaml")).unwrap();
    let shown = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    assert!(page.contains(&format!("<pre>{shown}</pre>")), "{page}");
    assert!(
        page.contains("<code>attitude/shirking.yaml</code>") && page.contains("<details class=\"card\">"),
        "{page}"
    );
    assert_eq!(console.login("zuoxi").get("/rules/shirking").status, 404);
}

#[test]
fn a_verdict_of_another_agents_call_cannot_be_disputed() {
    let mut console = Console::start();
    console.add("other", &["agent", "--agent-id", "1086"]);
    let reviewer = console.login("zhijian");
    let page = reviewer.get("/calls/c05").text();
    let place = field(&page, "place");
    let rule = field(&page, "rule");
    let fields = [("rule", rule.as_str()), ("place", &place), ("verdict", "confirmed"), ("before", "")];
    assert_eq!(reviewer.post("/calls/c05/verdict", &fields).status, 303);
    let appeal = [("verdict", "1"), ("reason", "不服")];
    assert_eq!(console.login("zuoxi").post("/appeals", &appeal).status, 404, "not handed in yet");
    assert_eq!(reviewer.post("/calls/c05/form", &[("before", "")]).status, 303);
    assert_eq!(console.login("other").post("/appeals", &appeal).status, 404);
    assert_eq!(reviewer.post("/appeals", &appeal).status, 404, "a reviewer has no calls");
    assert_eq!(console.login("zuoxi").post("/appeals", &appeal).status, 303);
    assert_eq!(reviewer.post("/appeals/1/decision", &[("granted", "1"), ("reason", "好")]).status, 404);
    assert_eq!(console.login("zhuguan").post("/appeals/1/decision", &[("granted", "1"), ("reason", "好")]).status, 303);
}

#[test]
fn forms_from_elsewhere_are_refused() {
    let console = Console::start();
    let (reviewer, lead) = (console.login("zhijian"), console.login("zhuguan"));
    let claim = "/calls/c05/claim";
    assert_eq!(reviewer.post_raw(claim, &[], &[]).status, 403, "no token");
    assert_eq!(reviewer.post_raw(claim, &[("csrf", &lead.csrf)], &[]).status, 403, "another's token");
    let own = [("csrf", reviewer.csrf.as_str())];
    for header in [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
        assert_eq!(reviewer.post_raw(claim, &own, &[header]).status, 403, "{header:?}");
        let login = [("name", "zhijian"), ("password", console.password("zhijian"))];
        assert_eq!(Client::new(&console.base).post_raw("/login", &login, &[header]).status, 403, "{header:?}");
    }
    assert_eq!(reviewer.post_raw(claim, &own, &[]).status, 303);
    assert_eq!(reviewer.get("/logout").status, 405, "nothing changes by a link");
}

#[test]
fn paths_lead_nowhere_and_text_is_text() {
    let console = Console::start();
    let admin = console.login("admin");
    for path in [
        "/calls/..%2F..%2F..%2Fetc%2Fpasswd/audio",
        "/calls/%2Fetc%2Fpasswd",
        "/calls/metadata.csv/audio",
        "/static/..%2Fapp.rs",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/calls/c05%00/audio",
    ] {
        assert_eq!(admin.get(path).status, 404, "{path}");
    }
    let evil = format!("/calls/{}", url(EVIL));
    let pages = [
        "/queue?state=all",
        "/calls/c03",
        &evil,
        "/search?q=%3Cscript%3E",
        "/dashboard",
        "/agents",
        "/agents/1086",
        "/rules/rhetorical-question",
        "/audit",
        "/queue?agent=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ];
    for page in pages {
        let answer = admin.get(page);
        let text = answer.text();
        assert_eq!(answer.status, 200, "{page}");
        assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "{page}: {text}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!((answer.header("x-content-type-options"), answer.header("cache-control")), ("nosniff", "no-store"));
    }
    assert!(admin.get(&evil).text().contains("&lt;script&gt;"), "it is shown, as text");
    let to = admin.get("/login?next=https://evil.example").text();
    assert!(!to.contains("evil.example"), "{to}");
}

#[test]
fn sessions_are_new_at_login_and_dead_after_logout() {
    let console = Console::start();
    let mut visitor = Client::new(&console.base);
    visitor.cookie = "callsift=0123456789abcdef".to_owned();
    let answer = visitor.login("zhijian", console.password("zhijian"));
    assert_ne!(visitor.cookie, "callsift=0123456789abcdef", "a planted token is not adopted");
    let set = answer.header("set-cookie").to_owned();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
    assert_eq!(visitor.get("/queue").status, 200);
    assert_eq!(visitor.post("/logout", &[]).status, 303);
    assert_eq!(visitor.get("/queue").status, 303, "the old cookie is worth nothing");
    // A new password ends what is open.
    let reviewer = console.login("zhijian");
    let old = console.password("zhijian");
    let change = [("old", old), ("new", "another good one")];
    assert_eq!(reviewer.post("/account", &change).status, 303);
    assert_eq!(reviewer.get("/queue").status, 303);
}

#[test]
fn guessing_is_slow() {
    let console = Console::start();
    let mut guesser = Client::new(&console.base);
    for _ in 0..5 {
        assert_eq!(guesser.login("zhuguan", "wrong password").status, 200);
    }
    assert_eq!(guesser.login("zhuguan", "wrong password").status, 429);
    assert_eq!(guesser.login("zhuguan", console.password("zhuguan")).status, 429, "the right one must wait as well");
}

#[test]
fn when_a_call_was_is_nobodys_number() {
    let console = Console::with(reviewed::lake(), tempfile::tempdir().unwrap());
    let reviewer = console.login("zhijian");
    let named = format!("<small>{}<", reviewed::TIMED);
    let shows = |page: &str| reviewer.get(page).text().contains(&named);
    assert!(shows(&format!("/calls/{}", reviewed::TIMED)));
    assert!(shows("/queue?state=all") || shows("/queue?state=all&page=1"), "no list has it");
}

#[test]
fn numbers_are_masked_for_all_but_those_with_the_right() {
    let console = Console::start();
    let (reviewer, admin) = (console.login("zhijian"), console.login("admin"));
    let (masked, open) = (reviewer.get("/calls/t2").text(), admin.get("/calls/t2").text());
    assert!(masked.contains("*********零零") && !masked.contains("一三八零零一三八"), "{masked}");
    assert!(!masked.contains("13912345678") && masked.contains("*********78"), "metadata too");
    assert!(open.contains("一三八零零一三八零零零") && open.contains("13912345678"));
    let found =
        |client: &Client, q: &str| client.get(&format!("/search?q={}", url(q))).text().contains("href=\"/calls/t2");
    assert!(!found(&reviewer, "一三八零零") && found(&reviewer, "我的电话"), "a search does not give numbers away");
}

#[test]
fn a_list_says_what_it_cannot_look_for() {
    let console = Console::start();
    let reviewer = console.login("zhijian");
    for asked in ["word=%25", "word=%E3%80%82", "from=abc", "to=2026-13-01"] {
        assert_eq!(reviewer.get(&format!("/queue?state=all&{asked}")).status, 400, "{asked}");
    }
    for asked in ["word=%E8%BF%99", "word=", "from=2026-11-16&to="] {
        assert_eq!(reviewer.get(&format!("/queue?state=all&{asked}")).status, 200, "{asked}");
    }
}

/// One person's errors, and a flood of guesses, are that account's affair.
#[test]
fn guesses_at_once_count_like_guesses_in_a_row() {
    let console = Console::start();
    let evaluated = std::thread::scope(|scope| {
        let guess = || Client::new(&console.base).login("zhuguan", "wrong password").status;
        let all: Vec<_> = (0..40).map(|_| scope.spawn(guess)).collect();
        all.into_iter().map(|t| t.join().unwrap()).filter(|status| *status == 200).count()
    });
    assert_eq!(evaluated, 5);
    assert_eq!(console.login("zhijian").get("/queue").status, 200, "from the same address");
    let mut lead = Client::new(&console.base);
    assert_eq!(
        lead.login("zhuguan", console.password("zhuguan")).status,
        429,
        "that forgave the other account nothing"
    );
}

#[test]
fn what_people_wrote_is_masked_and_not_lost() {
    let console = Console::start();
    let (reviewer, lead, agent) = (console.login("zhijian"), console.login("zhuguan"), console.login("zuoxi"));
    let number = "电话 13812345678";
    let page = reviewer.get("/calls/c05").text();
    let (rule, place) = (field(&page, "rule"), field(&page, "place"));
    let said = [("rule", rule.as_str()), ("place", &place), ("verdict", "confirmed"), ("note", number), ("before", "")];
    let own = [&[("csrf", reviewer.csrf.as_str())], &said[..]].concat();
    let answer = reviewer.post_raw("/calls/c05/verdict", &own, &[("x-requested-with", "callsift")]);
    assert!(answer.status == 200 && answer.text().contains("*********78"), "{}", answer.text());
    assert!(!answer.text().contains("13812345678"));
    assert_eq!(reviewer.post("/calls/c05/form", &[("weaknesses", number), ("before", "")]).status, 303);
    let page = reviewer.get("/calls/c05").text();
    assert!(!page.contains("13812345678") && page.contains("电话 *********78</textarea>"), "{page}");
    // Handed in again as it was shown: the stars were nobody's words.
    let again = [("weaknesses", "电话 *********78"), ("before", "1")];
    assert_eq!(reviewer.post("/calls/c05/form", &again).status, 303);
    assert!(console.login("admin").get("/calls/c05").text().contains("13812345678</textarea>"));
    assert_eq!(agent.post("/appeals", &[("verdict", "1"), ("reason", "请打 13912345678")]).status, 303);
    for client in [&agent, &lead] {
        let page = client.get("/appeals").text();
        assert!(page.contains("请打 *********78") && !page.contains("13912345678"), "{page}");
    }
}

#[test]
fn an_agent_sees_what_people_said_and_what_became_of_an_appeal() {
    let console = Console::start();
    let (reviewer, agent) = (console.login("zhijian"), console.login("zuoxi"));
    let page = agent.get("/calls/c05").text();
    assert!(
        !page.contains("系统评分") && !page.contains("系统没有") && page.contains("没有经人工确认的问题"),
        "{page}"
    );
    let staff = reviewer.get("/calls/c05").text();
    assert!(staff.contains("系统评分"));
    let (rule, place) = (field(&staff, "rule"), field(&staff, "place"));
    let said = [("rule", rule.as_str()), ("place", &place), ("verdict", "confirmed"), ("before", "")];
    assert_eq!(reviewer.post("/calls/c05/verdict", &said).status, 303);
    let offered = |page: &str| page.contains("action=\"/appeals\"");
    // Nothing of a review is the agent's to know before it is handed in: neither where it is nor what it says.
    let before = agent.get("/calls/c05").text();
    assert!(!offered(&before) && !before.contains("class=\"finding\"") && !before.contains("复核中"), "{before}");
    assert!(
        !agent.get("/mine?from=2026-11-01&to=2026-11-30").text().contains("id=\"problems\"><h2>属实的问题</h2><table")
    );
    assert_eq!(reviewer.post("/calls/c05/form", &[("before", ""), ("item.shirking", "7")]).status, 303);
    let page = agent.get("/calls/c05").text();
    assert!(offered(&page) && !page.contains("没有经人工确认"), "{page}");
    assert!(page.contains("可申诉至") && page.contains("还剩 ") && page.contains("已提交 93 分"), "{page}");
    // Points that the reviewer took off without a place are told, and all of it adds up.
    assert!(
        page.contains("复核员直接扣分") && page.contains("−7") && page.contains("<th class=\"num\">93</th>"),
        "{page}"
    );
    assert!(page.contains("坐席：") && page.contains("客户："), "both sides are quoted: {page}");
    assert_eq!(agent.post("/appeals", &[("verdict", "1"), ("reason", "不是反问")]).status, 303);
    let page = agent.get("/calls/c05").text();
    assert!(!offered(&page) && page.contains("已申诉，待裁定"), "{page}");
    let lead = console.login("zhuguan");
    assert_eq!(lead.post("/appeals/1/decision", &[("granted", "0"), ("reason", "听过")]).status, 303);
    let page = agent.get("/calls/c05").text();
    assert!(!offered(&page) && page.contains("维持原判"), "{page}");
}

/// 签收: for the agent of the call, and of the version that stands.
#[test]
fn a_result_is_signed_by_its_agent_alone() {
    let mut console = Console::start();
    console.add("other", &["agent", "--agent-id", "1086"]);
    let (reviewer, agent) = (console.login("zhijian"), console.login("zuoxi"));
    let sign = [("form", "1")];
    let receipt = "/calls/c05/receipt";
    assert_eq!(agent.post(receipt, &sign).status, 404, "nothing is handed in");
    assert_eq!(reviewer.post("/calls/c05/form", &[("before", "")]).status, 303);
    for client in [&reviewer, &console.login("zhuguan"), &console.login("admin"), &console.login("other")] {
        assert_eq!(client.post(receipt, &sign).status, 404, "who is not the agent");
    }
    assert!(reviewer.get("/calls/c05").text().contains("坐席未签收"));
    assert_eq!(agent.post(receipt, &sign).status, 303);
    assert!(agent.get("/calls/c05").text().contains("已签收 · "));
    assert!(reviewer.get("/calls/c05").text().contains("坐席已签收 "));
    // A new version is to be signed again, and the old one cannot be.
    assert_eq!(reviewer.post("/calls/c05/form", &[("before", "1"), ("item.shirking", "5")]).status, 303);
    assert_eq!(agent.post(receipt, &sign).status, 409);
    assert!(agent.get("/calls/c05").text().contains("请再看一遍并重新签收"));
}

/// What a person typed is that person's alone.
#[test]
fn drafts_are_their_authors_alone() {
    let mut console = Console::start();
    console.add("zhijian2", &["reviewer"]);
    let (one, other, agent) = (console.login("zhijian"), console.login("zhijian2"), console.login("zuoxi"));
    let draft = [("call", "c05"), ("name", "sheet c05"), ("value", "别人看不到的话")];
    assert_eq!(one.post("/drafts", &draft).status, 204);
    assert_eq!(one.post_raw("/drafts", &draft, &[]).status, 403, "no token");
    let tells = |client: &Client, page: &str| client.get(page).text().contains("别人看不到的话");
    assert!(tells(&one, "/calls/c05") && !tells(&one, "/calls/c03"));
    assert!(
        !tells(&other, "/calls/c05") && !tells(&agent, "/calls/c05") && !tells(&console.login("admin"), "/calls/c05")
    );
    assert!(
        one.get("/tasks").text().contains("还没有提交的复核")
            && !other.get("/tasks").text().contains("还没有提交的复核")
    );
    assert_eq!(one.post("/calls/c05/form", &[("before", "")]).status, 303);
    assert!(!tells(&one, "/calls/c05"), "gone when the form is handed in");
    assert_eq!(one.post("/drafts", &[("call", "c05"), ("name", ""), ("value", "x")]).status, 400);
}

#[test]
fn a_call_that_could_not_be_decoded_is_not_reviewed() {
    let console = Console::with(super::reviewed::lake(), tempfile::tempdir().unwrap());
    let reviewer = console.login("zhijian");
    let page = reviewer.get("/calls/broken").text();
    assert!(
        page.contains("无法解码，没有对话") && !page.contains("没有人说话") && !page.contains("系统没有发现"),
        "{page}"
    );
    assert!(!page.contains("id=\"sheet\"") && !page.contains("/calls/broken/claim"), "{page}");
    for action in ["claim", "missed", "form"] {
        let fields = [("rule", "shirking"), ("from_s", "0"), ("to_s", "1"), ("before", "")];
        let answer = reviewer.post(&format!("/calls/broken/{action}"), &fields);
        assert!(answer.status == 400 && answer.text().contains("无法复核"), "{action}: {}", answer.text());
    }
    let listed = reviewer.get("/queue?state=failed").text();
    let row = listed.split("href=\"/calls/broken\"").nth(1).unwrap();
    assert!(row.contains("<span class=\"chip failed\">处理失败") && !row.contains("待复核"), "{row}");
}

#[test]
fn lists_do_not_tell_who_heard_a_call_twice() {
    let mut console = Console::start();
    console.add("zhijian2", &["reviewer"]);
    let (one, other, lead) = (console.login("zhijian"), console.login("zhijian2"), console.login("zhuguan"));
    assert_eq!(other.post("/calls/t2/claim", &[]).status, 303);
    let tells = |client: &Client, page: &str| client.get(page).text().contains("/calls/t2");
    // Who is at what: whoever leads may ask, a reviewer sees the own and otherwise a list of everything.
    let at = "/queue?state=all&claimed=zhijian2";
    assert!(tells(&lead, at) && tells(&other, at));
    let count = |client: &Client, page: &str| client.get(page).text().matches("href=\"/calls/").count();
    assert_eq!((count(&lead, at), count(&other, at)), (1, 1));
    assert_eq!(count(&one, at), count(&one, "/queue?state=all"), "the filter is cleared");
    assert!(!one.get(at).text().contains("name=\"claimed\""));
    // Who handed in what, and what two people said: for leads alone.
    let days = "2026-11-01 2026-11-30";
    let closed = [
        format!("reviews zhijian2 {days}"),
        format!("duplicates zhijian2 {days}"),
        format!("duplicates zhijian {days}"),
        format!("verdicts zhijian {days}"),
        format!("twice {days}"),
        format!("twice {days} pair zhijian zhijian2"),
        format!("twice {days} item shirking"),
        format!("twice {days} differ shirking"),
    ];
    for evidence in closed {
        let page = format!("/queue?state=all&evidence={}", url(&evidence));
        assert_eq!((one.get(&page).status, lead.get(&page).status), (404, 200), "{evidence}");
    }
    for nonsense in ["x", "twice", "judged a b c", "twice ' OR 1 --"] {
        let page = format!("/queue?state=all&evidence={}", url(nonsense));
        assert_eq!((one.get(&page).status, lead.get(&page).status), (400, 400), "{nonsense}");
    }
    // The own work is no secret: it holds duplicates and others alike.
    assert_eq!(one.get(&format!("/queue?state=all&evidence={}", url(&format!("reviews zhijian {days}")))).status, 200);
    let page = one.get("/reviewers").text();
    let others = page.split("evidence=").skip(1).filter(|rest| !rest.starts_with("reviews%20zhijian%20"));
    assert!(others.count() == 0 && !page.contains("宽严"), "{page}");
    assert!(lead.get("/reviewers").text().contains("宽严"));
}

#[test]
fn what_cannot_be_is_refused_with_a_sentence() {
    let console = Console::start();
    let reviewer = console.login("zhijian");
    let missed = |from, to| reviewer.post("/calls/c05/missed", &[("rule", "shirking"), ("from_s", from), ("to_s", to)]);
    for (from, to) in [("9999", "10000"), ("1", "10000")] {
        let beyond = missed(from, to);
        assert_eq!(beyond.status, 400, "{from}–{to}");
        assert!(beyond.text().contains("超出了通话") && beyond.text().contains("beyond the end"), "{}", beyond.text());
    }
    for points in ["500", "-5", "NaN", "many"] {
        let form = reviewer.post("/calls/c05/form", &[("item.shirking", points)]);
        assert_eq!(form.status, 400, "{points}");
        assert!(form.text().contains("扣分应在 0 到 100 之间") && form.text().contains("from 0 to 100"), "{points}");
    }
    assert!(!reviewer.get("/calls/c05").text().contains("已提交"), "nothing was handed in");
    assert_eq!(missed("1", "2.5").status, 303);
    assert_eq!(reviewer.post("/calls/c05/form", &[("item.shirking", "20"), ("item.gone", "x")]).status, 303);
}

/// A tick is not listening: nearly all of the call was played by this person, or there is a reason.
#[test]
fn heard_as_a_whole_is_proven_or_explained() {
    let mut console = Console::start();
    console.add("zhijian2", &["reviewer"]);
    let (reviewer, other, agent) = (console.login("zhijian"), console.login("zhijian2"), console.login("zuoxi"));
    let whole = [("before", ""), ("whole", "1")];
    let refused = reviewer.post("/calls/t2/form", &whole);
    assert!(refused.status == 400 && refused.text().contains("要听过 95%（现在听了 0%）"), "{}", refused.text());
    assert_eq!(agent.post("/calls/t2/heard", &[("spans", "0-11000")]).status, 404, "an agent does not review");
    // Eleven seconds, most of it twice; another person's listening is not this one's.
    assert!(reviewer.post("/calls/t2/heard", &[("spans", "0-6000,2000-6000")]).text().contains("0.54"));
    assert_eq!(other.post("/calls/t2/heard", &[("spans", "0-11000")]).status, 200);
    assert_eq!(reviewer.post("/calls/t2/form", &whole).status, 400);
    assert_eq!(reviewer.post("/calls/t2/heard", &[("spans", "6000-999999")]).status, 200);
    assert_eq!(reviewer.post("/calls/t2/form", &whole).status, 303);
    assert!(reviewer.get("/calls/t2").text().contains("实听 100%"));
    let reason = [("before", ""), ("whole", "1"), ("whole_reason", "已当面核对")];
    assert_eq!(reviewer.post("/calls/c05/form", &reason).status, 303);
    assert!(console.login("zhuguan").get("/reviewers").text().contains("实听（小时）"));
}

#[test]
fn a_call_without_its_recording_says_so() {
    let console = Console::start();
    let page = console.login("zhijian").get(&format!("/calls/{}", url(EVIL))).text();
    assert!(page.contains("录音目录里找不到这通电话的录音") && !page.contains("<audio") && !page.contains("waveform"));
}

#[test]
fn a_login_leads_to_a_page_of_the_console() {
    let console = Console::start();
    let visitor = Client::new(&console.base);
    for (asked, to) in [("/queue?state=all", "/queue?state=all"), ("/\t/evil.example", "/"), ("/queue\r\nx: y", "/")] {
        let fields = [("name", "zhijian"), ("password", console.password("zhijian")), ("next", asked)];
        let answer = visitor.post_raw("/login", &fields, &[]);
        assert_eq!((answer.status, answer.header("location")), (303, to), "{asked:?}");
    }
}

#[test]
fn numbers_are_given_by_those_who_see_them() {
    let mut console = Console::start();
    console.add("chief", &["admin"]);
    console.add("trusted", &["reviewer", "--numbers"]);
    let (chief, admin) = (console.login("chief"), console.login("admin"));
    let new = |name| [("name", name), ("role", "reviewer"), ("numbers", "1")];
    assert_eq!((chief.post("/users", &new("x1")).status, admin.post("/users", &new("x2")).status), (400, 200));
    let page = chief.get("/users").text();
    assert!(!page.contains("x1") && !page.contains("name=\"numbers\"") && page.contains("trusted"), "{page}");
    // A new password is shown to whoever set it.
    let row = page.split("<tr>").find(|row| row.contains("trusted")).unwrap();
    let reset = row.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!((chief.post(reset, &[]).status, admin.post(reset, &[]).status), (400, 200));
}

#[test]
fn who_handed_in_what_is_for_leads() {
    let mut console = Console::start();
    console.add("zhijian2", &["reviewer"]);
    let (one, other, lead) = (console.login("zhijian"), console.login("zhijian2"), console.login("zhuguan"));
    assert_eq!(other.post("/calls/t2/claim", &[]).status, 303);
    assert_eq!(other.post("/calls/t2/form", &[("before", "")]).status, 303);
    let count = |client: &Client, page: &str| client.get(page).text().matches("href=\"/calls/").count();
    let at = "/queue?state=all&reviewer=zhijian2";
    assert_eq!((count(&lead, at), count(&other, at)), (1, 1));
    assert_eq!(count(&one, at), count(&one, "/queue?state=all"), "the filter is cleared");
}

/// Whoever guesses at a colleague's name from the same address does not lock the colleague out.
#[test]
fn a_known_browser_goes_on_while_others_guess() {
    let console = Console::start();
    let name = [("name", "zhuguan"), ("password", console.password("zhuguan"))];
    let first = Client::new(&console.base).post_raw("/login", &name, &[]);
    let mut device = first.headers.iter().filter(|(n, _)| n == "set-cookie").map(|(_, v)| v.split(';').next().unwrap());
    let device = device.find(|v| v.starts_with("callsift_device=")).unwrap().to_owned();
    for _ in 0..5 {
        Client::new(&console.base).login("zhuguan", "wrong password");
    }
    assert_eq!(Client::new(&console.base).post_raw("/login", &name, &[]).status, 429);
    let mut owner = Client::new(&console.base);
    owner.cookie.clone_from(&device);
    assert_eq!(owner.post_raw("/login", &name, &[]).status, 303);
    // It is the owner's browser and nobody else's.
    let other = [("name", "zhijian"), ("password", "wrong password")];
    for _ in 0..5 {
        owner.post_raw("/login", &other, &[]);
    }
    assert_eq!(owner.post_raw("/login", &other, &[]).status, 429);
}

#[test]
fn files_of_the_console_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let console = Console::under_umask("000");
    let admin = console.login("admin");
    admin.get("/calls/c05/waveform.svg");
    let page = admin.get("/calls/c05").text();
    let (place, rule) = (field(&page, "place"), field(&page, "rule"));
    let fields = [("rule", rule.as_str()), ("place", &place), ("verdict", "confirmed"), ("before", "")];
    assert_eq!(admin.post("/calls/c05/verdict", &fields).status, 303);
    // What commands write beside it, under the same umask.
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let away = tempfile::tempdir().unwrap();
    let (lake, data) = (away.path().join("lake"), text(console.data.path()));
    std::fs::create_dir(&lake).unwrap();
    let backup = away.path().join("reviews.db");
    let commands: [&[&str]; 2] = [&["backup", &text(&backup)], &["export"]];
    for command in commands {
        let mut reviews = super::under_umask("000");
        let done = reviews.args(["reviews", "--lake", &text(&lake), "--data", &data]).args(command).output().unwrap();
        assert!(done.status.success(), "{command:?}: {}", crate::support::stderr(&done));
    }
    assert_eq!(std::fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    for path in crate::support::parquet_bytes(&lake).keys() {
        let mode = std::fs::metadata(lake.join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path}");
    }
    assert!(!crate::support::parquet_bytes(&lake).is_empty());
    let (mut folders, mut seen) = (vec![console.data.path().to_owned()], 0);
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let entry = entry.unwrap();
            let (meta, is_dir) = (entry.metadata().unwrap(), entry.path().is_dir());
            assert_eq!(meta.permissions().mode() & 0o777, if is_dir { 0o700 } else { 0o600 }, "{:?}", entry.path());
            seen += 1;
            if is_dir {
                folders.push(entry.path());
            }
        }
    }
    assert!(seen >= 4, "reviews, catalogue, sound");
}

/// Whoever found an open session does not find the password by it.
#[test]
fn the_present_password_is_not_guessed_either() {
    let console = Console::start();
    let reviewer = console.login("zhijian");
    let change = |old| reviewer.post("/account", &[("old", old), ("new", "another good one")]).status;
    assert!((0..5).all(|_| change("wrong password") == 200));
    assert_eq!(change(console.password("zhijian")), 429);
    assert_eq!(console.login("zhijian").get("/queue").status, 200, "the login is another matter");
}

#[test]
fn connections_that_ask_for_nothing_end() {
    use std::io::{Read, Write};
    let console = Console::start();
    let address = console.base.trim_start_matches("http://").to_owned();
    let open = |sent: &[u8]| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        stream.write_all(sent).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(40))).unwrap();
        stream
    };
    let body = b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 9\r\n\r\nna";
    for (what, mut stream) in [("half a head", open(b"GET /login HTTP/1.1\r\nhost: x")), ("half a body", open(body))] {
        let ended = stream.read_to_end(&mut Vec::new());
        assert!(ended.is_ok(), "{what}: {ended:?}");
    }
}

/// What a reader checks against docs/console.md is what runs.
#[test]
fn the_security_table_names_tests_that_are_here() {
    let root = crate::support::root();
    let page = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let table = page.split("## Who × what × expected").nth(1).unwrap().split("\n## ").next().unwrap();
    let sources: String = std::fs::read_dir(root.join("tests/console"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let mut named = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let tests = row.trim_end_matches(" |").rsplit('|').next().unwrap();
        for test in tests.split('`').skip(1).step_by(2) {
            assert!(sources.contains(&format!("fn {test}()")), "{test}: {row}");
            named += 1;
        }
        assert!(tests.contains('`'), "no test: {row}");
    }
    assert!(named > 20, "{named}");
}
