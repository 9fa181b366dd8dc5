//! What pages of figures share: the choice of a period, shares, links into the queue.

use callsift_core::stats::wilson;
use callsift_sampling::estimate::{ANY_RULE, Rate};
use maud::{Markup, html};

use crate::app::App;
use crate::auth::Person;
use crate::catalog::queue::NONE;
use crate::figures::evidence::Evidence;
use crate::figures::period::Period;
use crate::figures::sums::Figures;
use crate::figures::undrawn::covered;
use crate::lang::Lang;
use crate::pages::{chart, url};

/// Address of the queue for calls of a period.
pub(crate) fn calls_url(p: &Period, pairs: &[(&str, &str)]) -> String {
    address("/queue", p, pairs)
}

fn address(page: &str, p: &Period, pairs: &[(&str, &str)]) -> String {
    let all = [("from", p.from.as_str()), ("to", p.to.as_str())];
    // An empty text would mean whatever.
    let pairs = all.iter().chain(pairs).map(|(k, v)| (k, if v.is_empty() { &NONE } else { v }));
    let pairs: Vec<String> = pairs.map(|(k, v)| format!("{}={}", url(k), url(v))).collect();
    format!("{page}?{}", pairs.join("&"))
}

/// The calls in which people gave a verdict on a rule, as an address holds them.
pub(crate) fn said(rule: &str) -> String {
    Evidence::Said { rule: rule.to_owned() }.to_string()
}

/// Address of the queue for the calls of a period that stand behind a number.
pub(crate) fn evidence_url(p: &Period, evidence: &Evidence, pairs: &[(&str, &str)]) -> String {
    let evidence = evidence.to_string();
    calls_url(p, &[pairs, &[("evidence", evidence.as_str()), ("state", "all")]].concat())
}

/// A number with the address of its calls; plain where there are none.
pub(crate) fn led(n: usize, address: &str) -> Markup {
    html! { @if n > 0 { a href=(address) { (n) } } @else { (n) } }
}

/// A number of judgements, of which a call may hold several, with the address of their calls.
pub(crate) fn led_items(n: usize, address: &str) -> Markup {
    html! { @if n > 0 { a.items href=(address) { (n) } } @else { (n) } }
}

/// A number of calls that people had to do with, which leads to them.
pub(crate) fn evident(n: usize, p: &Period, evidence: &Evidence, pairs: &[(&str, &str)]) -> Markup {
    led(n, &evidence_url(p, evidence, pairs))
}

/// A number that leads to its appeals, of calls of a period.
pub(crate) fn appeals_linked(n: i64, p: &Period, pairs: &[(&str, &str)]) -> Markup {
    html! { @if n > 0 { a href=(address("/appeals", p, pairs)) { (n) } } @else { (n) } }
}

/// A number that leads to its calls; plain where there are none.
pub(crate) fn linked(n: i64, p: &Period, pairs: &[(&str, &str)]) -> Markup {
    html! { @if n > 0 { a href=(calls_url(p, pairs)) { (n) } } @else { (n) } }
}

/// From and to, with the last day's half months beside.
pub(crate) fn chooser(l: Lang, address: &str, p: &Period, named: bool) -> Markup {
    html! {
        form.filters action=(address) method="get" {
            label { (l.t("从", "from")) input type="date" name="from" value=(p.from); }
            label { (l.t("到", "to")) input type="date" name="to" value=(p.to); }
            button type="submit" { (l.t("查看", "show")) }
            @if named {
                @for name in Period::names_of(&p.to) { a href=(format!("{address}?period={}", url(&name))) { (period_name(l, &name)) } }
            }
        }
    }
}

/// That nothing can be inferred since some days had no draw, which days these are, and where to go.
pub(crate) fn undrawn(l: Lang, address: &str, f: &Figures) -> Markup {
    const NAMED: usize = 5;
    let nothing = f.any.as_ref().is_none_or(|any| any.centre.powered.estimate.is_none());
    let missing: Vec<&str> = f.drawn_days.iter().filter(|(_, drawn)| !drawn).map(|(day, _)| day.as_str()).collect();
    let Some(rest) = covered(&f.drawn_days).filter(|_| nothing && !missing.is_empty()) else { return html! {} };
    html! { p.notice {
        (l.t("所选日期里有 ", "Of these days, ")) (missing.len()) (l.t(" 天没有抽样（", " have no draw (")) (missing.iter().take(NAMED).copied().collect::<Vec<_>>().join(l.t("、", ", ")))
        @if missing.len() > NAMED { (l.t(" 等", " and others")) } (l.t("），所以不能推断全部通话，下面只是系统命中率。", "), so nothing is inferred about all calls; what follows is the system's hit rate. "))
        a href=(format!("{address}?from={}&to={}", rest.from, rest.to)) { (l.t("只看有抽样的日子：", "Only days with a draw: ")) (rest.from) " – " (rest.to) }
    } }
}

/// That estimates rest on proven listening alone, where they do.
pub(crate) fn proven(app: &App, l: Lang) -> Markup {
    html! { @if app.options.proven { p.notice { (l.t("推断只用实际听满 95% 的整通复核；写了原因但没有听满的不算。", "Estimates rest only on whole calls of which 95 % was really played; a reason for less does not count.")) } } }
}

/// `2026-11-1` as people say it.
pub(crate) fn period_name(l: Lang, name: &str) -> String {
    let month = name.get(..7).unwrap_or(name);
    match name.get(7..) {
        Some("-1") => format!("{month} {}", l.t("上半月", "first half")),
        Some("-2") => format!("{month} {}", l.t("下半月", "second half")),
        _ => month.to_owned(),
    }
}

/// A share in percent, with a decimal where it is small or nearly all. Neither end is reached by rounding: one violation
/// among ten thousand calls is not none.
pub(crate) fn percent(share: f64) -> String {
    // What is left of a sum that comes to nothing, and may come as -0, which nobody wants to read.
    const NOTHING: f64 = 1e-9;
    match share {
        s if s.abs() < NOTHING => "0%".to_owned(),
        s if s > 0.0 && s < 0.001 => "<0.1%".to_owned(),
        s if s > 0.999 && s < 1.0 - NOTHING => ">99.9%".to_owned(),
        s if s > 0.0 && s < 0.1 || s > 0.99 && s < 1.0 - NOTHING => format!("{:.1}%", s * 100.0),
        s => format!("{:.0}%", s * 100.0),
    }
}

/// A share from here to there.
pub(crate) fn range(low: f64, high: f64) -> String {
    format!("{}–{}", percent(low), percent(high))
}

/// Fewer calls than this give no interval.
const LEAST: usize = 5;

/// The interval of a share of `n` calls in words. One of no width is no certainty about other calls: all of them were judged. Of a
/// few calls none holds what it says.
pub(crate) fn interval(l: Lang, low: f64, high: f64, n: usize) -> String {
    if n < LEAST && n > 0 {
        return l.t("不足 5 通，不给区间", "fewer than five: no interval").to_owned();
    }
    if high - low < 1e-9 && n > 0 {
        return format!("{}{n}{}", l.t("全部 ", "all "), l.t(" 通都判过", " judged"));
    }
    range(low, high)
}

/// Addresses of the calls behind a share: of all, and of those that chance chose.
pub(crate) struct Behind {
    pub(crate) all: String,
    pub(crate) by_chance: String,
}

/// A share with its interval and who says so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share {
    pub(crate) at: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Calls behind it, and those of them that chance chose and not their risk.
    pub(crate) n: usize,
    pub(crate) by_chance: usize,
    /// From people's judgements; else only the machine says so.
    pub(crate) human: bool,
    /// The interval speaks of the calls of these days alone, all of which may have been judged; else of what is to come as well.
    pub(crate) of_frame: bool,
}

impl Share {
    /// What people's judgements say about all calls, where they say anything.
    pub(crate) fn of_rate(rate: &Rate, by_chance: usize) -> Option<Self> {
        let at = rate.estimate?;
        Some(Self {
            at,
            low: rate.interval.low,
            high: rate.interval.high,
            n: rate.n,
            by_chance,
            human: true,
            of_frame: true,
        })
    }

    /// What the machine says, as a habit: Wilson's interval.
    pub(crate) fn machine(hit: i64, of: i64) -> Option<Self> {
        let (hit, n) = (usize::try_from(hit).ok()?, usize::try_from(of).ok().filter(|n| *n > 0)?);
        let (low, high) = wilson(hit, n);
        Some(Self { at: hit as f64 / n as f64, low, high, n, by_chance: 0, human: false, of_frame: false })
    }

    /// The same as a habit, which calls of other days have, too: at least as wide as that of as many calls drawn from many.
    pub(crate) fn habit(self) -> Self {
        let (low, high) = wilson((self.at * self.n as f64).round() as usize, self.n);
        Self { low: self.low.min(low), high: self.high.max(high), of_frame: false, ..self }
    }

    /// A share of violations of which so many of all calls are known: none of fewer is told, whatever chance drew.
    pub(crate) fn at_least(self, known: i64, calls: i64) -> Self {
        if known <= 0 || calls <= 0 {
            return self;
        }
        let least = (known as f64 / calls as f64).min(1.0);
        Self { at: self.at.max(least), low: self.low.max(least), high: self.high.max(least), ..self }
    }

    /// The share of what is left: from violations to passes.
    pub(crate) fn rest(self) -> Self {
        Self { at: 1.0 - self.at, low: 1.0 - self.high, high: 1.0 - self.low, ..self }
    }

    /// Address of the calls behind a share of violations of a rule, or of all together ([`ANY_RULE`]): those that people
    /// judged, else those that the machine could judge. `filter` says whose.
    pub(crate) fn calls(&self, p: &Period, rule: &str, filter: &[(&str, &str)]) -> String {
        if self.human {
            return evidence_url(p, &Evidence::judged(rule), filter);
        }
        let understood = [filter, &[("state", "understood")]].concat();
        if rule == ANY_RULE {
            calls_url(p, &understood)
        } else {
            calls_url(p, &[&understood[..], &[("checked", rule)]].concat())
        }
    }

    /// The calls behind the share and those of them that chance chose, as addresses; `filter` says whose.
    pub(crate) fn behind(&self, p: &Period, rule: &str, filter: &[(&str, &str)]) -> Behind {
        let by_chance = evidence_url(p, &Evidence::judged(rule).chance_of(), filter);
        Behind { all: self.calls(p, rule, filter), by_chance }
    }

    /// The interval in words.
    pub(crate) fn words(&self, l: Lang) -> String {
        match (self.human, self.of_frame) {
            (true, true) => interval(l, self.low, self.high, self.n),
            // Drawn toward the unit, an agent of whom nothing was heard has an interval, too.
            (true, false) if self.n > 0 && self.n < LEAST => interval(l, self.low, self.high, self.n),
            _ => range(self.low, self.high),
        }
    }

    /// How many calls it rests on, each number with its address.
    pub(crate) fn count(&self, l: Lang, behind: &Behind) -> Markup {
        html! {
            "n=" (led(self.n, &behind.all))
            @if self.human && self.n > 0 { (l.t("，其中随机 ", ", by chance ")) (led(self.by_chance, &behind.by_chance)) }
        }
    }

    /// Number, interval, picture, source, and the calls behind it.
    pub(crate) fn show(&self, l: Lang, behind: &Behind, most: f64, colour: &str, guide: Option<f64>) -> Markup {
        html! {
            div.share {
                b { (percent(self.at)) }
                @let few = self.human && self.n > 0 && self.n < LEAST;
                @if !few { (chart::whiskers(self.at, self.low, self.high, most, if self.human { colour } else { chart::GUIDE }, guide)) }
                small { (self.words(l)) " · " (self.count(l, behind)) " "
                    @if self.human && self.n == 0 { span.by { (l.t("按班组推断", "from the unit")) } } @else { (source(l, self.human)) } }
            }
        }
    }
}

/// Who says so.
pub(crate) fn source(l: Lang, human: bool) -> Markup {
    html! { @if human { span.by.people { (l.t("人工复核", "people")) } } @else { span.by { (l.t("系统命中率，未复核", "system hit rate")) } } }
}

/// Text as this person may read it: numbers of customers are masked for most.
pub(crate) fn visible(person: &Person, text: &str) -> String {
    if person.sees_numbers() { text.to_owned() } else { callsift_text::mask(text) }
}

/// The name of a call as this person may read it; it may hold the customer's number.
pub(crate) fn call_name(person: &Person, call_id: &str) -> String {
    if person.sees_numbers() { call_id.to_owned() } else { callsift_text::mask_id(call_id) }
}

/// A button that copies a text as this person may read it.
pub(crate) fn copied(l: Lang, text: &str) -> Markup {
    html! { button.copy type="button" data-copy=(text) aria-label=(format!("{}{text}", l.t("复制 ", "copy "))) title=(l.t("复制", "copy")) {
    svg viewBox="0 0 12 12" aria-hidden="true" { rect x="1" y="1" width="7" height="8" rx="1" {} path d="M4 11h6a1 1 0 0 0 1-1V4" {} } } }
}

/// The name of a recording as this person may read it; telephone systems put the customer's number there.
pub(crate) fn file_name(person: &Person, name: &str) -> String {
    call_name(person, name)
}

/// Why a recording failed; in Chinese by its kind, in English and where it is of no known kind as it stands in the lake, but
/// for folders of the server and numbers.
pub(crate) fn failure(person: &Person, reason: &str) -> String {
    let known = callsift_core::failure::reason_zh(reason).filter(|_| person.lang == Lang::Zh);
    known.map_or_else(|| call_name(person, &without_folders(reason)), str::to_owned)
}

/// A message without the folders of the machine that it came from: of a path from the root its last part is left.
pub(crate) fn without_folders(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = path_in(rest) {
        let (before, path) = rest.split_at(at);
        // Names of folders may hold blanks; a colon, a quotation mark or the end closes a path.
        let end = path.find([':', '`', '"', '\'', ';', '\n']).unwrap_or(path.len());
        out += before;
        out += path[..end].rsplit('/').next().unwrap_or("");
        rest = &path[end..];
    }
    out + rest
}

/// Where a path from the root begins: `wav/pcm` is none.
fn path_in(text: &str) -> Option<usize> {
    let starts =
        |at: &usize| text[..*at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '.' && c != '/');
    text.match_indices('/').map(|(at, _)| at).find(starts)
}

/// A piece of a turn as this person may read it. It may hold a part of a number that is none by itself: so the whole turn is
/// masked, and the piece looked up there. Where it stands more than once, any place where it is masked counts.
pub(crate) fn fragment(person: &Person, whole: &str, piece: &str) -> String {
    if person.sees_numbers() { piece.to_owned() } else { masked_piece(whole, piece) }
}

fn masked_piece(whole: &str, piece: &str) -> String {
    let (clear, sought): (Vec<char>, Vec<char>) = (whole.chars().collect(), piece.chars().collect());
    let masked: Vec<char> = callsift_text::mask(whole).chars().collect();
    let mut places = clear.windows(sought.len().max(1)).enumerate().filter(|(_, words)| *words == sought);
    let hidden = places.find_map(|(at, _)| masked.get(at..at + sought.len()).filter(|shown| *shown != sought));
    hidden.map_or_else(|| callsift_text::mask(piece), |shown| shown.iter().collect())
}

/// Whether hits of the rule are violations; those of rules that take no points off are not.
pub(crate) fn is_violation(app: &App, f: &Figures, rule: &str) -> bool {
    let costs = |r: &callsift_rules::Rule| r.points.value > 0.0 || r.severity == callsift_core::Severity::Fatal;
    f.is_violation(rule, app.rules.get(rule).map_or(true, costs))
}

/// The title of a rule; its id where it is no more.
pub(crate) fn title<'a>(app: &'a App, rule: &'a str) -> &'a str {
    app.rules.get(rule).map_or(rule, |r| r.title.as_str())
}

#[cfg(test)]
mod tests {
    use super::{Share, calls_url, masked_piece, percent, period_name, without_folders};
    use crate::figures::period::Period;
    use crate::lang::Lang;

    #[test]
    fn shares_are_readable_and_turn_around() {
        let shown = [0.034, 0.34, 0.0, -0.0, -1e-17, 1.0].map(percent);
        assert_eq!(shown, ["3.4%", "34%", "0%", "0%", "0%", "100%"]);
        let nearly = [0.0001, 0.9999, 0.997, 1.0 - 1e-16].map(percent);
        assert_eq!(nearly, ["<0.1%", ">99.9%", "99.7%", "100%"], "some is not none, nor nearly all all");
        let fail = Share::machine(1, 4).unwrap();
        let pass = fail.rest();
        assert!((pass.at - 0.75).abs() < 1e-9 && pass.low < pass.at && pass.at < pass.high && !pass.human);
        assert!((pass.low - (1.0 - fail.high)).abs() < 1e-9);
        assert!(Share::machine(0, 0).is_none() && Share::machine(-1, -2).is_none());
    }

    /// "100%–100%, n=6" reads as certainty; six judged calls are six judged calls.
    #[test]
    fn an_interval_has_width_or_says_why_it_has_none() {
        let of = |at, low, high, n| Share { at, low, high, n, by_chance: 0, human: true, of_frame: true };
        assert_eq!(of(1.0, 1.0, 1.0, 6).words(Lang::Zh), "全部 6 通都判过");
        let rule = of(1.0, 1.0, 1.0, 6).habit();
        assert!(rule.low > 0.5 && rule.low < 0.7 && rule.words(Lang::En) == "61%–100%", "{}", rule.words(Lang::En));
        assert_eq!(of(0.9, 0.77, 0.92, 1).words(Lang::Zh), "不足 5 通，不给区间");
        assert_eq!(
            Share { of_frame: false, ..of(0.9, 0.77, 0.92, 0) }.words(Lang::Zh),
            "77%–92%",
            "drawn from the unit"
        );
    }

    /// "Pass rate 100 %" beside a confirmed violation.
    #[test]
    fn what_is_known_is_not_inferred_away() {
        let pass = Share::machine(0, 300).unwrap().at_least(1, 300).rest();
        assert!(percent(pass.at) == "99.7%" && pass.high < 1.0);
        let none = Share::machine(0, 300).unwrap().at_least(0, 300).rest();
        assert_eq!(percent(none.at), "100%");
    }

    #[test]
    fn folders_of_the_server_are_nobodys_business() {
        for (told, shown) in [
            ("file is empty: /srv/rec/七月 calls/13812345678.wav", "file is empty: 13812345678.wav"),
            ("wav/pcm is malformed: at 3: /a/b.wav", "wav/pcm is malformed: at 3: b.wav"),
            ("cannot open `/a/b c/d.wav`: no such file", "cannot open `d.wav`: no such file"),
            ("the start time `2026/11/03` is none", "the start time `2026/11/03` is none"),
            ("/a/b", "b"),
        ] {
            assert_eq!(without_folders(told), shown);
        }
    }

    #[test]
    fn a_piece_of_a_number_is_hidden_as_in_its_turn() {
        let turn = "我的电话是138 1234 5678，尾号78";
        let shown = ["138", "1234", "电话是138", "尾号78", "5678", "没说过", ""].map(|piece| masked_piece(turn, piece));
        assert_eq!(shown, ["***", "****", "电话是***", "尾号78", "**78", "没说过", ""]);
        assert_eq!(masked_piece("一百三十八", "138"), "138", "no number of anybody's");
    }

    #[test]
    fn links_hold_what_they_are_given() {
        let p = Period { from: "2026-11-01".into(), to: "2026-11-15".into() };
        assert_eq!(
            calls_url(&p, &[("unit", "一&二")]),
            "/queue?from=2026-11-01&to=2026-11-15&unit=%E4%B8%80%26%E4%BA%8C"
        );
        assert!(calls_url(&p, &[("unit", "")]).ends_with("&unit=%E2%88%85"), "no unit is not any unit");
        let calls = Share::machine(1, 4).unwrap().calls(&p, "rude", &[("unit", "一")]);
        assert!(calls.ends_with("&unit=%E4%B8%80&state=understood&checked=rude"), "{calls}");
        assert_eq!(period_name(Lang::Zh, "2026-11-2"), "2026-11 下半月");
        assert_eq!(period_name(Lang::En, "2026-11"), "2026-11");
    }
}
