//! Two languages: Chinese for QA staff, English for engineers who look over their shoulder.

/// Language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Lang {
    /// 中文.
    #[default]
    Zh,
    /// English.
    En,
}

impl Lang {
    /// Both texts stand where they are used, so neither can be forgotten.
    pub(crate) fn t<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    /// Something said by the way, in the brackets of the language.
    pub(crate) fn brackets(self, text: &str) -> String {
        match self {
            Self::Zh => format!("（{text}）"),
            Self::En => format!(" ({text})"),
        }
    }

    /// For the `lang` attribute.
    pub(crate) fn code(self) -> &'static str {
        self.t("zh-CN", "en")
    }
}

/// Name of a severity.
pub(crate) fn severity(lang: Lang, name: &str) -> &'static str {
    match name {
        "fatal" => lang.t("致命", "fatal"),
        "severe" => lang.t("严重", "severe"),
        "moderate" => lang.t("一般", "moderate"),
        _ => lang.t("轻微", "minor"),
    }
}

/// Name of a machine verdict.
pub(crate) fn verdict(lang: Lang, name: &str) -> &'static str {
    match name {
        "hit" => lang.t("命中", "hit"),
        "clear" => lang.t("合格", "clear"),
        "cannot_tell" => lang.t("无法判断", "cannot tell"),
        _ => lang.t("不适用", "not applicable"),
    }
}

/// Name of a person's verdict.
pub(crate) fn judgement(lang: Lang, name: &str) -> &'static str {
    match name {
        "confirmed" => lang.t("属实", "confirmed"),
        "rejected" => lang.t("误报", "rejected"),
        "unsure" => lang.t("存疑", "unsure"),
        _ => lang.t("撤回", "withdrawn"),
    }
}

/// Name of a cause of a rejection; of none where nobody said why.
pub(crate) fn cause(lang: Lang, cause: Option<callsift_reviews::Cause>) -> &'static str {
    use callsift_reviews::Cause;
    match cause {
        Some(Cause::Misheard) => lang.t("识别错误", "misheard"),
        Some(Cause::WrongSpeaker) => lang.t("说话人错", "wrong speaker"),
        Some(Cause::Context) => lang.t("语境允许", "context allows it"),
        Some(Cause::Rule) => lang.t("规则过宽", "rule too wide"),
        Some(Cause::Other) => lang.t("其他", "other"),
        None => lang.t("未注明", "not said"),
    }
}

/// What the rules engine says: a reason, a measure in brackets, a line of an explanation. It speaks Chinese and the lake keeps it so.
pub(crate) fn engine(lang: Lang, text: &str) -> String {
    match lang {
        Lang::Zh => text.to_owned(),
        Lang::En => callsift_rules::english(text).unwrap_or_else(|| text.to_owned()),
    }
}

/// Words that stand as evidence: a measure in the language of the page, what was said as it was said.
pub(crate) fn evidence(lang: Lang, text: &str) -> String {
    if text.starts_with('（') { engine(lang, text) } else { text.to_owned() }
}

/// How a text met a rule.
pub(crate) fn match_kind(lang: Lang, name: &str) -> &'static str {
    match name {
        "exact" => lang.t("原词", "the very words"),
        "pattern" => lang.t("句式", "by pattern"),
        "sound" => lang.t("读音相近", "by sound"),
        "similar" => lang.t("意思相近的句子", "similar sentence"),
        "model" => lang.t("模型判断", "by a model"),
        "measure" => lang.t("测量值", "measured"),
        _ => lang.t("缺失", "missing"),
    }
}

/// Name of a role at the telephone.
pub(crate) fn speaker(lang: Lang, name: &str) -> &'static str {
    match name {
        "agent" => lang.t("坐席", "agent"),
        "customer" => lang.t("客户", "customer"),
        _ => lang.t("未知", "unknown"),
    }
}

/// Name of a role in the console.
pub(crate) fn role(lang: Lang, role: callsift_reviews::Role) -> &'static str {
    use callsift_reviews::Role;
    match role {
        Role::Admin => lang.t("管理员", "admin"),
        Role::Manager => lang.t("经理", "manager"),
        Role::Lead => lang.t("主管", "lead"),
        Role::Reviewer => lang.t("质检员", "reviewer"),
        Role::TeamLead => lang.t("班长", "team lead"),
        Role::Agent => lang.t("坐席", "agent"),
    }
}

/// Name of a category of rules; its own where it is none of the pack's.
pub(crate) fn category(lang: Lang, name: &str) -> &str {
    match name {
        "opening" => lang.t("开场", "opening"),
        "language" => lang.t("用语", "language"),
        "attitude" => lang.t("态度", "attitude"),
        "order" => lang.t("订单", "order"),
        "process" => lang.t("流程", "process"),
        "complaint" => lang.t("投诉", "complaint"),
        "closing" => lang.t("结束", "closing"),
        other => other,
    }
}
