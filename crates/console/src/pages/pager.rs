//! Pages of a list: the one before, the one after, and which of how many this is.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::lang::Lang;
use crate::pages::url;

/// Which part of a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pages {
    /// From 0.
    pub(super) page: usize,
    /// Pages there are; at least one.
    pub(super) all: usize,
    size: usize,
}

impl Pages {
    /// The page that was asked for, or the last one where there are fewer.
    pub(super) fn of(asked: usize, entries: usize, size: usize) -> Self {
        let all = entries.div_ceil(size).max(1);
        Self { page: asked.min(all - 1), all, size }
    }

    /// The page that an address asks for by this name.
    pub(super) fn asked(query: &BTreeMap<String, String>, name: &str, entries: usize, size: usize) -> Self {
        Self::of(query.get(name).and_then(|n| n.trim().parse().ok()).unwrap_or(0), entries, size)
    }

    /// The entries of the page.
    pub(super) fn cut<'a, T>(&self, entries: &'a [T]) -> impl Iterator<Item = &'a T> + use<'a, T> {
        entries.iter().skip(self.offset()).take(self.size)
    }

    /// Entries before the page.
    pub(super) fn offset(&self) -> usize {
        self.page * self.size
    }

    /// Links to the neighbours; nothing where there is one page only. `to` makes the address of a page.
    pub(super) fn show(&self, l: Lang, to: impl Fn(usize) -> String) -> Markup {
        let (number, all) = (self.page + 1, self.all);
        let here = html! { span { (l.t("第 ", "page ")) (number) (l.t(" 页，共 ", " of ")) (all) (l.t(" 页", "")) } };
        html! { @if all > 1 { (neighbours(l, self.page, number < all, &here, to)) } }
    }
}

/// Links to the page before and the one after, as far as there are any, and between them where this one lies.
pub(super) fn neighbours(l: Lang, page: usize, more: bool, here: &Markup, to: impl Fn(usize) -> String) -> Markup {
    html! {
        p.pager {
            @if page > 0 { a href=(to(page - 1)) rel="prev" { (l.t("◂ 上一页", "◂ previous")) } }
            (here)
            @if more { a href=(to(page + 1)) rel="next" { (l.t("下一页 ▸", "next ▸")) } }
        }
    }
}

/// An address with one of its parameters set anew.
pub(super) fn with(address: &str, query: &BTreeMap<String, String>, name: &str, value: usize) -> String {
    let rest = query.iter().filter(|(k, v)| *k != name && !v.is_empty());
    let value = value.to_string();
    let all = rest.map(|(k, v)| (k.as_str(), v.as_str())).chain([(name, value.as_str())]);
    let pairs: Vec<String> = all.map(|(k, v)| format!("{}={}", url(k), url(v))).collect();
    format!("{address}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::{Pages, with};
    use crate::lang::Lang;

    #[test]
    fn every_entry_stands_on_one_page() {
        let entries: Vec<usize> = (0..250).collect();
        let pages = |asked| Pages::of(asked, entries.len(), 100);
        let all: Vec<usize> =
            (0..pages(0).all).flat_map(|n| pages(n).cut(&entries).copied().collect::<Vec<_>>()).collect();
        assert_eq!(all, entries);
        assert_eq!((pages(9).page, pages(9).all), (2, 3), "the last one, where there are fewer");
        assert_eq!((Pages::of(0, 0, 100).all, Pages::of(3, 100, 100).all), (1, 1));
    }

    #[test]
    fn neighbours_are_linked_and_no_others() {
        let shown = |page| Pages::of(page, 250, 100).show(Lang::Zh, |n| format!("/p{n}")).into_string();
        assert!(!shown(0).contains("上一页") && shown(0).contains("/p1") && shown(0).contains("第 1 页，共 3 页"));
        assert!(shown(1).contains("/p0") && shown(1).contains("/p2") && !shown(2).contains("下一页"));
        assert!(Pages::of(0, 100, 100).show(Lang::Zh, |n| n.to_string()).into_string().is_empty());
        let query = [("page", "7"), ("unit", "一&二"), ("word", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(with("/queue", &query, "page", 2), "/queue?unit=%E4%B8%80%26%E4%BA%8C&page=2");
    }
}
