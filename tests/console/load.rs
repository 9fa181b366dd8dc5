//! One person's appetite is that person's affair.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::Console;

/// Connections that begin and never end what they ask.
const HALF: usize = 200;
/// What one person asks for at once.
const STREAMS: usize = 270;
/// From one address (`connections::MOST_OF_ADDRESS`).
const MOST_OF_ADDRESS: usize = 480;

fn open(address: &str, sent: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let _ = stream.write_all(sent);
    stream
}

/// Memory of a process, MB.
fn memory_mb(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let kb = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    kb.trim().split(' ').next().unwrap().parse::<usize>().unwrap() / 1024
}

#[test]
fn a_flood_keeps_nobody_out() {
    let console = Console::start();
    let (greedy, other) = (console.login("zhijian"), console.login("zhuguan"));
    let address = console.base.trim_start_matches("http://").to_owned();
    let body = b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 9\r\n\r\nna";
    // Nothing at all, half a head, the beginning of HTTP/2, half a body.
    let beginnings: [&[u8]; 4] = [b"", b"GET /login HTTP/1.1\r\nhost: x", b"PRI * HTTP/2", body];
    let half: Vec<TcpStream> = (0..HALF).map(|i| open(&address, beginnings[i % beginnings.len()])).collect();
    let begun = Instant::now();
    let ask = format!("GET /calls/c05/waveform.svg HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", greedy.cookie);
    let streams: Vec<TcpStream> = (0..STREAMS).map(|_| open(&address, ask.as_bytes())).collect();
    let works = || {
        let asked = Instant::now();
        assert_eq!(other.get("/queue").status, 200);
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    };
    works();
    // Somebody else's sound comes, too, while one person asks for everything.
    assert_eq!(other.get("/calls/c05/waveform.svg").status, 200);
    // Beyond its share an address is sent away at once.
    let more: Vec<TcpStream> = (0..MOST_OF_ADDRESS - HALF - STREAMS + 20).map(|_| open(&address, b"")).collect();
    let refused = more.iter().rev().take(10).filter(|stream| {
        let mut stream = *stream;
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        matches!(stream.read(&mut [0]), Ok(0))
            || stream.read(&mut [0]).is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset)
    });
    assert!(refused.count() >= 5, "more connections than an address may have");
    drop(more);
    for mut stream in streams {
        let _ = stream.read(&mut [0; 16]);
    }
    works();
    let used = memory_mb(console.child.id());
    assert!(used < 700, "{used} MB");
    for (i, mut stream) in half.into_iter().enumerate() {
        let ended = stream.read_to_end(&mut Vec::new());
        let closed = ended.is_ok() || ended.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset);
        assert!(closed && begun.elapsed() < Duration::from_mins(1), "connection {i} stays: {:?}", beginnings[i % 4]);
    }
    works();
}
