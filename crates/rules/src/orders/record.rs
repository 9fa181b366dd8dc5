//! The order system's record of a call.

use callsift_text::{Normalizer, find_quantities, parse_number};

use super::OrderLine;
use crate::amount::Amount;

/// The record of the order system: `红塔山=5条;云烟=3条`. Entries that name no item or number are left out.
pub fn record_lines(record: &str) -> Vec<OrderLine> {
    let normalizer = Normalizer::matching();
    let entries = record.split([';', '；', ',', '，', '、', '\n']);
    entries
        .filter_map(|entry| {
            let (name, count) = entry.split_once(['=', '＝', ':', '：', '*', '×'])?;
            let name = normalizer.normalize(name).chars().to_vec();
            let count = normalizer.normalize(count);
            let spoken = find_quantities(count.chars()).first().map(Amount::from);
            let bare = || parse_number(count.chars()).map(|n| Amount::exactly(n as f64));
            let value = spoken.or_else(bare)?;
            (!name.is_empty()).then_some(OrderLine { name, value })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::record_lines;

    #[test]
    fn the_record_is_read_leniently() {
        let found = record_lines("红塔山=5条;云烟：３条，坏的;黄鹤楼*2");
        let found: Vec<(String, i64)> =
            found.into_iter().map(|l| (l.name.iter().collect(), l.value.least / 1000)).collect();
        assert_eq!(found, [("红塔山".to_owned(), 5), ("云烟".to_owned(), 3), ("黄鹤楼".to_owned(), 2)]);
    }
}
