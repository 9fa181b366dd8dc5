//! Every number of calls leads to exactly these calls: the pages are gone through as a lead, and every link is followed.

use std::collections::{BTreeMap, BTreeSet};

use super::Console;
use super::client::Client;
use super::reviewed;

const NOVEMBER: &str = "from=2026-11-01&to=2026-11-30";
/// What links ask for, each of which must be among those followed.
const KINDS: [&str; 22] = [
    "evidence=judged%20%2A&",
    "evidence=judged%20greeting-missing&",
    "%20hit&",
    "%20clear&",
    "evidence=said%20",
    "evidence=cause%20",
    "%20unsaid&",
    "evidence=hits&",
    "evidence=planned&",
    "evidence=chosen%20risk&state=all",
    "evidence=chosen%20chance&state=confirmed",
    "evidence=reviews%20r1%20",
    "evidence=duplicates%20",
    "evidence=verdicts%20",
    "%20pair%20",
    "%20item%20",
    "%20differ%20",
    "claimed=r1",
    "checked=",
    "state=understood",
    "state=failed",
    "unit=%E2%88%85",
];

/// Links of a page whose text is a number: address and number.
fn numbers(page: &str, to: &str) -> Vec<(String, usize)> {
    let mark = format!("href=\"{to}?");
    let links = page.split(&mark).skip(1);
    let read = |rest: &str| {
        let (address, rest) = rest.split_once('"')?;
        let text = rest.split_once('>')?.1.split_once("</a>")?.0;
        Some((format!("{to}?{}", address.replace("&amp;", "&")), text.trim().parse().ok()?))
    };
    links.filter_map(read).collect()
}

/// The first number after a mark.
fn number_after(page: &str, mark: &str) -> Option<usize> {
    let rest = page.split_once(mark)?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Calls that a list counts and shows, and those that it says the lake holds no more.
fn listed(lead: &Client, address: &str) -> usize {
    let (mut shown, mut page) = (BTreeSet::new(), 0);
    loop {
        let answer = lead.get(&format!("{address}&page={page}"));
        assert_eq!(answer.status, 200, "{address}");
        let text = answer.text();
        let before = shown.len();
        let table = text.split("<table class=\"calls\">").nth(1).unwrap_or_default();
        shown.extend(table.split("href=\"/calls/").skip(1).filter_map(|r| r.split('"').next().map(str::to_owned)));
        if shown.len() == before {
            let count = number_after(&text, "<h1>复核队列 <small>");
            assert_eq!(count, Some(shown.len()), "{address}");
            return shown.len() + number_after(&text, "另有 ").unwrap_or(0);
        }
        page += 1;
    }
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

#[test]
fn every_number_leads_to_its_calls() {
    let console = Console::with(reviewed::lake(), tempfile::tempdir().unwrap());
    reviewed::review(console.data.path());
    let lead = console.login("zhuguan");
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for page in pages(&lead) {
        let text = lead.get(&page).text();
        wrong.extend(bare(&text).map(|n| format!("{page}: n={n} leads nowhere")));
        for (address, number) in numbers(&text, "/queue") {
            let listed = *known.entry(address.clone()).or_insert_with(|| listed(&lead, &address));
            if listed != number {
                wrong.push(format!("{page}: {number} leads to {listed} calls at {address}"));
            }
        }
        for (address, number) in numbers(&text, "/appeals") {
            let cards = lead.get(&address).text().matches("<article class=\"card\">").count();
            if cards != number {
                wrong.push(format!("{page}: {number} leads to {cards} appeals at {address}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} links:\n{}", wrong.len(), known.len(), wrong.join("\n"));
    for kind in KINDS {
        let link = known.keys().find(|address| format!("{address}&").contains(kind));
        assert!(link.is_some_and(|address| known[address] > 0), "no number led to {kind}");
    }
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
