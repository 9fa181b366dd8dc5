//! What people say around the names of goods, and the name that is left without it.

use std::sync::OnceLock;

/// Words around an item that do not belong to its name, longest first.
const AROUND: [&str; 119] = [
    "有没有得拿",
    "给您重复一遍",
    "给您复述一遍",
    "跟您核对一下",
    "给您核对一下",
    "跟您确认一下",
    "再重复一遍",
    "再确认一遍",
    "再跟您核对",
    "您的订单是",
    "重复一遍",
    "复述一遍",
    "核对一遍",
    "确认一遍",
    "复述一下",
    "核对一下",
    "确认一下",
    "重复一下",
    "您订的是",
    "您要的是",
    "要点货",
    "订点货",
    "拿点货",
    "补点货",
    "进点货",
    "念一下",
    "报一下",
    "有的话",
    "说错了",
    "帮我订",
    "帮我拿",
    "帮我报",
    "给我报",
    "这礼拜",
    "下礼拜",
    "给我来",
    "给我拿",
    "给我订",
    "帮我来",
    "我想要",
    "我想订",
    "我还要",
    "我要订",
    "另外再",
    "然后再",
    "还要再",
    "麻烦您",
    "麻烦你",
    "一共是",
    "分别是",
    "是不是",
    "你好",
    "帮我",
    "给我",
    "礼拜",
    "有的",
    "不对",
    "没事",
    "点货",
    "订货",
    "要货",
    "补货",
    "拿货",
    "进货",
    "改成",
    "换成",
    "变成",
    "一共",
    "总共",
    "我要",
    "我订",
    "再来",
    "再要",
    "再加",
    "再订",
    "还要",
    "还有",
    "还来",
    "来个",
    "那个",
    "先给",
    "今天",
    "明天",
    "后天",
    "这次",
    "这回",
    "这周",
    "下周",
    "上午",
    "下午",
    "这个",
    "就是",
    "就要",
    "那就",
    "行吧",
    "先要",
    "先来",
    "另外",
    "然后",
    "一个",
    "您要",
    "您订",
    "您好",
    "的话",
    "好的",
    "对的",
    "要",
    "来",
    "订",
    "加",
    "拿",
    "和",
    "跟",
    "是",
    "嗯",
    "那",
    "再",
    "先",
    "也",
];

fn around_items() -> &'static [Vec<char>] {
    static WORDS: OnceLock<Vec<Vec<char>>> = OnceLock::new();
    WORDS.get_or_init(|| AROUND.iter().map(|word| word.chars().collect()).collect())
}

/// Characters of the longest name.
const LONGEST: usize = 8;

/// What counts several goods together: the number behind it is of none of them.
const SUMS: [&str; 4] = ["总共", "一共", "合计", "共计"];
/// Particles that end a name: 五条双喜啦黄鹤楼有没有.
const PARTICLES: &str = "啦呀呢吧嘛哦啊噢";

/// The name next to a quantity: at the end of what stands before it, or at the beginning of what follows.
pub(super) fn item_name(around: &[char], at_end: bool) -> Vec<char> {
    let is_sum = |text: &[char]| {
        let text: String = text.iter().collect();
        at_end && SUMS.iter().any(|sum| text.trim_end_matches('是').ends_with(sum))
    };
    if is_sum(around) {
        return Vec::new();
    }
    let mut parts = around.split(|c| PARTICLES.contains(*c)).filter(|part| !part.is_empty());
    let mut name = if at_end { parts.next_back() } else { parts.next() }.unwrap_or_default();
    loop {
        let shorter = around_items().iter().find_map(|word| {
            if at_end { name.strip_suffix(word.as_slice()) } else { name.strip_prefix(word.as_slice()) }
        });
        match shorter {
            Some(rest) => name = rest,
            None => break,
        }
    }
    // What stands on the far side of a lead-in word belongs to something else.
    let cut = around_items().iter().filter(|word| word.len() >= 2).filter_map(|word| {
        let mut places = name.windows(word.len()).enumerate().filter(|(_, w)| *w == word.as_slice());
        if at_end { places.next_back().map(|(i, w)| i + w.len()) } else { places.next().map(|(i, _)| i) }
    });
    let name = if at_end { &name[cut.max().unwrap_or(0)..] } else { &name[..cut.min().unwrap_or(name.len())] };
    // Of what is longer the name is what stands beside the quantity.
    let name = trim_ends(name);
    let over = name.len().saturating_sub(LONGEST);
    let name = if at_end { &name[over..] } else { &name[..name.len() - over] };
    let is_number = name.iter().all(|c| "零一二三四五六七八九十百千两半".contains(*c));
    if name.len() < 2 || is_number { Vec::new() } else { name.to_vec() }
}

/// Particles and single lead-in words at both ends.
fn trim_ends(name: &[char]) -> &[char] {
    const ENDS: &str = "吧呢啊呀了的吗嘛哦哈要来订加拿和跟是那就再也都行给我您你";
    let from = name.iter().position(|c| !ENDS.contains(*c)).unwrap_or(name.len());
    let to = name.iter().rposition(|c| !ENDS.contains(*c)).map_or(from, |i| i + 1);
    &name[from..to.max(from)]
}
