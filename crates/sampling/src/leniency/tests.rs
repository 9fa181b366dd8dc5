//! Small cases by hand, and simulated centres whose reviewers are alike or are not.

use super::{LEAST, Leaning, Leniency, Said, Table, leniency};

fn said(reviewer: &str, rule: &str, judged: usize, confirmed: usize) -> Said {
    Said { reviewer: reviewer.into(), rule_id: rule.into(), judged, confirmed }
}

fn of<'a>(all: &'a [Leniency], reviewer: &str) -> &'a Leniency {
    all.iter().find(|l| l.reviewer == reviewer).unwrap()
}

#[test]
fn observed_over_expected_is_by_rule_and_of_the_others() {
    let all = leniency(&[
        said("a", "easy", 40, 36),
        said("b", "easy", 20, 18),
        said("c", "easy", 20, 16),
        said("a", "hard", 10, 3),
        said("b", "hard", 40, 10),
        // Nobody else judged this one.
        said("a", "own", 7, 7),
    ]);
    let a = of(&all, "a");
    assert_eq!((a.judged, a.confirmed, a.compared), (57, 46, 50));
    // 40 at 34 of 40, 10 at 10 of 40.
    assert!((a.expected - 36.5).abs() < 1e-9 && (a.ratio.unwrap() - 39.0 / 36.5).abs() < 1e-9, "{a:?}");
    assert!(a.interval.unwrap().holds(1.0) && a.leaning == Leaning::Alike);
    // 90 % and 25 % in sum beside 78 %: other rules, not another measure.
    let b = of(&all, "b");
    assert!((b.ratio.unwrap() - 28.0 / (20.0 * 52.0 / 60.0 + 40.0 * 0.3)).abs() < 1e-9 && b.leaning == Leaning::Alike);
}

/// At odds of 1 they are hypergeometric.
#[test]
fn chances_are_fishers() {
    let table = Table { own: 10, own_yes: 8, all: 16, all_yes: 9 };
    let (first, chances) = table.chances(1.0);
    // choose(10, x) * choose(6, 9 - x) / choose(16, 9)
    let by_hand = [120.0, 1260.0, 3780.0, 4200.0, 1800.0, 270.0, 10.0].map(|n: f64| n / 11440.0);
    assert_eq!((first, chances.len()), (3, by_hand.len()));
    for (ours, known) in chances.iter().zip(by_hand) {
        assert!((ours - known).abs() < 1e-12, "{ours} {known}");
    }
    // Twice the odds weigh each number with a power of two.
    let weights: Vec<f64> = by_hand.iter().enumerate().map(|(i, p)| p * 2f64.powi(i as i32)).collect();
    let sum: f64 = weights.iter().sum();
    for (ours, known) in table.chances(2.0).1.iter().zip(&weights) {
        assert!((ours - known / sum).abs() < 1e-12);
    }
    // Thousands of judgements neither overflow nor take long.
    let large = Table { own: 4000, own_yes: 3000, all: 90_000, all_yes: 70_000 };
    for odds in [1e-6, 0.5, 1.0, 1e6] {
        let (first, chances) = large.chances(odds);
        assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9 && first + chances.len() <= 4001, "{odds}");
    }
}

#[test]
fn too_little_says_nothing() {
    let few = leniency(&[said("a", "r", LEAST - 1, 0), said("b", "r", 500, 500)]);
    assert!(of(&few, "a").leaning == Leaning::TooFew && of(&few, "a").interval.is_none());
    assert_eq!(of(&few, "b").leaning, Leaning::TooFew, "there is nobody to compare with");
    let alone = leniency(&[said("a", "r", 50, 20), said("b", "q", 50, 20)]);
    assert!(alone.iter().all(|l| l.leaning == Leaning::TooFew && l.ratio.is_none() && l.compared == 0));
    assert!(leniency(&[]).is_empty());
    // Everything confirmed, nothing confirmed: no odds can be told, so nobody differs.
    for yes in [0, 30] {
        let same = leniency(&[said("a", "r", 30, yes), said("b", "r", 30, yes), said("c", "r", 0, 0)]);
        for name in ["a", "b"] {
            let one = of(&same, name);
            assert!(one.leaning == Leaning::Alike && one.interval.unwrap().holds(1.0), "{one:?}");
        }
    }
}

#[test]
fn who_differs_is_told_which_way() {
    let all =
        leniency(&[said("a", "r", 100, 40), said("b", "r", 100, 80), said("c", "r", 100, 70), said("d", "r", 40, 40)]);
    let told: Vec<Leaning> = all.iter().map(|l| l.leaning).collect();
    assert_eq!(told, [Leaning::Lenient, Leaning::Strict, Leaning::Alike, Leaning::Strict], "{all:?}");
    for one in &all {
        let (ratio, interval) = (one.ratio.unwrap(), one.interval.unwrap());
        assert!(interval.holds(ratio) && interval.low < interval.high, "{one:?}");
    }
    assert!(of(&all, "d").interval.unwrap().high.is_infinite(), "who confirms all may have any odds");
    // Parts of the same are the same.
    let parts = leniency(&[said("a", "r", 60, 10), said("b", "r", 100, 80), said("a", "r", 40, 30)]);
    assert_eq!(parts, leniency(&[said("a", "r", 100, 40), said("b", "r", 100, 80)]));
}

/// splitmix64.
struct Dice(u64);

impl Dice {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as f64 / u64::MAX as f64
    }

    /// How many of `n` have the trait.
    fn of(&mut self, n: usize, share: f64) -> usize {
        (0..n).filter(|_| self.share() < share).count()
    }
}

/// Six reviewers and five rules; each reviewer is given mostly calls of one rule. The odds of the first are `odds` times as high.
fn centre(dice: &mut Dice, most: usize, odds: f64) -> Vec<Said> {
    const RATES: [f64; 5] = [0.97, 0.85, 0.6, 0.4, 0.15];
    let mut all = Vec::new();
    for reviewer in 0..6 {
        for (rule, rate) in RATES.into_iter().enumerate() {
            let share = if reviewer % 5 == rule { 1.0 } else { 0.3 };
            let judged = dice.of(most, share);
            let own = if reviewer == 0 { odds * rate / (1.0 - rate + odds * rate) } else { rate };
            all.push(said(&format!("r{reviewer}"), &format!("rule{rule}"), judged, dice.of(judged, own)));
        }
    }
    all
}

/// Centres of each size.
const EACH: usize = 1000;

#[test]
fn alike_reviewers_are_seldom_called_different() {
    let mut dice = Dice(1);
    let (mut any, mut one, mut all, mut crude) = (0, 0, 0, 0);
    // A day's work each, and a month's.
    for most in [12, 60] {
        for _ in 0..EACH {
            let found = leniency(&centre(&mut dice, most, 1.0));
            let differ = |l: &&Leniency| matches!(l.leaning, Leaning::Lenient | Leaning::Strict);
            let called = found.iter().filter(differ).count();
            any += usize::from(called > 0);
            one += called;
            all += found.len();
            let share = |l: &Leniency| l.confirmed as f64 / l.judged as f64;
            crude += usize::from(share(of(&found, "r0")) > share(of(&found, "r4")) + 0.2);
        }
    }
    let centres = 2 * EACH;
    assert!(any as f64 <= 0.055 * centres as f64, "in {any} of {centres} centres somebody was called different");
    assert!(any > centres / 100, "never is too careful: {any}");
    assert!((one as f64) < 0.02 * all as f64, "{one} of {all}");
    assert!(crude > centres * 2 / 3, "plain shares differ though nobody does: {crude}");
}

#[test]
fn a_reviewer_who_differs_is_found() {
    let mut dice = Dice(2);
    for (odds, leaning) in [(0.3, Leaning::Lenient), (4.0, Leaning::Strict)] {
        let found = (0..200).filter(|_| of(&leniency(&centre(&mut dice, 60, odds)), "r0").leaning == leaning).count();
        assert!(found > 160, "{leaning:?}: {found} of 200");
    }
}

#[test]
fn a_large_centre_takes_a_moment() {
    let mut dice = Dice(3);
    let mut all = Vec::new();
    for reviewer in 0..30 {
        for rule in 0..28 {
            let judged = 100 + dice.of(200, 0.5);
            all.push(said(&format!("r{reviewer}"), &format!("rule{rule}"), judged, dice.of(judged, 0.7)));
        }
    }
    let started = std::time::Instant::now();
    let found = leniency(&all);
    assert_eq!(found.len(), 30);
    // Half a second alone; a page waits for it.
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}
