//! Starting and stopping: addresses, TLS, headers, following the lake.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum_server::Handle;
use callsift_reviews::{Db, private};
use callsift_rules::RuleSet;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::addresses::Addresses;
use crate::app::{App, CATALOG, SOUND, Shared, catalog_path, now_us};
use crate::catalog;
use crate::connections::{Bounded, Places};
use crate::error::ConsoleError;
use crate::options::ConsoleOptions;
use crate::{auth, figures, notify, pages};

/// A copy of the reviews that could not be made is tried again after so long.
const AGAIN: Duration = Duration::from_hours(1);
/// The lake is looked at again after so long.
const FOLLOW: Duration = Duration::from_mins(1);
/// Pages that are being made get so long when the console stops.
const GRACE: Duration = Duration::from_secs(10);
/// A request is to arrive within so long, and a connection may rest so long before the next one.
const HEAD: Duration = Duration::from_secs(15);
/// Requests at once on one connection; browsers ask for a dozen.
const STREAMS: u32 = 32;
/// Longest form: 8,000 Chinese characters to try a rule on are 72,000 bytes in it.
const MOST_BYTES: usize = 256 * 1024;

/// Serves until the process is told to stop. `ready` gets the address once it is open; `progress` parts read and parts in all.
///
/// # Errors
/// The lake cannot be read, the address is taken or unprotected, the certificate is none.
pub fn serve(
    options: ConsoleOptions,
    rules: RuleSet,
    progress: impl FnMut(usize, usize),
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ConsoleError> {
    options.check()?;
    // Makes the folder, too. The hold ends with the process.
    let held = callsift_reviews::hold(&options.data)?;
    let mut db = Db::open_whole(&options.data)?;
    if let Some(own) = &options.own_items {
        let content = serde_json::to_string(own).map_err(|e| ConsoleError::Option(e.to_string()))?;
        db.keep_sheet(&own.version, &content, now_us())?;
    }
    let addresses = Addresses::new(db.address_key()?);
    drop(db);
    let app = Arc::new(App::new(options, rules, addresses)?);
    warn_of_open_files(&app.options.data);
    let mut conn = catalog::open(&catalog_path(&app.options.data))?;
    // Nobody waits at the start for an order that is right already but for the last verdicts.
    update(&app, &mut conn, progress, false)?;
    follow(Arc::clone(&app), conn);
    notify::start(Arc::clone(&app));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(ConsoleError::io("cannot start threads for", &app.options.data))?;
    let served = runtime.block_on(listen(app, ready));
    drop(held);
    served
}

/// Names what others on this machine may read: it was made before, or opened by hand.
fn warn_of_open_files(data: &Path) {
    let names = ["", Db::FILE, CATALOG, SOUND].map(|name| data.join(name));
    for path in private::open_to_others(&names) {
        let mode = if path.is_dir() { "700" } else { "600" };
        complain(&ConsoleError::Option(format!(
            "others on this machine may read {0}; close it with: chmod {mode} {0}",
            path.display()
        )));
    }
}

/// Reads what is new in the lake, and puts the queue in the order that lake and verdicts give.
fn update(
    app: &App,
    conn: &mut rusqlite::Connection,
    progress: impl FnMut(usize, usize),
    rank_anew: bool,
) -> Result<(), ConsoleError> {
    catalog::sync(conn, &app.options.lake, &app.options.unit_field, progress)?;
    app.addresses.enter(conn)?;
    let mut db = Db::open_in(&app.options.data)?;
    match db.clamp(now_us()) {
        // Where the disk is full, reading goes on.
        Err(e) if e.is_no_room() => {}
        clamped => drop(clamped?),
    }
    let records = figures::records(&db)?;
    Ok(catalog::rank(conn, &records, rank_anew)?)
}

/// Copies the reviews database, once a day of the centre.
fn keep_copy(app: &App) -> Result<(), ConsoleError> {
    let at_us = now_us() + i64::from(app.options.utc_offset_s) * 1_000_000;
    let data = &app.options.data;
    Db::open_in(data)?.nightly(data, at_us, app.options.backups)?;
    Ok(())
}

/// Follows the lake on a thread of its own. A part that cannot be read is tried again the next time.
fn follow(app: Shared, mut conn: rusqlite::Connection) {
    let work = move || {
        let mut failed = None::<Instant>;
        loop {
            if failed.is_none_or(|at| at.elapsed() >= AGAIN) {
                failed = keep_copy(&app).err().map(|e| {
                    complain(&e);
                    Instant::now()
                });
            }
            std::thread::sleep(FOLLOW);
            if let Err(e) = update(&app, &mut conn, |_, _| {}, true) {
                complain(&e);
            }
        }
    };
    // Without the thread the console shows what there was when it started, which `complain` says.
    if let Err(e) = std::thread::Builder::new().name("follow".to_owned()).spawn(work) {
        complain(&ConsoleError::Option(format!("the lake is not followed: {e}")));
    }
}

async fn listen(app: Shared, ready: impl FnOnce(SocketAddr)) -> Result<(), ConsoleError> {
    let address = app.options.address;
    let taken = |e: std::io::Error| ConsoleError::Option(format!("cannot listen on {address}: {e}"));
    let listener = std::net::TcpListener::bind(address).map_err(taken)?;
    listener.set_nonblocking(true).map_err(taken)?;
    let bound = listener.local_addr().map_err(taken)?;
    let handle = Handle::new();
    tokio::spawn(stop(handle.clone()));
    let tls = app.options.tls.clone();
    let places = Places::new(app.options.insecure);
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let done = match tls {
        None => {
            ready(bound);
            let server = axum_server::from_tcp(listener).map_err(taken)?.handle(handle);
            let mut server = server.map(|inner| Bounded { inner, places, begins_within: HEAD });
            bound_connections(server.http_builder());
            server.serve(service).await
        }
        Some(tls) => {
            // Only fails where a provider is set already, and then there is one.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let config = axum_server::tls_rustls::RustlsConfig::from_pem_file(&tls.cert, &tls.key).await;
            let config = config.map_err(|e| ConsoleError::Tls(e.to_string()))?;
            ready(bound);
            let server = axum_server::from_tcp_rustls(listener, config).map_err(taken)?.handle(handle);
            let mut server = server.map(|inner| Bounded { inner, places, begins_within: HEAD });
            bound_connections(server.http_builder());
            server.serve(service).await
        }
    };
    done.map_err(taken)
}

/// Connections that ask for nothing end, and one connection does not ask for everything at once.
fn bound_connections(builder: &mut Builder<TokioExecutor>) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS).max_header_list_size(16 * 1024);
    builder.http2().keep_alive_interval(HEAD).keep_alive_timeout(HEAD);
}

/// Waits for an interrupt or a polite end, then lets open pages finish.
async fn stop(handle: Handle<SocketAddr>) {
    let mut end = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    let ended = async {
        match end.as_mut() {
            Some(end) => end.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = ended => {}
    }
    handle.graceful_shutdown(Some(GRACE));
}

fn router(app: Shared) -> Router {
    pages::routes()
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(RequestBodyTimeoutLayer::new(HEAD))
        .layer(middleware::from_fn(auth::same_origin))
        .layer(middleware::map_response(plain_text))
        .layer(middleware::map_response_with_state(app.options.tls.is_some(), headers))
        .with_state(app)
}

/// Pages and data without characters that steer what shows them: ids, names and words come from other systems.
async fn plain_text(response: Response) -> Response {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let show: fn(&str) -> Cow<'_, str> = match kind.split(';').next().unwrap_or("").trim() {
        "text/html" | "text/plain" | "text/csv" => callsift_core::visible,
        "application/json" => callsift_core::visible_json,
        _ => return response,
    };
    let (mut parts, body) = response.into_parts();
    // Bodies of pages are in memory already.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let shown = std::str::from_utf8(&bytes).map(show);
    match shown {
        Ok(Cow::Owned(text)) => {
            parts.headers.remove(CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(text))
        }
        _ => Response::from_parts(parts, Body::from(bytes)),
    }
}

/// Security headers on whatever is sent. Scripts and styles come from this server's own files only; nothing is framed.
async fn headers(State(tls): State<bool>, mut response: Response) -> Response {
    const HEADERS: [(&str, &str); 7] = [
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; \
             connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ];
    let map = response.headers_mut();
    if tls {
        // Half a year; browsers heed it only where they trust the certificate.
        map.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=15552000"));
    }
    for (name, value) in HEADERS {
        map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // Calls are nobody's business but the reader's: not kept on disks of browsers and proxies. Pictures and scripts say so themselves.
    map.entry("cache-control").or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Says on the error stream what no page tells.
#[expect(clippy::print_stderr, reason = "the only log of a server that somebody started by hand or as a service")]
pub(crate) fn complain(e: &ConsoleError) {
    eprintln!("console: {}", callsift_core::visible_line(&e.to_string()));
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::extract::State;
    use axum::http::header::CONTENT_TYPE;
    use axum::response::{Html, IntoResponse};

    #[tokio::test]
    async fn nothing_that_steers_is_sent() {
        let text = |response: axum::response::Response| async move {
            let bytes = to_bytes(super::plain_text(response).await.into_body(), usize::MAX).await.unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        assert_eq!(
            text(Html("<p>a\u{1b}[31m\0\u{202e}</p>\n").into_response()).await,
            "<p>a\u{241b}[31m\u{2400}\u{fffd}</p>\n"
        );
        assert_eq!(text(([(CONTENT_TYPE, "application/json")], "\"\u{9b}\"").into_response()).await, "\"\\u009b\"");
        // Sound is sent as it is.
        assert_eq!(text(([(CONTENT_TYPE, "audio/wav")], "\u{1b}").into_response()).await, "\u{1b}");
    }

    #[tokio::test]
    async fn browsers_are_told_to_come_back_with_tls_only_where_there_is_some() {
        for tls in [false, true] {
            let sent = super::headers(State(tls), "x".into_response()).await;
            assert_eq!(sent.headers().contains_key("strict-transport-security"), tls);
            assert!(sent.headers().contains_key("content-security-policy"));
        }
    }
}
