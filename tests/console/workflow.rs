//! What goes from one person to the next: summaries, faults of the day, records of calls.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use super::client::{Client, field};
use super::{Console, lake};
use crate::support::{code, python, run, stderr, stdout};

/// The period and the team of the calls of 3021.
const PERIOD: &str = "2026-11-2";
const TEAM: &str = "一组";
const ONE: &str = "/summaries/one?unit=一组&period=2026-11-2";

/// Confirms the first hit of a call and submits the form.
fn confirm(reviewer: &Client, call: &str, form: &[(&str, &str)]) {
    let page = reviewer.get(&format!("/calls/{call}")).text();
    let (rule, place) = (field(&page, "rule"), field(&page, "place"));
    let said = [("rule", rule.as_str()), ("place", &place), ("verdict", "confirmed"), ("before", "")];
    assert_eq!(reviewer.post(&format!("/calls/{call}/verdict"), &said).status, 303);
    let all = [&[("before", "")], form].concat();
    assert_eq!(reviewer.post(&format!("/calls/{call}/form"), &all).status, 303);
}

/// The rows of all sheets of a workbook as openpyxl reads them, a line each, cells with bars between.
fn rows(bytes: &[u8]) -> String {
    let file = tempfile::Builder::new().suffix(".xlsx").tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let script = "import sys, openpyxl
for sheet in openpyxl.load_workbook(sys.argv[1]):
    print('#', sheet.title)
    for row in sheet.iter_rows():
        assert not any(c.data_type == 'f' for c in row), 'a formula'
        print('|'.join('' if c.value is None else str(c.value) for c in row))";
    let read = Command::new(python()).args(["-c", script]).arg(file.path()).output().unwrap();
    assert!(read.status.success(), "{}", stderr(&read));
    String::from_utf8(read.stdout).unwrap()
}

fn html(client: &Client, path: &str) -> String {
    let answer = client.get_with(path, &[("accept", "text/html")]);
    assert_eq!(answer.status, 200, "{path}");
    answer.text()
}

/// Draft, returned, submitted, approved, signed; and nothing that is judged later changes it.
#[test]
fn a_summary_is_approved_frozen_and_signed() {
    let mut console = Console::start();
    console.add("other", &["agent", "--agent-id", "1086"]);
    console.add("elsewhere", &["team-lead", "--unit", "二组"]);
    let names = ["zhijian", "zhuguan", "jingli", "zuoxi", "banzhang", "other", "elsewhere"];
    let [reviewer, lead, manager, agent, team_lead, other, elsewhere] = names.map(|name| console.login(name));
    confirm(&reviewer, "c05", &[("item.rhetorical-question", "15"), ("weaknesses", "=反问 13912345678")]);
    let draft = [("unit", TEAM), ("period", PERIOD), ("remark", "下周培训"), ("before", "")];
    assert!(lead.get(ONE).text().contains("草稿") && team_lead.get(ONE).status == 404, "not approved yet");
    assert_eq!(lead.post("/summaries/submit", &[("unit", "没有"), ("period", PERIOD)]).status, 400);
    assert_eq!(lead.post("/summaries/submit", &draft).status, 303);
    assert_eq!(lead.post("/summaries/submit", &draft).status, 409, "twice");
    let waiting = html(&manager, "/summaries");
    assert!(waiting.contains("待您审批") && waiting.contains("还剩 2 天 23 小时"), "{waiting}");
    assert!(waiting.contains("分析表<span class=\"badge\">1</span>"), "{waiting}");
    assert_eq!(manager.post("/summaries/1/decision", &[("approved", "0"), ("remark", "")]).status, 400);
    assert_eq!(manager.post("/summaries/1/decision", &[("approved", "0"), ("remark", "缺计划")]).status, 303);
    let page = html(&lead, ONE);
    assert!(page.contains("已退回") && page.contains("缺计划"), "{page}");
    let again = [("unit", TEAM), ("period", PERIOD), ("before", &*field(&page, "before"))];
    assert_eq!(lead.post("/summaries/submit", &again).status, 303);
    assert_eq!(manager.post("/summaries/3/decision", &[("approved", "1")]).status, 303);
    let csv = |client: &Client| client.get("/summaries/one.csv?unit=一组&period=2026-11-2").text();
    let approved = csv(&lead);
    assert!(approved.contains("陈晓,3021,2,1,85,1,使用反问语句 1,'=反问 *********78,"), "{approved}");

    // A later verdict changes the figures of today and not the paper.
    let page = reviewer.get("/calls/c05").text();
    let (rule, place) = (field(&page, "rule"), field(&page, "place"));
    assert_eq!(reviewer.post("/calls/c05/claim", &[]).status, 303);
    let rejected = [("rule", rule.as_str()), ("place", &place), ("verdict", "rejected"), ("before", "1")];
    assert_eq!(reviewer.post("/calls/c05/verdict", &rejected).status, 303);
    assert_eq!(reviewer.post("/calls/c05/form", &[("before", "1")]).status, 303);
    assert_eq!(csv(&lead), approved);

    // Each agent finds the own part, and nobody else's.
    let mine = html(&agent, "/mine?from=2026-11-01&to=2026-11-30");
    assert!(mine.contains("/summaries/part/4") && mine.contains("待签收"), "{mine}");
    let part = html(&agent, "/summaries/part/4");
    assert!(
        part.contains("使用反问语句 1 通") && part.contains("*********78") && !part.contains("13912345678"),
        "{part}"
    );
    for stranger in [&other, &lead, &team_lead] {
        assert_eq!(stranger.get("/summaries/part/4").status, 404);
        assert_eq!(stranger.post("/summaries/part/4/receipt", &[]).status, 404);
    }
    assert_eq!(agent.post("/summaries/part/4/receipt", &[]).status, 303);
    assert!(html(&agent, "/summaries/part/4").contains("已签收"));
    assert!(html(&team_lead, ONE).contains("下周培训") && elsewhere.get(ONE).status == 404);
    let book = rows(&manager.get("/summaries/one.xlsx?unit=一组&period=2026-11-2").body);
    assert!(
        book.contains("监听分析表 一组 2026-11 下半月") && book.contains("|85|1|使用反问语句 1|=反问 *********78|"),
        "{book}"
    );
    assert!(book.contains("陈晓|2026-11-16|c05|85|"), "{book}");
}

/// What a receiver took: its headers, and its body.
type Taken = (Vec<String>, String);

/// A receiver that refuses the first delivery and takes the others.
fn receiver() -> (String, mpsc::Receiver<Taken>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for (i, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let head: Vec<String> =
                reader.by_ref().lines().map(Result::unwrap_or_default).take_while(|l| !l.is_empty()).collect();
            let length = head.iter().find_map(|l| l.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
            let mut body = vec![0; length.and_then(|n| n.parse().ok()).unwrap_or(0)];
            let _ = reader.read_exact(&mut body);
            let status = if i == 0 { "503 Service Unavailable" } else { "204 No Content" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if tell.send((head, String::from_utf8_lossy(&body).into_owned())).is_err() {
                return;
            }
        }
    });
    (url, told)
}

/// What Python makes of secret, moment and body.
fn signature(secret: &str, at: &str, body: &str) -> String {
    let script = "import sys, hmac, hashlib
print(hmac.new(sys.argv[1].encode(), (sys.argv[2] + '.' + sys.argv[3]).encode(), hashlib.sha256).hexdigest())";
    let made = Command::new(python()).args(["-c", script, secret, at, body]).output().unwrap();
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// A severe fault that was confirmed goes to the team lead and to another system, once.
#[test]
fn a_grave_fault_is_told_the_same_day_and_acknowledged() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "a secret that nobody knows\n").unwrap();
    let (url, told) = receiver();
    let file = secret.path().to_string_lossy().into_owned();
    let mut console = Console::with_options(&["--notify-url", &url, "--notify-secret", &file]);
    console.add("elsewhere", &["team-lead", "--unit", "二组"]);
    let names = ["zhijian", "banzhang", "elsewhere", "zhuguan", "zuoxi"];
    let [reviewer, team_lead, elsewhere, lead, agent] = names.map(|name| console.login(name));
    confirm(&reviewer, "t2", &[("item.shirking", "20")]);
    assert_eq!(reviewer.post("/calls/t2/claim", &[]).status, 303);
    assert_eq!(reviewer.post("/calls/t2/form", &[("before", "1"), ("item.shirking", "20")]).status, 303, "again");

    let (_, refused) = told.recv_timeout(Duration::from_secs(20)).unwrap();
    let (headers, body) = told.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(refused, body, "the same event is tried again");
    let of = |name: &str| {
        let value = |l: &String| l.to_lowercase().strip_prefix(&format!("{name}: ")).map(str::to_owned);
        headers.iter().find_map(value).unwrap_or_default()
    };
    let expected = format!("sha256={}", signature("a secret that nobody knows", &of("x-callsift-timestamp"), &body));
    assert_eq!(of("x-callsift-signature"), expected);
    let event: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(event["event"].as_str(), Some(&*of("x-callsift-event")));
    assert_eq!((event["kind"].as_str(), event["rule"].as_str()), (Some("grave"), Some("shirking")));
    assert!(!body.contains("13912345678"), "{body}");
    assert!(told.recv_timeout(Duration::from_secs(5)).is_err(), "nothing is told twice");

    let page = html(&team_lead, "/raised");
    assert!(page.contains("id=\"r1\"") && page.contains("当日差错<span class=\"badge\">1</span>"), "{page}");
    assert!(html(&lead, "/dashboard").contains("待处理差错"));
    assert!(!html(&elsewhere, "/raised").contains("id=\"r1\""));
    assert_eq!(team_lead.get("/calls/t2/clip?from=0&to=1000").status, 200);
    let done = [("remark", "已面谈")];
    for stranger in [&elsewhere, &reviewer, &agent] {
        assert_eq!(stranger.post("/raised/1/ack", &done).status, 404);
    }
    assert_eq!(team_lead.post("/raised/1/ack", &[("remark", "")]).status, 400);
    assert_eq!(team_lead.post("/raised/1/ack", &done).status, 303);
    assert_eq!(lead.post("/raised/1/ack", &done).status, 409);
    assert!(html(&reviewer, "/raised?state=all").contains("已面谈"));

    // A reviewer may raise anything; whoever only reads may not.
    let flag = [("from_s", "1"), ("to_s", "2.5"), ("note", "威胁客户")];
    assert_eq!(reviewer.post("/calls/c05/raise", &flag).status, 303);
    assert_eq!(reviewer.post("/calls/c05/raise", &[("note", "")]).status, 400);
    for stranger in [&team_lead, &agent] {
        assert_eq!(stranger.post("/calls/c05/raise", &flag).status, 404);
    }
    assert!(html(&team_lead, "/raised").contains("威胁客户"));
    let (_, body) = told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(body.contains("\"flag\"") && !body.contains("威胁"), "the reviewer's words stay here: {body}");
}

/// What nobody took yet outlives the console.
#[test]
fn a_notice_outlives_a_killed_console() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "a secret that nobody knows\n").unwrap();
    let file = secret.path().to_string_lossy().into_owned();
    // Nobody listens at this address.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let console = Console::with_options(&["--notify-url", &format!("http://{free}/"), "--notify-secret", &file]);
    let flag = [("from_s", "1"), ("to_s", "2"), ("note", "威胁客户")];
    assert_eq!(console.login("zhijian").post("/calls/c05/raise", &flag).status, 303);
    let data = console.kill();
    let (url, told) = receiver();
    let options = ["--notify-url", &url, "--notify-secret", &file];
    let _again = Console::started(&lake().join("lake"), &lake().join("recordings"), data, &options);
    let (_, refused) = told.recv_timeout(Duration::from_secs(30)).unwrap();
    let (_, taken) = told.recv_timeout(Duration::from_mins(1)).unwrap();
    assert!(taken.contains("\"flag\"") && taken == refused, "{taken}");
}

/// The centre's own items take points off beside the rules', within their bounds; a form keeps the version of its own.
#[test]
fn a_record_holds_the_centres_own_items() {
    let items = tempfile::NamedTempFile::new().unwrap();
    let text = "version = \"2026-01\"\n[[item]]\nid = \"tone\"\ntitle = \"语音语调\"\npoints = 5\n";
    std::fs::write(items.path(), text).unwrap();
    let file = items.path().to_string_lossy().into_owned();
    let console = Console::with_options(&["--form-items", &file]);
    let [reviewer, agent, team_lead] = ["zhijian", "zuoxi", "banzhang"].map(|name| console.login(name));
    assert!(reviewer.get("/calls/c05").text().contains("name=\"item.own/tone\""));
    assert_eq!(reviewer.get("/calls/c05/record").status, 400, "nothing is submitted");
    assert_eq!(agent.get("/calls/c03/record").status, 404);
    let over = [("item.own/tone", "6"), ("before", "")];
    assert_eq!(reviewer.post("/calls/c05/form", &over).status, 400);
    confirm(&reviewer, "c05", &[("item.rhetorical-question", "15"), ("item.own/tone", "3"), ("strengths", "=耐心")]);
    for client in [&reviewer, &agent, &team_lead] {
        let page = html(client, "/calls/c05/record");
        assert!(page.contains("语音语调") && page.contains("2026-01") && page.contains("未签收"), "{page}");
        assert!(page.contains("09:12:30") && page.contains("监控得分 82</b>"), "{page}");
    }
    assert!(agent.get("/calls/c05").text().contains("本中心项目"));
    assert_eq!(agent.post("/calls/c05/receipt", &[("form", "1")]).status, 303);
    let book = rows(&agent.get("/calls/c05/record.xlsx").body);
    assert!(book.contains("语音语调|5|3||本中心 2026-01") && book.contains("优点|=耐心"), "{book}");
    assert!(book.contains("使用反问语句|15|15|系统命中，人工属实|规则") && book.contains("坐席签收|坐席 "), "{book}");

    // A changed file needs another version; forms keep theirs.
    let data = console.kill();
    let folder = data.path().to_string_lossy().into_owned();
    let lake_dir = lake().join("lake").to_string_lossy().into_owned();
    std::fs::write(items.path(), text.replace("points = 5", "points = 9")).unwrap();
    let start = ["console", "--lake", &lake_dir, "--data", &folder, "--listen", "127.0.0.1:0", "--form-items", &file];
    let refused = run(&start);
    assert!(code(&refused) == 2 && stderr(&refused).contains("2026-01"), "{}", stderr(&refused));
}

/// A lead draws, hands out, gives to somebody else and takes back, without a terminal; the record verifies on the
/// command line.
#[test]
fn a_lead_draws_and_hands_out() {
    let console = Console::start();
    let [lead, reviewer] = ["zhuguan", "zhijian"].map(|name| console.login(name));
    assert!(html(&lead, "/draws").contains("半月抽检") && html(&lead, "/tasks").contains("href=\"/draws\""));
    let wish = |save: &'static str| {
        let days = [("from", "2026-11-16"), ("to", "2026-11-16")];
        [&days[..], &[("plan", "half-month"), ("reviewer.zhijian", "1"), ("save", save)]].concat()
    };
    let preview = lead.post("/draws", &wish("0")).text();
    assert!(preview.contains("工作量") && preview.contains("<b>zhijian</b> 4 通"), "{preview}");
    assert!(html(&lead, "/draws").contains("还没有抽样"), "a look keeps nothing");
    assert_eq!(reviewer.post("/draws", &wish("1")).status, 404);
    assert_eq!(lead.post("/draws", &[("plan", "none"), ("from", "2026-11-16"), ("to", "2026-11-16")]).status, 400);
    let drawn = lead.post("/draws", &wish("1"));
    assert_eq!((drawn.status, drawn.header("location")), (303, "/draws/1"), "{}", drawn.text());
    assert_eq!(lead.post("/draws", &wish("1")).status, 400, "the same lots again");
    let tasks = html(&reviewer, "/tasks");
    assert!(tasks.contains("全程听") && tasks.contains("还有 4 通"), "{tasks}");
    assert!(html(&reviewer, "/calls/c05").contains("抽样任务：全程听"));

    // What is submitted stays; the rest moves.
    confirm(&reviewer, "c05", &[]);
    let page = html(&lead, "/draws/1");
    assert!(page.contains("质检员</th><td class=\"num\">4</td><td class=\"num\">1</td><td class=\"num\">3"), "{page}");
    let move_to = |to: &'static str, most: &'static str| {
        let from = if to.is_empty() { "zhuguan" } else { "zhijian" };
        lead.post("/draws/1/handover", &[("from", from), ("to", to), ("most", most)])
    };
    assert_eq!(move_to("zuoxi", "1").status, 400, "an agent reviews nothing");
    assert_eq!(move_to("zhuguan", "2").header("location"), "/draws/1?moved=2");
    assert!(html(&lead, "/tasks").contains("还有 2 通"));
    assert_eq!(move_to("", "9").header("location"), "/draws/1?moved=2");
    assert!(html(&lead, "/tasks").contains("没有分配给您的任务") && html(&lead, "/draws/1").contains("没有分派"));
    assert_eq!(reviewer.post("/draws/1/handover", &[("from", "zhijian"), ("most", "1")]).status, 404);
    assert_eq!(reviewer.get("/draws/1/record.json").status, 404, "it tells who hears what twice");

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lead.get("/draws/1/record.json").body).unwrap();
    let (folder, lake_dir) = (console.data.path().to_string_lossy().into_owned(), lake().join("lake"));
    let (record, lake_dir) = (file.path().to_string_lossy().into_owned(), lake_dir.to_string_lossy().into_owned());
    let verified = run(&["sample", "verify", &record, "--lake", &lake_dir, "--data", &folder]);
    assert_eq!(code(&verified), 0, "{}{}", stdout(&verified), stderr(&verified));
    assert!(stdout(&verified).contains("与登记的第 1 次抽样相同"), "{}", stdout(&verified));
}

/// An example goes to agents, who hear the stretch and nothing else of the call, and do not learn whose it was.
#[test]
fn an_example_is_handed_out_and_signed() {
    let mut console = Console::start();
    console.add("other", &["agent", "--agent-id", "1086"]);
    let [reviewer, lead, agent, other] = ["zhijian", "zhuguan", "zuoxi", "other"].map(|name| console.login(name));
    let stretch =
        [("from_s", "0"), ("to_s", "8"), ("title", "推诿 13912345678"), ("tags", "推诿 态度"), ("note", "该怎么说")];
    let lesson = [&stretch[..], &[("good", "0")]].concat();
    assert_eq!(reviewer.post("/calls/t2/lesson", &stretch).status, 400, "neither good nor bad");
    assert_eq!(agent.post("/calls/t2/lesson", &lesson).status, 404);
    assert_eq!(reviewer.post("/calls/t2/lesson", &lesson).status, 303);
    assert!(html(&other, "/library").contains("还没有发给您的案例") && other.get("/library/1/clip").status == 404);
    assert_eq!(reviewer.post("/library/1/handout", &[("agents", "1086")]).status, 404);
    assert_eq!(lead.post("/library/1/handout", &[("agents", "1086"), ("unit", "")]).status, 303);
    let page = html(&other, "/library");
    assert!(page.contains("培训库<span class=\"badge\">1</span>") && page.contains("这不归我管"), "{page}");
    assert!(page.contains("*********78") && !page.contains("13912345678") && !page.contains("一三八零零"), "{page}");
    assert!(!page.contains("/calls/t2") && !page.contains("陈晓"), "whose call it was is nobody's business: {page}");
    assert_eq!((other.get("/library/1/clip").status, agent.get("/library/1/clip").status), (200, 404));
    for closed in ["/calls/t2", "/calls/t2/audio", "/calls/t2/clip?from=0&to=1000"] {
        assert_eq!(other.get(closed).status, 404, "{closed}");
    }
    assert_eq!(agent.post("/library/1/receipt", &[]).status, 404);
    assert_eq!(other.post("/library/1/receipt", &[]).status, 303);
    assert!(html(&other, "/library").contains("已签收") && html(&lead, "/library").contains("签收 1 人"));
    assert_eq!(lead.post("/library/1/handout", &[("unit", "一组")]).status, 303);
    assert!(html(&agent, "/library?kind=bad&tag=推诿").contains("这不归我管"));
    assert!(!html(&agent, "/library?kind=good").contains("这不归我管"));
    assert_eq!(reviewer.post("/library/1/end", &[]).status, 404);
    assert_eq!(lead.post("/library/1/end", &[]).status, 303);
    assert_eq!(other.get("/library/1/clip").status, 404);
}
