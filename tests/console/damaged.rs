//! A bad day keeps no good day out, and every page says that it is missing.

use super::Console;
use crate::damaged::{cut, file, lake};
use crate::support::{code, run, stderr};

#[test]
fn a_bad_part_is_named_on_every_page_that_is_without_it() {
    let (_folder, lake, calls) = lake();
    let (at, transcripts) = (lake.to_string_lossy().into_owned(), calls.to_string_lossy().into_owned());
    let made = run(&["run", "--transcripts", &transcripts, "--out", &at]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    cut(&file(&lake, "calls", 17));
    let console = Console::with(&lake, tempfile::tempdir().unwrap());
    let lead = console.login("zhuguan");
    let queue = lead.get("/queue?state=all").text();
    assert!(queue.contains("/calls/d16") && queue.contains("/calls/d18") && !queue.contains("/calls/d17"), "{queue}");
    let days = "from=2026-11-01&to=2026-11-30";
    let pages = [
        "/queue?state=all",
        "/search?q=归我管",
        "/agents",
        "/agents/1",
        "/rules",
        "/rules/shirking",
        "/reviewers",
        "/draws",
    ];
    let more = ["/dashboard", "/dashboard/report?period=2026-11-2", "/summaries", "/tasks", "/calls/d16"];
    for page in pages.iter().chain(&more) {
        let address = if page.contains('?') { format!("{page}&{days}") } else { format!("{page}?{days}") };
        let shown = lead.get_with(&address, &[("accept", "text/html")]).text();
        assert!(shown.contains("份数据读不出（dt=2026-11-17/0"), "{page}: {shown}");
        assert!(!shown.contains(&at), "the server's folders: {page}");
    }
    // Whoever sees little is told, too.
    let mine = console.login("zuoxi").get_with("/mine", &[("accept", "text/html")]).text();
    assert!(mine.contains("份数据读不出") && !mine.contains("怎么补救"), "{mine}");
}
