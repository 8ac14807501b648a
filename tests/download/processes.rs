//! Downloads in other processes: concurrent, killed, and with a different environment.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use mkimage::base::{BaseRequest, Catalog, Connection, ObtainOptions, Sha256, obtain};
use mkimage::progress::Silent;
use url::Url;

use crate::fixture::{Cache, Messages, image, read_all};
use test_support::server::{Request, Served, Server};

/// Environment variable with the URL for [`download_in_child_process`].
const URL: &str = "MKIMAGE_TEST_URL";

fn child_process(url: &Url, cache: &Cache) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "processes::download_in_child_process", "--nocapture"])
        .env(URL, url.as_str())
        .env("MKIMAGE_CACHE_DIR", cache.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// A child that is killed if the test fails.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Downloads [`image`] into the default cache folder, from the URL in the environment or from its own server.
#[test]
fn download_in_child_process() {
    let server = Server::start(|request| Served::new(&image(), "a").answer(request));
    let mut cache = Cache::new();
    let (url, folder) = if let Ok(url) = std::env::var(URL) {
        cache.use_proxy = true;
        (
            Url::parse(&url).unwrap(),
            mkimage::base::default_cache_dir().unwrap(),
        )
    } else {
        (server.url("a.img"), cache.path().to_owned())
    };
    let options = ObtainOptions {
        on_event: None,
        cache_dir: folder,
        catalog: &Catalog::built_in().unwrap(),
        publisher: &cache.publisher,
        allow_unsigned: false,
        offline: false,
        progress: &Silent,
        connection: Connection {
            use_proxy: cache.use_proxy,
            ..Connection::default()
        },
    };
    let sha256 = Sha256::of(&image());
    obtain(&BaseRequest::Url { url, sha256 }, &options).unwrap();
}

#[test]
fn a_waiting_process_takes_over_from_one_that_was_killed() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let file = Served::new(&bytes, "a");
    let server = Server::start(move |request| match request.number {
        0 => file.answer(request).stall_after(100_000),
        _ => file.answer(request),
    });
    let url = server.url("a.img");
    let cache = Cache::new();
    let mut child = KillOnDrop(child_process(&url, &cache).env("NO_PROXY", "*").spawn().unwrap());
    let part = cache.part(sha256);
    while fs::metadata(&part).map_or(0, |metadata| metadata.len()) < 100_000 {
        assert!(
            child.0.try_wait().unwrap().is_none(),
            "the first process must not end by itself"
        );
        thread::sleep(Duration::from_millis(10));
    }

    let (waiting, is_waiting) = channel();
    let messages = Messages::sent_to(waiting);
    thread::scope(|scope| {
        let second = scope.spawn(|| read_all(&cache.get_with(&url, sha256, &messages).unwrap()));
        assert!(is_waiting.recv().unwrap().contains("waiting for it"));
        child.0.kill().unwrap();
        assert_eq!(second.join().unwrap(), bytes);
    });
    let asked: Vec<_> = server.requests().iter().map(Request::range_start).collect();
    assert_eq!(asked, [None, Some(100_000)]);
    assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
}

#[test]
fn several_processes_share_one_download() {
    let sha256 = Sha256::of(&image());
    let server = Server::start(|request| Served::new(&image(), "a").answer(request));
    let cache = Cache::new();
    let url = server.url("a.img");
    let children: Vec<_> = (0..3)
        .map(|_| KillOnDrop(child_process(&url, &cache).env("NO_PROXY", "*").spawn().unwrap()))
        .collect();
    for mut child in children {
        assert!(child.0.wait().unwrap().success());
    }
    assert_eq!(server.requests().len(), 1);
    assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
}

#[test]
fn the_proxy_in_the_environment_is_used() {
    let proxy = Server::start(|request| Served::new(&image(), "a").answer(request));
    let cache = Cache::new();
    let url = Url::parse("http://images.invalid/a.img").unwrap();
    let mut command = child_process(&url, &cache);
    for variable in [
        "HTTP_PROXY",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
        "REQUEST_METHOD",
    ] {
        command.env_remove(variable);
    }
    command.env("http_proxy", proxy.url("").as_str());
    assert!(command.status().unwrap().success());
    assert_eq!(proxy.requests()[0].target, "http://images.invalid/a.img");
}
