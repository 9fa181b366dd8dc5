//! Every number of calls leads to exactly these calls: the pages are gone through as a lead, and every link is followed.

use std::collections::{BTreeMap, BTreeSet};

use super::Console;
use super::client::Client;
use super::reviewed;
use crate::support::root;

const NOVEMBER: &str = "from=2026-11-01&to=2026-11-30";
/// What links ask for, each of which must be among those followed.
const KINDS: [&str; 29] = [
    "evidence=scored%20",
    "evidence=at%20",
    "evidence=judged%20%2A&",
    "evidence=judged%20greeting-missing&",
    "%20hit&",
    "%20clear&",
    "evidence=said%20",
    "evidence=judged%20%2A%20chance&",
    "evidence=judged%20greeting-missing%20chance&",
    "%20hit%20chance&",
    "evidence=cause%20",
    "%20unsaid&",
    "evidence=hits&",
    "evidence=planned&",
    "evidence=chosen%20risk&state=all",
    "evidence=chosen%20chance&state=confirmed",
    "evidence=reviews%20r1%20",
    "evidence=duplicates%20",
    "evidence=verdicts%20",
    "%20confirmed&",
    "%20compared&",
    "%20pair%20",
    "%20item%20",
    "%20differ%20",
    "claimed=r1",
    "checked=",
    "state=understood",
    "state=failed",
    "unit=%E2%88%85",
];

/// A number on a page and where it leads.
struct Link {
    address: String,
    number: usize,
    /// It counts judgements, of which a call may hold several.
    items: bool,
}

/// Links of a page whose text is a number.
fn numbers(page: &str, to: &str) -> Vec<Link> {
    let mark = format!("href=\"{to}?");
    let parts: Vec<&str> = page.split(&mark).collect();
    let read = |(before, rest): (&&str, &&str)| {
        let (address, rest) = rest.split_once('"')?;
        let text = rest.split_once('>')?.1.split_once("</a>")?.0;
        let address = format!("{to}?{}", address.replace("&amp;", "&"));
        Some(Link { address, number: text.trim().parse().ok()?, items: before.ends_with("<a class=\"items\" ") })
    };
    parts.iter().zip(parts.iter().skip(1)).filter_map(read).collect()
}

/// The first number after a mark.
fn number_after(page: &str, mark: &str) -> Option<usize> {
    let rest = page.split_once(mark)?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// What a list counts, all pages together, and what it says of calls that the lake holds no more.
#[derive(Clone, Copy)]
struct Listed {
    calls: usize,
    /// Judgements in these calls, where the list counts them.
    items: Option<usize>,
}

/// The words of a list: before its number, and before that of calls which the lake holds no more.
const WORDS: [[&str; 2]; 2] = [["<h1>复核队列 <small>", "另有 "], ["<h1>queue <small>", "Not listed: "]];

/// Goes to the list, and from page to page as the links there lead.
fn listed(lead: &Client, address: &str) -> Listed {
    let (mut shown, mut next) = (BTreeSet::new(), Some(address.to_owned()));
    let mut heads = BTreeSet::new();
    let mut told = Listed { calls: 0, items: None };
    while let Some(address) = next {
        let answer = lead.get(&address);
        assert_eq!(answer.status, 200, "{address}");
        let text = answer.text();
        let [heading, gone] = WORDS.into_iter().find(|w| text.contains(w[0])).unwrap();
        let table = text.split("<table class=\"calls\">").nth(1).unwrap_or_default();
        let before = shown.len();
        shown.extend(table.split("href=\"/calls/").skip(1).filter_map(|r| r.split('"').next().map(str::to_owned)));
        assert!(shown.len() > before || shown.is_empty(), "a page without a call of its own: {address}");
        let head = text.split_once(heading).unwrap().1.split_once("</small>").unwrap().0;
        let gone = text.split_once(gone).map_or("", |(_, rest)| rest.split_once("</p>").unwrap().0);
        let items =
            number_after(head, " · ").map(|n| n + number_after(gone, "（").or(number_after(gone, " (")).unwrap_or(0));
        told = Listed { calls: shown.len() + number_after(gone, "").unwrap_or(0), items };
        heads.insert(number_after(head, "").unwrap());
        let link = text.split_once("rel=\"next\"").and_then(|(before, _)| before.rsplit_once("href=\""));
        next = link.map(|(_, address)| address.trim_end_matches(['"', ' ']).replace("&amp;", "&"));
    }
    assert_eq!(heads, BTreeSet::from([shown.len()]), "every page says how many there are: {address}");
    told
}

/// An `n` that leads nowhere though there are calls behind it.
fn bare(page: &str) -> Option<String> {
    let n = page.split("n=").skip(1).find(|rest| rest.starts_with(|c: char| ('1'..='9').contains(&c)));
    n.map(|rest| rest.chars().take(40).collect())
}

fn pages(lead: &Client) -> Vec<String> {
    let rules = lead.get("/rules").text();
    let rules = rules.split("href=\"/rules/").skip(1).filter_map(|r| r.split('"').next());
    let mut pages: Vec<String> = rules.map(|id| format!("/rules/{id}?{NOVEMBER}")).collect();
    pages.extend(["3021", "3022", "3023"].map(|agent| format!("/agents/{agent}?{NOVEMBER}")));
    pages.extend(["/dashboard", "/agents", "/rules"].map(|page| format!("{page}?{NOVEMBER}")));
    pages.extend(["2026-11", "2026-11-1"].map(|name| format!("/dashboard/report?period={name}")));
    pages.push("/reviewers".to_owned());
    pages
}

/// Goes through the pages and follows every number; gives the lists with how long they are, and what was wrong.
fn crawl(reader: &Client, pages: &[String]) -> (BTreeMap<String, Listed>, Vec<String>) {
    let (mut known, mut wrong) = (BTreeMap::new(), Vec::new());
    for page in pages {
        let text = reader.get(page).text();
        wrong.extend(bare(&text).map(|n| format!("{page}: n={n} leads nowhere")));
        for Link { address, number, items } in numbers(&text, "/queue") {
            let listed: Listed = *known.entry(address.clone()).or_insert_with(|| listed(reader, &address));
            let found = if items { listed.items } else { Some(listed.calls) };
            if found != Some(number) {
                wrong.push(format!("{page}: {number} leads to {found:?} at {address}"));
            }
        }
        for Link { address, number, .. } in numbers(&text, "/appeals") {
            let cards = reader.get(&address).text().matches("<article class=\"card\"").count();
            if cards != number {
                wrong.push(format!("{page}: {number} leads to {cards} appeals at {address}"));
            }
        }
    }
    (known, wrong)
}

#[test]
fn every_number_leads_to_its_calls() {
    let console = Console::with(reviewed::lake(), tempfile::tempdir().unwrap());
    reviewed::review(console.data.path());
    let mut lead = console.login("zhuguan");
    let pages = pages(&lead);
    for lang in ["zh", "en"] {
        lead.reads(lang);
        let (known, wrong) = crawl(&lead, &pages);
        assert!(wrong.is_empty(), "{lang}: {} of {} links:\n{}", wrong.len(), known.len(), wrong.join("\n"));
        for kind in KINDS {
            let link = known.keys().find(|address| format!("{address}&").contains(kind));
            assert!(link.is_some_and(|address| known[address].calls > 0), "{lang}: no number led to {kind}");
        }
        let longest = known.values().map(|l| l.calls).max();
        assert!(longest > Some(100), "some list has more than one page");
    }
}

/// Of what the machine says on pages of calls nothing is left in Chinese but quotes.
#[test]
fn reasons_are_english_on_english_pages() {
    let console = Console::with(reviewed::lake(), tempfile::tempdir().unwrap());
    let mut reviewer = console.login("zhijian");
    reviewer.reads("en");
    let mut reasons = BTreeSet::new();
    for i in 0..40 {
        let page = reviewer.get(&format!("/calls/k{i:03}")).text();
        let others = page.split("<ul class=\"rest\">").skip(1).filter_map(|list| list.split("</ul>").next());
        let others = others.flat_map(|list| list.split("</b> ").skip(1)).filter_map(|r| r.split("</li>").next());
        let reasons_of = page.split("<p class=\"reason\">").skip(1).filter_map(|r| r.split(". <").next());
        let reasons_of = reasons_of.map(|r| r.split_once("This call: ").map_or(r, |(before, _)| before));
        reasons.extend(others.chain(reasons_of.filter_map(|r| r.split("</p>").next())).map(str::to_owned));
    }
    assert!(reasons.len() > 20, "{reasons:?}");
    for reason in reasons {
        let mut quoted = 0;
        let left: String = reason
            .chars()
            .filter(|c| {
                quoted += i32::from(*c == '“') - i32::from(*c == '”');
                quoted == 0 && *c > '\u{2fff}'
            })
            .collect();
        assert_eq!(left, "", "{reason}");
    }
}

/// A search shows every turn once, however many there are.
#[test]
fn a_search_goes_on_to_its_end() {
    let console = Console::with(reviewed::lake(), tempfile::tempdir().unwrap());
    let reviewer = console.login("zhijian");
    let (mut turns, mut page) = (BTreeSet::new(), 0);
    loop {
        let text = reviewer.get(&format!("/search?q=%E6%82%A8&page={page}")).text();
        let shown: Vec<String> =
            text.split("href=\"/calls/").skip(1).filter_map(|r| r.split('"').next().map(str::to_owned)).collect();
        assert!(shown.iter().all(|turn| turns.insert(turn.clone())), "a turn stands twice");
        let told = text.split_once("您 <small>").unwrap().1.split_once("</small>").unwrap().0.to_owned();
        if !text.contains("rel=\"next\"") {
            assert_eq!(told, turns.len().to_string());
            break;
        }
        assert_eq!(told, format!("{}+", turns.len()));
        page += 1;
    }
    assert!(page > 0, "one page is enough for {}", turns.len());
}

/// What Chinese sentences are made with, and English ones are not.
const FULL_WIDTH: &str = "（），：；。、“”「」！？％";

/// Text of a page that the console itself wrote. Rules and turns bring their own signs into some kinds of elements.
fn written(page: &str, outside: &[&str]) -> String {
    let body = page.split_once("<main").unwrap().1;
    let mut out = String::new();
    for part in body.split('<') {
        let tag = format!("<{part}");
        let text = part.split_once('>').map_or("", |(_, text)| text);
        if !outside.iter().any(|t| tag.starts_with(t)) {
            out.push_str(text);
        }
    }
    out
}

#[test]
fn english_pages_have_english_signs() {
    let console = Console::with(reviewed::lake(), tempfile::tempdir().unwrap());
    reviewed::review(console.data.path());
    let mut lead = console.login("zhuguan");
    lead.reads("en");
    let rules = callsift_rules::RuleSet::load(&root().join("rules")).unwrap();
    let titles: Vec<&str> = rules.rules().iter().map(|r| r.title.as_str()).collect();
    for page in
        pages(&lead).into_iter().chain(["/queue", "/tasks", "/appeals", "/search?q=%E6%82%A8"].map(str::to_owned))
    {
        let quoted = page.starts_with("/rules/") || page.starts_with("/search");
        let outside: &[&str] = match page.as_str() {
            _ if quoted => &["<pre", "<textarea", "<dd", "<td", "<mark", "</mark"],
            // What was said stands after its time and around its evidence.
            "/appeals" => &["</button", "<mark", "</mark"],
            _ => &[],
        };
        let text = titles.iter().fold(written(&lead.get(&page).text(), outside), |text, title| text.replace(title, ""));
        let at = text.find(|c| FULL_WIDTH.contains(c));
        let near = at.map(|at| text[at..].chars().take(40).collect::<String>());
        assert_eq!(near, None, "{page}");
    }
}

/// Reviewers follow the number of their own work, in which nobody can tell blind duplicates from others.
#[test]
fn reviewers_find_what_they_handed_in_and_nobody_elses() {
    let console = Console::with(reviewed::lake(), tempfile::tempdir().unwrap());
    reviewed::review(console.data.path());
    let reviewer = reviewed::log_in_other(&console);
    let (known, mut wrong) = crawl(&reviewer, &["/reviewers".to_owned()]);
    // How many calls were heard twice, but not which.
    wrong.retain(|w| !w.contains("leads nowhere"));
    assert!(wrong.is_empty(), "{wrong:?}");
    let own: Vec<&String> = known.keys().filter(|a| a.contains("evidence=reviews%20")).collect();
    assert_eq!(own.len(), 1, "{:?}", known.keys());
    // The other one has reviewed calls of the first kind and duplicates: the list holds both.
    assert!(known[own[0]].calls > 20, "{}", known[own[0]].calls);
    let others = [own[0].replace("%E7%8E%8B%2520%E8%8A%B3", "r1"), own[0].replace("reviews%20", "duplicates%20")];
    for address in others {
        assert_ne!(&address, own[0]);
        assert_eq!(reviewer.get(&address).status, 404, "{address}");
    }
}

/// Rules of the pack whose hits take no points off.
const FREE: [&str; 2] = ["negative-customer", "order-readback-wrong"];

#[test]
fn rules_without_points_make_no_violation() {
    let console = Console::with(reviewed::lake(), tempfile::tempdir().unwrap());
    reviewed::review(console.data.path());
    let lead = console.login("zhuguan");
    let page = lead.get(&format!("/dashboard?{NOVEMBER}")).text();
    let section = |title: &str| {
        let rest = page.split_once(&format!("<h2>{title}</h2>")).unwrap().1;
        rest.split_once("</section>").unwrap().0.to_owned()
    };
    let rates = section("各项合格率");
    let (rates, free) = rates.split_once("不扣分的规则（不算违规").unwrap();
    let report = lead.get("/dashboard/report?period=2026-11").text();
    let rules = callsift_rules::RuleSet::load(&root().join("rules")).unwrap();
    let mut hit = 0;
    for id in FREE {
        let (rule, link) = (rules.get(id).unwrap(), format!("/rules/{id}\""));
        assert!(rule.points.value == 0.0 && !rates.contains(&link), "{id}");
        hit += usize::from(free.contains(&link));
        assert!(!section("培训需求").contains(&rule.title) && !report.contains(&rule.title), "{id}");
    }
    assert!(hit > 0, "none of them hit");
}

#[test]
fn an_agent_finds_the_calls_below() {
    let console = Console::with(reviewed::lake(), tempfile::tempdir().unwrap());
    reviewed::review(console.data.path());
    let page = console.login("zuoxi").get(&format!("/mine?{NOVEMBER}")).text();
    assert!(!page.contains("/queue"), "there is no queue for an agent");
    for below in ["heard", "problems"] {
        assert!(page.contains(&format!("href=\"#{below}\"")) && page.contains(&format!("id=\"{below}\"")), "{page}");
    }
    assert_eq!(bare(&page), None);
}
