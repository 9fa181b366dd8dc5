//! `callsift console`: the web console.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use callsift_console::{ConsoleOptions, Labeller, Notify, OwnItems, Tls, figures, now_us, serve};
use callsift_core::Turn;
use callsift_objects::{LakeMirror, is_address};
use callsift_pipeline::Config;
use callsift_pipeline::metadata::offset_s;
use callsift_reviews::{Db, NewUser, Role};
use callsift_sentiment::TextClassifier;

use crate::args::ConsoleArgs;
use crate::commands::sample;
use crate::exit::Exit;
use crate::output::{emit, note};
use crate::place::{self, Held};
use crate::{input, lake, load, rule_folder};

/// Serves until it is told to stop.
pub fn run(mut args: ConsoleArgs) -> Result<Exit> {
    let mut held = follow(&mut args)?;
    let args = &args;
    lake::check(&args.data.lake)?;
    for (option, path) in [
        ("--recordings", &args.recordings),
        ("--tls-cert", &args.tls_cert),
        ("--tls-key", &args.tls_key),
        ("--form-items", &args.form_items),
        ("--notify-secret", &args.notify_secret),
    ] {
        input::file(option, path.as_deref())?;
    }
    let rules = match (&args.rules.rules, &args.rules.profile) {
        (rules, None) => rule_folder::all(rules.as_deref())?,
        _ => rule_folder::load(&args.rules)?,
    };
    let tls = args.tls_cert.clone().zip(args.tls_key.clone()).map(|(cert, key)| Tls { cert, key });
    let scheme = if tls.is_some() { "https" } else { "http" };
    let config = load::config(&args.config)?;
    let options = ConsoleOptions {
        lake: args.data.lake.clone(),
        data: args.data.folder(),
        recordings: args.recordings.clone(),
        address: args.listen,
        tls,
        insecure: args.insecure,
        unit_field: args.unit_field.clone(),
        utc_offset_s: offset_s(&config.metadata.utc_offset)?,
        audio: config.audio.clone(),
        eval: config.rules,
        claim_minutes: i64::from(args.claim_minutes),
        backups: usize::from(args.backups),
        proven: args.proven_listening,
        own_items: args.form_items.as_deref().map(own_items).transpose()?,
        notify: notify(args)?,
        sampler: Some(sample::sampler(&args.data, &args.unit_field, &config.metadata.utc_offset)),
        labeller: labeller(&config),
    };
    options.check()?;
    first_users(&options, args.first_users.as_deref())?;
    let progress = |done: usize, all: usize| {
        if done == all || done.is_multiple_of(50) {
            note(&format!("reading the lake: {done} of {all} parts"));
        }
    };
    let ready = |address| {
        emit(&format!("质检台 console: {scheme}://{address}/\n"));
        note("Ctrl-C ends it");
    };
    if let Some(lake) = held.take_lake() {
        thread::Builder::new().name("mirror".to_owned()).spawn(move || keep_fresh(lake))?;
    }
    serve(options, rules, progress, ready)?;
    Ok(Exit::Done)
}

fn own_items(path: &Path) -> Result<OwnItems> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    OwnItems::parse(&text).with_context(|| format!("--form-items {}", path.display()))
}

/// Shortest secret: whoever guesses it could make up faults.
const SECRET_CHARS: usize = 16;

/// Who is told of what is raised.
fn notify(args: &ConsoleArgs) -> Result<Option<Notify>> {
    let Some((url, file)) = args.notify_url.clone().zip(args.notify_secret.as_deref()) else { return Ok(None) };
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        bail!("--notify-url is an address with http:// or https://, not {url}");
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let secret = text.trim().to_owned();
    if secret.len() < SECRET_CHARS {
        bail!("the secret in {} is shorter than {SECRET_CHARS} characters", file.display());
    }
    Ok(Some(Notify { url, secret }))
}

/// Puts mirrors in the place of addresses. What people say stays on this machine: it is no part of a lake that is
/// made again.
fn follow(args: &mut ConsoleArgs) -> Result<Held> {
    if is_address(&args.data.lake) && args.data.data.is_none() {
        bail!("the lake lies in object storage; name a folder of this machine for the reviews database: --data DIR");
    }
    let mut held = place::to_show(&mut args.data.lake)?;
    place::folder(&mut held, &mut args.recordings)?;
    Ok(held)
}

/// Looks for new calls as long as the console runs.
fn keep_fresh(mut lake: LakeMirror) {
    loop {
        thread::sleep(REFRESH);
        if let Err(why) = lake.refresh() {
            note(&format!("警告：{why}"));
        }
    }
}

/// How often a lake in object storage is looked at.
const REFRESH: Duration = Duration::from_secs(30);

/// The text model, where there is one that works: the console shows what was found without it, too.
fn labeller(config: &Config) -> Option<Arc<dyn Labeller>> {
    let load = || load::text_model(config)?.map(|folder| Labels::load(&folder)).transpose();
    load().unwrap_or_else(|e| {
        note(&format!("rules are tried without the text model: {e:#}"));
        None
    })
}

/// The text model, one text at a time.
#[derive(Debug)]
struct Labels(Mutex<TextClassifier>);

impl Labels {
    fn load(folder: &Path) -> Result<Arc<dyn Labeller>> {
        Ok(Arc::new(Self(Mutex::new(TextClassifier::load(folder)?))))
    }
}

impl Labeller for Labels {
    fn label(&self, turns: &mut [Turn]) -> Result<(), String> {
        // A panic while it was held says nothing of the next text.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).label(turns).map_err(|e| e.to_string())
    }
}

/// The team of an agent, by the newest call with one.
fn unit_of(options: &ConsoleOptions, agent: &str) -> Result<Option<String>> {
    let db = figures::open(&options.lake, &options.data, &options.unit_field, false, |_, _| {})?;
    Ok(figures::unit_of(&db, agent)?)
}

/// One of each role where there is nobody; says what to do where nobody is wanted.
fn first_users(options: &ConsoleOptions, agent: Option<&str>) -> Result<()> {
    let mut db = Db::open_whole(&options.data)?;
    let people = db.users()?;
    if !people.is_empty() {
        return Ok(());
    }
    let Some(agent) = agent else {
        note("nobody can log in yet: add people with `callsift users add`, or start with --first-users AGENT");
        return Ok(());
    };
    emit("首批用户（密码只显示这一次） · first users, passwords shown only now\n");
    let first = [
        ("admin", "管理员", Role::Admin),
        ("zhuguan", "主管", Role::Lead),
        ("zhijian", "质检员", Role::Reviewer),
        ("zuoxi", "坐席", Role::Agent),
        ("jingli", "经理", Role::Manager),
    ];
    let unit = unit_of(options, agent)?;
    let team = unit.iter().map(|_| ("banzhang", "班长", Role::TeamLead));
    for (name, display, role) in first.into_iter().chain(team) {
        let agent_id = (role == Role::Agent).then(|| agent.to_owned());
        let unit = unit.clone().filter(|_| role == Role::TeamLead);
        let may_see_numbers = role == Role::Admin;
        let user =
            NewUser { name: name.to_owned(), display: display.to_owned(), role, agent_id, unit, may_see_numbers };
        let password = db.enrol(&user, now_us())?;
        emit(&format!("  {name:<8} {password}  {display}\n"));
    }
    Ok(())
}
