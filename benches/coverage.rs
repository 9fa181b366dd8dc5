//! How often 95 % intervals hold the truth: synthetic centres whose every call is known.
//!
//! Usage: `coverage [CENTRES]`, 2,000 for each scenario unless told. Each centre has its own rate, precision and recall of
//! the machine, all within the scenario's range; calls are drawn as the risk queue draws them (all of the riskiest, a
//! simple random sample of the frame or of every stratum besides) and judged by their truth.
//!
//! A centre counts where the figure can be given at all (no recall without a violation). The last table takes all scenarios
//! together, for each figure, and apart where fewer than five calls that the figure speaks of were heard by chance. Exits with 1
//! where any figure holds less than 94 % or more than 96 % over all scenarios: rates, precision, recall, rates of agents.
//!
//! `cover` is the share of intervals that hold the truth, `bias` the mean of estimate minus truth, `gain` how many times as many calls people alone would
//! need: ratio of the mean squared errors, in brackets the mean of what the program itself says.
#![allow(clippy::print_stdout, reason = "a report")]

use std::collections::BTreeMap;
use std::process::ExitCode;

use callsift_sampling::FrameCall;
use callsift_sampling::allocate::{allocate, stratum};
use callsift_sampling::estimate::{AgentRate, Interval, Judged, PoweredRate, RuleAccuracy, groups, powered, rules};
use callsift_sampling::plan::{Allocation, Stratum};

/// Agents are looked at in one centre of so many: there are twenty in each, and they take most of the time.
const AGENTS_OF: u64 = 4;

/// A range: low, high.
type Range = (f64, f64);

pub(crate) struct Scenario {
    name: &'static str,
    calls: usize,
    agents: usize,
    /// Calls heard for their risk, and by chance.
    risk: usize,
    random: usize,
    rate: Range,
    precision: Range,
    recall: Range,
    /// Spread of agents' habits, as a factor on the rate.
    spread: f64,
    /// Strata of agents; the last is drawn as many times as often as the first as there are strata.
    strata: usize,
    /// Strata are bands of the machine's score instead: the last holds the calls flagged and a few others.
    bands: bool,
    /// Strata are three units by bands of ten points of the machine's score, and calls are spread over them as
    /// `plans/stratified.toml` has it.
    shipped: bool,
    /// As many calls from every stratum instead.
    even: bool,
    /// Instead of strata as many calls from each of so many nights; the last has three times as many as the first.
    nights: usize,
}

const PLAIN: Scenario = Scenario {
    name: "mixed 160+40 of 2000, rate 3-15 %",
    calls: 2000,
    agents: 20,
    risk: 160,
    random: 40,
    rate: (0.03, 0.15),
    precision: (0.5, 0.95),
    recall: (0.3, 0.9),
    spread: 0.5,
    strata: 1,
    bands: false,
    shipped: false,
    even: false,
    nights: 0,
};

const RARE: Range = (0.005, 0.02);
const WIDE: Range = (0.02, 0.2);
const FREQUENT: Range = (0.05, 0.3);

/// Of so many calls these are heard for their risk, and by chance.
fn of(name: &'static str, calls: usize, (risk, random): (usize, usize), rate: Range) -> Scenario {
    Scenario { name, calls, risk, random, rate, ..PLAIN }
}

fn scenarios() -> Vec<Scenario> {
    let good = of("good machine, random 200 of 4000", 4000, (0, 200), (0.1, 0.3));
    let alike = of("alike agents, random 300 of 2000", 2000, (0, 300), (0.05, 0.2));
    let twenty = of("5 calls of each of 20 agents, 2000", 2000, (0, 100), WIDE);
    let six = of("5 calls of each of 6 agents, 600", 600, (0, 30), WIDE);
    vec![
        PLAIN,
        of("mixed 80+20 of 1000, rate 3-15 %", 1000, (80, 20), PLAIN.rate),
        of("mixed 40+10 of 600, rate 5-20 %", 600, (40, 10), (0.05, 0.2)),
        of("mixed 140+60 of 3000, rate 0.5-2 %", 3000, (140, 60), RARE),
        of("mixed 300+300 of 3000, rate 0.5-2 %", 3000, (300, 300), RARE),
        of("random 30 of 1000, rate 0.5-2 %", 1000, (0, 30), RARE),
        of("random 60 of 1000, rate 5-30 %", 1000, (0, 60), FREQUENT),
        of("random 200 of 1000, rate 5-30 %", 1000, (0, 200), FREQUENT),
        of("random 400 of 600, rate 5-30 %", 600, (0, 400), FREQUENT),
        Scenario { precision: (0.9, 0.95), recall: (0.85, 0.9), ..good },
        Scenario { strata: 3, ..of("3 unequal strata, 90 of 2000", 2000, (0, 90), WIDE) },
        Scenario { strata: 10, ..of("10 unequal strata, 120 of 2000", 2000, (0, 120), WIDE) },
        Scenario { strata: 5, bands: true, ..of("5 score bands, worst drawn most, 100 of 2000", 2000, (0, 100), WIDE) },
        Scenario { shipped: true, ..of("units by score, Neyman, 120 of 2000", 2000, (0, 120), WIDE) },
        Scenario {
            shipped: true,
            spread: 0.25,
            ..of("units by score, most fail, 120 of 2000", 2000, (0, 120), (0.4, 0.7))
        },
        Scenario { nights: 20, ..of("20 nights, mixed 100+60 of 2000", 2000, (100, 60), WIDE) },
        Scenario { nights: 30, ..of("30 nights, 1 of each, 1500", 1500, (0, 30), PLAIN.rate) },
        Scenario { spread: 0.0, ..alike },
        Scenario { strata: 20, even: true, ..twenty },
        Scenario { agents: 6, strata: 6, even: true, ..six },
    ]
}

fn main() -> ExitCode {
    let centres = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(2000);
    println!("| scenario | estimator | n | cover | width | bias | gain |");
    println!("|---|---|---:|---:|---:|---:|---:|");
    let all = run(centres, |scenario, tallies| tallies.print(scenario));
    if all.report() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All scenarios together.
pub(crate) fn run(centres: u64, print: impl Fn(&Scenario, &Tallies)) -> Tallies {
    let mut overall = Tallies::default();
    for (number, scenario) in scenarios().iter().enumerate() {
        let mut tallies = Tallies::default();
        for centre in 0..centres {
            let mut random = Random((number as u64) << 32 | centre);
            let (rows, truth) = simulate(scenario, &mut random);
            tallies.add(&rows, &truth);
            if centre % AGENTS_OF == 0 {
                tallies.add_agents(&rows, &truth);
            }
        }
        print(scenario, &tallies);
        overall.join(&tallies);
    }
    overall
}

/// splitmix64 (Steele, Lea and Flood 2014): enough for a simulation.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn within(&mut self, range: Range) -> f64 {
        range.0 + (range.1 - range.0) * self.share()
    }

    fn happens(&mut self, p: f64) -> bool {
        self.share() < p
    }
}

/// Heard, and not for sure.
fn by_chance(row: &Judged) -> bool {
    row.human.is_some() && row.probability < 1.0
}

/// What is true of every call.
struct Truth {
    violations: Vec<bool>,
    hits: Vec<bool>,
    agents: Vec<usize>,
    habits: Vec<f64>,
}

fn simulate(s: &Scenario, random: &mut Random) -> (Vec<Judged>, Truth) {
    let (rate, precision, recall) = (random.within(s.rate), random.within(s.precision), random.within(s.recall));
    // False hits per clean call that give this precision.
    let false_hits = rate * recall * (1.0 - precision) / precision / (1.0 - rate);
    let habits: Vec<f64> = (0..s.agents).map(|_| rate * random.within((1.0 - s.spread, 1.0 + s.spread))).collect();
    let agents: Vec<usize> = (0..s.calls).map(|i| i % s.agents).collect();
    let violations: Vec<bool> = agents.iter().map(|a| random.happens(habits[*a])).collect();
    let hits: Vec<bool> = violations.iter().map(|v| random.happens(if *v { recall } else { false_hits })).collect();
    // The riskiest: flagged calls, right ones a little sooner than wrong ones.
    let risk = |i: usize, random: &mut Random| random.share() + if violations[i] { 0.2 } else { 0.0 };
    let mut ranked: Vec<(f64, usize)> = (0..s.calls).filter(|i| hits[*i]).map(|i| (risk(i, random), i)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut by_chance: Vec<(u64, usize)> = (0..s.calls).map(|i| (random.next(), i)).collect();
    by_chance.sort_unstable();
    let mut top = vec![false; s.calls];
    ranked.iter().take(s.risk).for_each(|(_, i)| top[*i] = true);
    let night = |i: usize| (s.nights as f64 * ((1.0 + 8.0 * i as f64 / s.calls as f64).sqrt() - 1.0) / 2.0) as usize;
    // Calls without a hit lie in the bands above, a tenth of them in the worst.
    let band = |i: usize| if hits[i] || i.is_multiple_of(10) { s.strata - 1 } else { i / 10 % (s.strata - 1) };
    let (names, given) = if s.shipped { as_shipped(s, &hits, &agents, random) } else { (Vec::new(), Vec::new()) };
    let stratum = |i: usize| match s {
        _ if s.nights > 0 => night(i),
        _ if s.bands => band(i),
        _ if s.shipped => names[i],
        _ => agents[i] * s.strata / s.agents,
    };
    let mut chance = vec![false; s.calls];
    let mut probability = vec![0.0; s.strata.max(s.nights).max(given.len())];
    for (h, p) in probability.iter_mut().enumerate() {
        let of: Vec<usize> = by_chance.iter().map(|(_, i)| *i).filter(|i| stratum(*i) == h).collect();
        let by_strata = if s.even { s.random / s.strata } else { s.random * 2 * (h + 1) / (s.strata * (s.strata + 1)) };
        let n = given.get(h).copied().unwrap_or_else(|| s.random.checked_div(s.nights).unwrap_or(by_strata));
        let n = n.min(of.len());
        of.iter().take(n).for_each(|i| chance[*i] = true);
        *p = n as f64 / of.len() as f64;
    }
    let row = |i: usize| Judged {
        call_id: i.to_string(),
        calls: 1,
        agent_id: agents[i].to_string(),
        unit: String::new(),
        rule_id: "r".to_owned(),
        machine: Some(hits[i]),
        human: (top[i] || chance[i]).then_some(violations[i]),
        probability: if top[i] { 1.0 } else { probability[stratum(i)] },
    };
    ((0..s.calls).map(row).collect(), Truth { violations, hits, agents, habits })
}

/// The stratum of every call and how many calls each stratum gets. A call with a hit has 40 to 95 points, one without mostly 100.
fn as_shipped(s: &Scenario, hits: &[bool], agents: &[usize], random: &mut Random) -> (Vec<usize>, Vec<usize>) {
    let mut score = |hit: bool| match hit {
        true => 40.0 + 5.0 * (random.share() * 12.0).floor(),
        false if random.happens(0.9) => 100.0,
        false => 90.0,
    };
    let call = |i: usize| FrameCall {
        call_id: i.to_string(),
        agent_id: String::new(),
        agent_name: String::new(),
        unit: (agents[i] * 3 / s.agents).to_string(),
        queue: String::new(),
        date: String::new(),
        started_at_us: 0,
        hour: 0,
        duration_ms: 0,
        score: Some(score(hits[i])),
    };
    let calls: Vec<FrameCall> = (0..s.calls).map(call).collect();
    let mut strata: BTreeMap<String, Vec<&FrameCall>> = BTreeMap::new();
    let name = |c: &FrameCall| stratum(c, &[Stratum::Unit, Stratum::ScoreBand]);
    for call in &calls {
        strata.entry(name(call)).or_default().push(call);
    }
    let given = allocate(&strata, s.random, Allocation::Neyman);
    let numbers: BTreeMap<&str, usize> = strata.keys().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    (calls.iter().map(|c| numbers[name(c).as_str()]).collect(), strata.keys().map(|name| given[name]).collect())
}

impl Truth {
    fn count(&self, of: impl Fn(usize) -> bool) -> f64 {
        (0..self.hits.len()).filter(|i| of(*i)).count() as f64
    }
}

/// What was seen of one estimator.
#[derive(Default, Clone)]
struct Tally {
    n: usize,
    held: usize,
    width: f64,
    points: usize,
    bias: f64,
    square: f64,
    /// Of these: intervals with few calls heard by chance.
    few: usize,
    few_held: usize,
}

/// Calls heard by chance below which a figure has few.
const FEW: usize = 5;

impl Tally {
    /// `heard`: calls heard by chance that the figure speaks of.
    fn add(&mut self, estimate: Option<f64>, interval: &Interval, truth: f64, heard: usize) {
        if interval.width() > 0.0 {
            self.n += 1;
        } else {
            // All calls were heard: known, not estimated.
            return;
        }
        self.held += usize::from(interval.holds(truth));
        self.few += usize::from(heard < FEW);
        self.few_held += usize::from(heard < FEW && interval.holds(truth));
        self.width += interval.width();
        if let Some(error) = estimate.map(|e| e - truth) {
            self.points += 1;
            self.bias += error;
            self.square += error * error;
        }
    }

    fn join(&mut self, other: &Self) {
        self.n += other.n;
        self.held += other.held;
        self.few += other.few;
        self.few_held += other.few_held;
    }

    fn cover(&self) -> f64 {
        self.held as f64 / self.n.max(1) as f64
    }

    /// Where five calls or more were heard by chance.
    fn cover_of_many(&self) -> f64 {
        (self.held - self.few_held) as f64 / (self.n - self.few).max(1) as f64
    }

    fn print(&self, scenario: &str, name: &str, gain: &str) {
        let bias = self.bias / self.points.max(1) as f64;
        let width = self.width / self.n.max(1) as f64;
        println!(
            "| {scenario} | {name} | {} | {:.1} % | {width:.4} | {bias:+.4} | {gain} |",
            self.n,
            self.cover() * 100.0
        );
    }
}

#[derive(Default)]
pub(crate) struct Tallies {
    human: Tally,
    powered: Tally,
    gains: Vec<f64>,
    precision: Tally,
    recall: Tally,
    misses: Tally,
    agents: Tally,
    centres: usize,
    /// Agents called different from the rest of the unit.
    called: usize,
    /// Sum over centres of the share of those called different that are not, or differ the other way.
    wrongly: f64,
}

impl Tallies {
    fn add(&mut self, rows: &[Judged], truth: &Truth) {
        let heard = rows.iter().filter(|r| by_chance(r)).count();
        self.add_rates(&powered(&rows.iter().collect::<Vec<_>>()), truth, heard);
        if let Some(rule) = rules(rows).pop() {
            let hits = rows.iter().filter(|r| by_chance(r) && r.machine == Some(true)).count();
            self.add_rule(&rule, truth, hits, heard);
        }
    }

    fn add_agents(&mut self, rows: &[Judged], truth: &Truth) {
        let Some(rates) = groups(rows).pop() else { return };
        self.centres += 1;
        let called = rates.agents.iter().filter(|a| a.distinguishable).count();
        let heard = |a: &AgentRate| rows.iter().filter(|r| by_chance(r) && r.agent_id == a.agent_id).count();
        let wrongly: usize = rates.agents.iter().map(|a| self.add_agent(a, truth, heard(a))).sum();
        self.called += called;
        self.wrongly += wrongly as f64 / called.max(1) as f64;
    }

    fn add_rates(&mut self, centre: &PoweredRate, truth: &Truth, heard: usize) {
        let rate = truth.count(|i| truth.violations[i]) / truth.hits.len() as f64;
        self.human.add(centre.human.estimate, &centre.human.interval, rate, heard);
        self.powered.add(centre.powered.estimate, &centre.powered.interval, rate, heard);
        self.gains.extend(centre.gain);
    }

    fn add_rule(&mut self, rule: &RuleAccuracy, truth: &Truth, of_hits: usize, heard: usize) {
        let (hits, all) = (truth.count(|i| truth.hits[i]), truth.count(|i| truth.violations[i]));
        let found = truth.count(|i| truth.hits[i] && truth.violations[i]);
        if hits > 0.0 && rule.precision.estimate.is_some() {
            self.precision.add(rule.precision.estimate, &rule.precision.interval, found / hits, of_hits);
        }
        if all > 0.0 && rule.recall.estimate.is_some() {
            self.recall.add(rule.recall.estimate, &rule.recall.interval, found / all, heard);
            let bound = Interval { low: 0.0, high: rule.misses_fewer_than };
            self.misses.add(None, &bound, 1.0 - found / all, heard);
        }
    }

    /// 1 where the agent is called different and is not.
    fn add_agent(&mut self, agent: &AgentRate, truth: &Truth, heard: usize) -> usize {
        let number: usize = agent.agent_id.parse().unwrap_or(0);
        let mine = |i: usize| truth.agents[i] == number;
        let rate = truth.count(|i| mine(i) && truth.violations[i]) / truth.count(mine);
        self.agents.add(agent.shrunk.estimate, &agent.shrunk.interval, rate, heard);
        let mean = truth.habits.iter().sum::<f64>() / truth.habits.len() as f64;
        let above = agent.difference.is_some_and(|d| d.low > 0.0);
        let really = truth.habits[number] - mean;
        usize::from(agent.distinguishable && (really.abs() < 1e-12 || above != (really > 0.0)))
    }

    /// The figures, by name.
    fn figures(&self) -> [(&'static str, &Tally); 6] {
        [
            ("rate, people", &self.human),
            ("rate, powered", &self.powered),
            ("precision", &self.precision),
            ("recall", &self.recall),
            ("rate of an agent", &self.agents),
            ("misses fewer than (one-sided)", &self.misses),
        ]
    }

    fn join(&mut self, other: &Self) {
        let into = [
            &mut self.human,
            &mut self.powered,
            &mut self.precision,
            &mut self.recall,
            &mut self.agents,
            &mut self.misses,
        ];
        into.into_iter().zip(other.figures()).for_each(|(tally, (_, more))| tally.join(more));
    }

    /// The figures that have an interval of two limits.
    fn intervals(&self) -> [(&'static str, &Tally); 5] {
        let [intervals @ .., _] = self.figures();
        intervals
    }

    /// The share of intervals that hold the truth, and how many there are.
    pub(crate) fn together(&self) -> (f64, usize) {
        let mut all = Tally::default();
        self.intervals().iter().for_each(|(_, t)| all.join(t));
        (all.cover(), all.n)
    }

    /// The last table; true where intervals hold what they say.
    fn report(&self) -> bool {
        println!(
            "\n| all scenarios | n | cover | of which fewer than {FEW} heard by chance | cover there | cover of the others |"
        );
        println!("|---|---:|---:|---:|---:|---:|");
        for (name, t) in self.figures() {
            let few = t.few_held as f64 / t.few.max(1) as f64;
            let [cover, few, many] = [t.cover(), few, t.cover_of_many()].map(|share| format!("{:.2} %", share * 100.0));
            println!("| {name} | {} | {cover} | {} | {few} | {many} |", t.n, t.few);
        }
        let (all, n) = self.together();
        println!("| all intervals | {n} | {:.2} % | | | |", all * 100.0);
        self.intervals().iter().all(|(_, t)| (0.94..=0.96).contains(&t.cover()))
    }

    fn print(&self, s: &Scenario) {
        let mean = self.gains.iter().sum::<f64>() / self.gains.len().max(1) as f64;
        let gain = format!("{:.2} ({mean:.2})", self.human.square / self.powered.square.max(f64::MIN_POSITIVE));
        for (name, tally) in self.figures() {
            tally.print(s.name, name, if name == "rate, powered" { &gain } else { "" });
        }
        let wrongly = self.wrongly / self.centres.max(1) as f64 * 100.0;
        println!("| {} | agents called different, {wrongly:.1} % wrongly | {} | | | | |", s.name, self.called);
    }
}
