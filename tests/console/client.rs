//! A visitor without a browser: cookies, forms, raw addresses.

use ureq::Agent;
use ureq::http::Response;

/// An answer: status, headers, text.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }

    /// The text of the page.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Somebody with a cookie.
pub struct Client {
    agent: Agent,
    base: String,
    pub cookie: String,
    pub csrf: String,
}

impl Client {
    pub fn new(base: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        Self { agent: config.into(), base: base.to_owned(), cookie: String::new(), csrf: String::new() }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.call().unwrap())
    }

    /// Chooses the language of the pages: `zh` or `en`.
    pub fn reads(&mut self, lang: &str) {
        let answer = self.post("/language", &[("lang", lang)]);
        let chosen = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let session = self.cookie.split("; ").next().unwrap();
        self.cookie = format!("{session}; {chosen}");
    }

    /// Sends a form with the session's own token.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let all = [&[("csrf", self.csrf.as_str())], fields].concat();
        self.post_raw(path, &all, &[])
    }

    /// Sends a form as it is.
    pub fn post_raw(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.send_form(fields.iter().copied()).unwrap())
    }

    /// The same to a console that may be gone: nothing where it did not answer to the end.
    pub fn try_post(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Option<Answer> {
        let mut request = self.agent.post(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send_form(fields.iter().copied()).ok()?;
        let body = response.body_mut().read_to_vec().ok()?;
        Some(Answer { body, ..answer(response) })
    }

    /// Logs in and learns the token that forms carry.
    pub fn login(&mut self, name: &str, password: &str) -> Answer {
        let answer = self.post_raw("/login", &[("name", name), ("password", password)], &[]);
        let set = answer.header("set-cookie");
        if let Some(cookie) = set.split(';').next().filter(|c| c.starts_with("callsift=")) {
            cookie.clone_into(&mut self.cookie);
            self.csrf = field(&self.get("/account").text(), "csrf");
        }
        answer
    }
}

/// The value of a hidden field of a page.
pub fn field(page: &str, name: &str) -> String {
    let at = page.find(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no field {name} in {page}"));
    page[at..].split('"').nth(3).unwrap().to_owned()
}

fn answer(mut response: Response<ureq::Body>) -> Answer {
    let headers = response.headers().iter();
    let headers = headers.map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect();
    Answer { status: response.status().as_u16(), headers, body: response.body_mut().read_to_vec().unwrap_or_default() }
}
