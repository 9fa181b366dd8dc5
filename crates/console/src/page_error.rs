//! What a page says when it cannot be shown.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use callsift_reviews::{Invalid, ReviewsError, TooLate};
use maud::html;

use crate::error::ConsoleError;
use crate::pages::layout;

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum PageError {
    /// Nobody is logged in.
    Login(String),
    /// Not for this person; also said where the thing does not exist, so that nobody learns what does.
    NotFound,
    /// The form did not come from this console's own page, or the page is too old.
    Forged,
    /// Somebody else was quicker.
    Conflict(String),
    /// What was sent makes no sense.
    Bad(String),
    /// Too many attempts; wait so many seconds.
    Slow(u64),
    /// The disk takes nothing more.
    NoRoom(ConsoleError),
    /// Our fault, or the disk's.
    Internal(ConsoleError),
}

impl From<ConsoleError> for PageError {
    fn from(e: ConsoleError) -> Self {
        match e {
            ConsoleError::Reviews(e) => e.into(),
            e => Self::Internal(e),
        }
    }
}

impl From<rust_xlsxwriter::XlsxError> for PageError {
    fn from(e: rust_xlsxwriter::XlsxError) -> Self {
        Self::Internal(e.into())
    }
}

impl From<rusqlite::Error> for PageError {
    fn from(e: rusqlite::Error) -> Self {
        Self::Internal(e.into())
    }
}

impl From<ReviewsError> for PageError {
    fn from(e: ReviewsError) -> Self {
        match e {
            ReviewsError::Claimed { by, .. } => Self::Conflict(format!("{by} 正在复核这通电话 · {by} is at this call")),
            ReviewsError::NotClaimed => {
                Self::Conflict("复核已超时释放，请重新打开这通电话 · the claim ran out; open the call again".to_owned())
            }
            ReviewsError::Overtaken { by } => {
                Self::Conflict(format!("{by} 已先作出判断，请刷新 · {by} was quicker; reload the page"))
            }
            ReviewsError::TooLate(what) => Self::Conflict(format!("{} · {what}", too_late(what))),
            ReviewsError::Invalid(what) => Self::Bad(format!("{} · {what}", invalid(&what))),
            ReviewsError::Missing(_) => Self::NotFound,
            e if e.is_no_room() => Self::NoRoom(e.into()),
            e => Self::Internal(e.into()),
        }
    }
}

/// The reviews crate speaks English; its few refusals in Chinese.
fn too_late(what: TooLate) -> &'static str {
    match what {
        TooLate::UnderAppeal => "已有申诉，只有裁定能改变结论",
        TooLate::NotConfirmed => "只有属实的判断可以申诉，且只能一次",
        TooLate::Appealed => "已经申诉过",
        TooLate::Changing => "复核员正在修改这项判断，请等重新提交后再申诉",
        TooLate::TimeOver => "申诉期限已过",
        TooLate::Decided => "申诉已裁定",
        TooLate::Submitted => "这份分析表已提交，请刷新",
        TooLate::SummaryDecided => "这份分析表已处理，请刷新",
    }
}

fn invalid(what: &Invalid) -> String {
    match what {
        Invalid::NameMissing => "请填写登录名".to_owned(),
        Invalid::NameTaken(name) => format!("登录名 {name} 已有人使用"),
        Invalid::AgentNumber(name) => format!("坐席 {name} 需要工号"),
        Invalid::SheetVersion(version) => format!("监控记录表项目的版本 {version} 已有别的内容"),
        Invalid::NoReviewer(name) => format!("{name} 不复核通话"),
        Invalid::SameWords => "和识别的一样，没有改动".to_owned(),
        Invalid::Lesson => "案例要有标题和起止时间".to_owned(),
        Invalid::AckRemark => "请写明怎么处理的".to_owned(),
        Invalid::Unit(name) => format!("班长 {name} 需要班组"),
        Invalid::ReturnReason => "退回请写明原因".to_owned(),
        Invalid::OwnSummary => "不能审批自己提交的分析表".to_owned(),
        Invalid::PasswordShort { min } => format!("密码至少 {min} 个字符"),
        Invalid::Score => "得分应在 0 到 100 之间".to_owned(),
        Invalid::AppealReason => "请写明申诉理由".to_owned(),
        Invalid::Cause => "只有误报和存疑才有原因".to_owned(),
        Invalid::DecisionReason => "请写明裁定理由".to_owned(),
    }
}

impl PageError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Login(_) => StatusCode::SEE_OTHER,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forged => StatusCode::FORBIDDEN,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Slow(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NoRoom(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Login(_) => String::new(),
            Self::NotFound => "没有这一页，或无权查看 · no such page, or not for you".to_owned(),
            Self::Forged => "页面已过期，请返回刷新后重试 · the page is too old; go back and reload".to_owned(),
            Self::Conflict(text) | Self::Bad(text) => text.clone(),
            Self::Slow(s) => format!("尝试次数过多，请 {s} 秒后再试 · too many attempts; wait {s} s"),
            Self::NoRoom(_) => "没有保存：服务器磁盘已满或无法写入。已保存的内容不受影响，可以继续查看；请联系管理员腾出空间后再提交 · \
                                nothing was saved: the server's disk is full or refuses. What was saved before is safe and can \
                                be read; tell the administrator and send it again"
                .to_owned(),
            // What exactly failed is for the log, not for whoever asks.
            Self::Internal(_) => "系统出错，请联系管理员 · something failed here; tell the administrator".to_owned(),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Self::Login(next) = &self {
            return Redirect::to(&format!("/login?next={}", crate::pages::url(next))).into_response();
        }
        if let Self::Internal(e) | Self::NoRoom(e) = &self {
            crate::serve::complain(e);
        }
        let (status, text) = (self.status(), self.text());
        let body = html! {
            main.narrow {
                h1 { (status.as_u16()) }
                p { (text) }
                p { a href="/" { "返回首页 · home" } }
            }
        };
        (status, layout::bare(&text, &body)).into_response()
    }
}
