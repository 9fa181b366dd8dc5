//! A small run of the coverage bench, so that a wrong interval fails a test.

#[allow(dead_code, reason = "the bench's own main and tables")]
#[path = "../../../benches/coverage.rs"]
mod coverage;

#[test]
fn intervals_hold_the_truth_in_about_95_of_100() {
    // 25 centres of each of 20 scenarios: about 1,500 intervals of centres and 2,700 of agents, standard error 0.6 %.
    let (cover, intervals) = coverage::run(25, |_, _| {}).together();
    assert!(intervals > 3_000 && (0.93..=0.98).contains(&cover), "{cover} of {intervals}");
}
