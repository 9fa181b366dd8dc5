//! Syllables: initial, rime, tone; what it costs to take one for another; which ones sound alike.

use std::sync::OnceLock;

use pinyin::ToPinyinMulti;

/// Cost of another tone: cheap, because telephone speech and recognisers lose tones first.
const TONE: f64 = 0.1;
/// Cost of a confusion that dialects and recognisers make all the time.
const CONFUSED: f64 = 0.3;

const INITIALS: [&str; 24] = [
    "", "zh", "ch", "sh", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x", "r", "z", "c", "s",
    "y", "w",
];
const INITIAL_PAIRS: [(&str, &str); 6] = [("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("h", "f"), ("r", "l")];
const RIME_PAIRS: [(&str, &str); 6] =
    [("in", "ing"), ("en", "eng"), ("an", "ang"), ("ian", "iang"), ("uan", "uang"), ("un", "ong")];
/// Characters that have readings in the table: the unified ideographs and extension A.
const HAN: std::ops::RangeInclusive<u32> = 0x3400..=0x9fff;

/// One syllable, split as the confusions need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syllable {
    initial: u8,
    rime: u8,
    tone: u8,
}

impl Syllable {
    /// The same but for the tone.
    pub(super) fn is_spelled_like(self, other: Self) -> bool {
        (self.initial, self.rime) == (other.initial, other.rime)
    }

    /// Number that is the same for all syllables that confusions join, whatever the tone.
    pub(super) fn class(self) -> u32 {
        let table = table();
        let (initial, rime) = (table.initials.group[self.initial as usize], table.rimes.group[self.rime as usize]);
        u32::from(initial) << 8 | u32::from(rime)
    }

    /// Cost of hearing one for the other: 0 the same, 1 another sound.
    pub fn cost(self, other: Self) -> f64 {
        let table = table();
        let initial = table.initials.cost(self.initial, other.initial);
        let rime = table.rimes.cost(self.rime, other.rime);
        let tone = if self.tone == other.tone { 0.0 } else { TONE };
        (initial + rime + tone).min(1.0)
    }
}

/// Readings of a character, the usual one first, and their classes without repeats; none for letters, digits and signs.
pub(super) fn readings(ch: char) -> (&'static [Syllable], &'static [u32]) {
    let Some(i) = (ch as u32).checked_sub(*HAN.start()) else { return (&[], &[]) };
    let table = table();
    match table.places.get(i as usize) {
        Some(place) => {
            let (start, first) = (place.start as usize, place.first_class as usize);
            (
                &table.syllables[start..start + place.readings as usize],
                &table.classes[first..first + place.classes as usize],
            )
        }
        None => (&[], &[]),
    }
}

/// The syllable that is spelled so, without a tone; `None` where no character is read so.
pub(super) fn spelled(plain: &str) -> Option<Syllable> {
    let (initial, rest) = divide(plain);
    let rime = table().rimes.names.iter().position(|r| *r == rest)?;
    Some(Syllable { initial, rime: rime as u8, tone: 0 })
}

/// Parts of syllables, with their costs.
struct Parts {
    names: Vec<&'static str>,
    costs: Vec<f64>,
    group: Vec<u8>,
}

impl Parts {
    fn new(names: Vec<&'static str>, pairs: &[(&str, &str)]) -> Self {
        let confused = |a: &str, b: &str| pairs.iter().any(|(x, y)| (a, b) == (*x, *y) || (b, a) == (*x, *y));
        let cost = |a: &str, b: &str| match a == b {
            true => 0.0,
            false if confused(a, b) => CONFUSED,
            false => 1.0,
        };
        let costs = names.iter().flat_map(|a| names.iter().map(move |b| cost(a, b))).collect();
        let mut group: Vec<u8> = (0..names.len() as u8).collect();
        for (a, b) in pairs {
            let at = |name: &str| names.iter().position(|n| *n == name);
            if let (Some(a), Some(b)) = (at(a), at(b)) {
                let (from, to) = (group[a].max(group[b]), group[a].min(group[b]));
                group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
            }
        }
        Self { names, costs, group }
    }

    fn cost(&self, a: u8, b: u8) -> f64 {
        self.costs[a as usize * self.names.len() + b as usize]
    }
}

struct Table {
    initials: Parts,
    rimes: Parts,
    places: Vec<Place>,
    syllables: Vec<Syllable>,
    /// Numbers that are the same for all syllables that confusions join, whatever the tone.
    classes: Vec<u32>,
}

/// Where the readings of a character stand, and their classes.
struct Place {
    start: u32,
    readings: u8,
    first_class: u32,
    classes: u8,
}

/// Made once: looking readings up and splitting them is far slower than reading a table.
fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut rimes: Vec<&'static str> = Vec::new();
        let (mut ranges, mut syllables) = (Vec::new(), Vec::new());
        for code in HAN {
            let start = syllables.len() as u32;
            if let Some(multi) = char::from_u32(code).and_then(|c| c.to_pinyin_multi()) {
                for p in multi {
                    let syllable = split(p, &mut rimes);
                    if !syllables[start as usize..].contains(&syllable) {
                        syllables.push(syllable);
                    }
                }
            }
            ranges.push(start as usize..syllables.len());
        }
        let (initials, rimes) = (Parts::new(INITIALS.to_vec(), &INITIAL_PAIRS), Parts::new(rimes, &RIME_PAIRS));
        let class =
            |s: &Syllable| u32::from(initials.group[s.initial as usize]) << 8 | u32::from(rimes.group[s.rime as usize]);
        let (mut places, mut classes) = (Vec::with_capacity(ranges.len()), Vec::<u32>::new());
        for range in ranges {
            let first = classes.len();
            for syllable in &syllables[range.clone()] {
                let class = class(syllable);
                if !classes[first..].contains(&class) {
                    classes.push(class);
                }
            }
            let count = (classes.len() - first) as u8;
            let (start, readings) = (range.start as u32, range.len() as u8);
            places.push(Place { start, readings, first_class: first as u32, classes: count });
        }
        Table { initials, rimes, places, syllables, classes }
    })
}

fn divide(plain: &str) -> (u8, &str) {
    let initial = (1..INITIALS.len()).find(|i| plain.starts_with(INITIALS[*i])).unwrap_or(0);
    (initial as u8, plain.get(INITIALS[initial].len()..).unwrap_or(""))
}

fn split(p: pinyin::Pinyin, rimes: &mut Vec<&'static str>) -> Syllable {
    let (initial, rime) = divide(p.plain());
    let rime = rimes.iter().position(|r| *r == rime).unwrap_or_else(|| {
        rimes.push(rime);
        rimes.len() - 1
    });
    let tone = p.with_tone_num_end().bytes().last().filter(u8::is_ascii_digit).map_or(0, |b| b - b'0');
    Syllable { initial, rime: rime as u8, tone }
}
