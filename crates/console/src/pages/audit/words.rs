//! The log in words. It keeps codes, so that it reads alike whoever asks and in whatever language.

use callsift_reviews::{AuditEntry, Cause, Role};

use crate::app::App;
use crate::lang::{Lang, cause, judgement, role};
use crate::pages::parts::title;

/// Name of an action; its code where it has none.
pub(super) fn action(l: Lang, code: &str) -> &str {
    match code {
        "login" => l.t("登录", "logged in"),
        "login_failed" => l.t("登录失败", "login failed"),
        "logout" => l.t("退出", "logged out"),
        "password" => l.t("改密码", "changed the password"),
        "listen" => l.t("听录音", "listened"),
        "clip" => l.t("导出片段", "exported a clip"),
        "verdict" => l.t("判断", "verdict"),
        "cause" => l.t("注明原因", "gave a cause"),
        "missed" => l.t("补记漏检", "marked a miss"),
        "form" => l.t("提交记录表", "submitted a form"),
        "sign" => l.t("签收", "signed a result"),
        "draw" => l.t("抽样", "drew calls"),
        "handover" => l.t("转交任务", "moved tasks"),
        "lesson" => l.t("存入培训库", "entered an example"),
        "lesson_out" => l.t("发出案例", "handed out an example"),
        "lesson_end" => l.t("撤下案例", "withdrew an example"),
        "lesson_sign" => l.t("签收案例", "signed an example"),
        "raise" => l.t("上报差错", "raised a fault"),
        "raise_ack" => l.t("确认处理差错", "acknowledged a fault"),
        "record" => l.t("导出监控记录表", "exported a record"),
        "summary_submit" => l.t("提交分析表", "submitted a summary"),
        "summary_approve" => l.t("审批分析表", "approved a summary"),
        "summary_return" => l.t("退回分析表", "returned a summary"),
        "summary_sign" => l.t("签收分析表", "signed a summary"),
        "summary_export" => l.t("导出分析表", "exported a summary"),
        "appeal" => l.t("申诉", "appealed"),
        "decide" => l.t("裁定申诉", "decided an appeal"),
        "user_add" => l.t("添加用户", "added a user"),
        "user_password" => l.t("重置密码", "renewed a password"),
        "user_disable" => l.t("停用用户", "disabled a user"),
        "user_enable" => l.t("启用用户", "enabled a user"),
        "retain" => l.t("到期清理", "removed what was old"),
        other => other,
    }
}

/// The details of a line; as they are kept where they are of no known form.
pub(super) fn detail(app: &App, l: Lang, entry: &AuditEntry) -> String {
    let words: Vec<&str> = entry.detail.split(' ').collect();
    match (entry.action.as_str(), words.as_slice()) {
        ("verdict", [rule, verdict]) => said(app, l, rule, judgement(l, verdict), None),
        ("verdict", [rule, verdict, why]) => said(app, l, rule, judgement(l, verdict), Some(why)),
        ("cause", [rule, why]) => format!("{}{}{}", title(app, rule), l.t("：", ": "), named(l, why)),
        ("missed" | "appeal", [rule]) if !rule.is_empty() => title(app, rule).to_owned(),
        ("form", [score]) => format!("{score}{}", l.t(" 分", " points")),
        ("decide", ["appeal", id, "granted", granted]) => decided(l, id, granted),
        ("user_add", [name, code]) => {
            format!("{name}{}{}", l.t("，", ", "), Role::parse(code).map_or(*code, |r| role(l, r)))
        }
        ("clip", [span, "ms"]) => stretch(l, span).unwrap_or_else(|| entry.detail.clone()),
        _ => entry.detail.clone(),
    }
}

fn said(app: &App, l: Lang, rule: &str, verdict: &str, why: Option<&str>) -> String {
    let why = why.map_or_else(String::new, |w| format!("{}{}{}", l.t("（", " ("), named(l, w), l.t("）", ")")));
    format!("{}{}{verdict}{why}", title(app, rule), l.t("：", ": "))
}

/// Name of a cause by its code.
fn named(l: Lang, code: &str) -> &'static str {
    cause(l, Cause::parse(code))
}

fn decided(l: Lang, id: &str, granted: &str) -> String {
    let how = if granted == "true" { l.t("成立", "granted") } else { l.t("驳回", "not granted") };
    format!("{}{id}{}{how}", l.t("申诉 ", "appeal "), l.t("：", ": "))
}

/// `1500-4000` in seconds.
fn stretch(l: Lang, span: &str) -> Option<String> {
    let (from, to) = span.split_once('-')?;
    let seconds = |ms: &str| Some(format!("{:.1}", ms.parse::<f64>().ok()? / 1000.0));
    Some(format!("{}–{}{}", seconds(from)?, seconds(to)?, l.t(" 秒", " s")))
}

#[cfg(test)]
mod tests {
    use super::{action, decided, named, stretch};
    use crate::lang::Lang;

    #[test]
    fn codes_become_words_of_both_languages() {
        assert_eq!((action(Lang::Zh, "user_add"), action(Lang::En, "decide")), ("添加用户", "decided an appeal"));
        assert_eq!(action(Lang::Zh, "of a later version"), "of a later version");
        assert_eq!((named(Lang::Zh, "wrong_speaker"), named(Lang::En, "none")), ("说话人错", "not said"));
        assert_eq!(decided(Lang::Zh, "1", "true"), "申诉 1：成立");
        assert_eq!(stretch(Lang::En, "1500-4000").as_deref(), Some("1.5–4.0 s"));
        assert_eq!(stretch(Lang::Zh, "all"), None);
    }
}
