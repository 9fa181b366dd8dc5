//! What became of the call that a person comes from, said on the page after it.

use std::collections::BTreeMap;

use callsift_reviews::{Db, Form};
use maud::{Markup, html};

use crate::addresses::call_of;
use crate::auth::Person;
use crate::page_error::PageError;
use crate::pages::call::{find, slot};
use crate::pages::parts::call_name;
use crate::pages::points;

/// The call that a person comes from.
#[derive(Debug)]
pub(crate) struct Notice {
    call_id: String,
    /// What the person handed in; nothing where it was left as it is.
    form: Option<Form>,
}

impl Notice {
    /// Of an address that `?done=` or `?left=` was added to; nothing where it is not so.
    pub(crate) fn read(db: &Db, person: &Person, query: &BTreeMap<String, String>) -> Result<Option<Self>, PageError> {
        if !person.is_staff() {
            return Ok(None);
        }
        let of = |name: &str| {
            let handle = query.get(name).filter(|handle| !handle.is_empty());
            handle.map_or(Ok(None), |handle| call_of(db, person, handle))
        };
        if let Some(call_id) = of("done")? {
            let Ok(call) = find(db, person, &call_id) else { return Ok(None) };
            let form = db.form_of(&call.call_id, slot(db, person, &call_id)?)?;
            return Ok(form.filter(|f| f.user_id == person.user().id).map(|f| Self { call_id, form: Some(f) }));
        }
        let Some(call_id) = of("left")? else { return Ok(None) };
        let begun = !db.drafts(person.user().id, Some(&call_id))?.is_empty();
        Ok(begun.then_some(Self { call_id, form: None }))
    }

    pub(crate) fn show(&self, person: &Person) -> Markup {
        let l = person.lang;
        let name = html! { a href=(person.call_url(&self.call_id)) { (call_name(person, &self.call_id)) } };
        html! {
            p.notice role="status" {
                @match &self.form {
                    Some(f) => { (name) " " b { (l.t("已提交 ", "submitted: ")) (points(f.score)) (l.t(" 分", "")) }
                        (l.t("。需要修改可点开重新提交。", ". Open it to correct and submit it again.")) }
                    None => { (name) (l.t(" 的复核还没有提交，判断和填写都已保存。点开可以接着做，也可以在“我的任务”里找到。",
                        " is not submitted; verdicts and what was typed are kept. Open it to go on, or find it under My Tasks.")) }
                }
            }
        }
    }
}
