//! The WebDriver protocol, as far as it is needed, straight to `WebKitWebDriver`. Its server speaks
//! HTTP/1.1 on the loopback, and a request a connection is enough, so no HTTP library takes part.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{server::free_port, wait};

/// The name under which the protocol hands out an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// An element of the selected window's page.
pub(crate) struct Element(String);

impl Element {
    pub(crate) fn from(value: &Value) -> Option<Self> {
        value[ELEMENT].as_str().map(|id| Self(id.to_owned()))
    }
}

/// A key, by itself or with Ctrl.
#[derive(Clone, Copy)]
pub(crate) enum Keys {
    Escape,
    Enter,
    Down,
    Delete,
    Letter(char),
    Control(char),
}

/// The driver's process and its one session.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    session: String,
}

impl Driver {
    pub(crate) fn start(program: &str, arguments: &[&str], variables: &[(&str, String)]) -> Self {
        let port = free_port();
        let process = Command::new("WebKitWebDriver")
            .args([format!("--port={port}"), "--host=127.0.0.1".to_owned()])
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .stdout(Stdio::null())
            // Driver and program are one group, so that both can be ended together.
            .process_group(0)
            .spawn()
            .expect("webkit2gtk-driver is installed");
        let mut driver = Self { process, port, session: String::new() };
        wait("the driver", || TcpStream::connect(("127.0.0.1", port)).ok());
        let options = json!({ "binary": program, "args": arguments });
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": options } } });
        let answer = driver.call("POST", "", Some(&wanted)).expect("the program starts");
        answer["sessionId"].as_str().expect("a session").clone_into(&mut driver.session);
        driver
    }

    pub(crate) fn windows(&self) -> Vec<String> {
        let answer = self.get("/window/handles").unwrap_or_default();
        let handles = answer.as_array().cloned().unwrap_or_default();
        handles.iter().filter_map(|handle| handle.as_str().map(str::to_owned)).collect()
    }

    pub(crate) fn select(&self, handle: &str) -> bool {
        self.post("/window", &json!({ "handle": handle })).is_some()
    }

    pub(crate) fn url(&self) -> Option<String> {
        self.get("/url")?.as_str().map(str::to_owned)
    }

    pub(crate) fn find(&self, css: &str) -> Vec<Element> {
        let wanted = json!({ "using": "css selector", "value": css });
        let found = self.post("/elements", &wanted).unwrap_or_default();
        found.as_array().into_iter().flatten().filter_map(Element::from).collect()
    }

    pub(crate) fn click(&self, element: &Element) -> bool {
        self.post(&format!("/element/{}/click", element.0), &json!({})).is_some()
    }

    pub(crate) fn clear(&self, element: &Element) -> bool {
        self.post(&format!("/element/{}/clear", element.0), &json!({})).is_some()
    }

    pub(crate) fn type_into(&self, element: &Element, text: &str) -> bool {
        self.post(&format!("/element/{}/value", element.0), &json!({ "text": text })).is_some()
    }

    pub(crate) fn script(&self, script: &str, arguments: &[Value]) -> Value {
        let body = json!({ "script": script, "args": arguments });
        self.post("/execute/sync", &body).unwrap_or_default()
    }

    pub(crate) fn keys(&self, keys: &[Keys]) {
        let actions: Vec<Value> = keys.iter().copied().flat_map(strokes).collect();
        let source = json!({ "type": "key", "id": "keyboard", "actions": actions });
        let done = self.post("/actions", &json!({ "actions": [source] }));
        assert!(done.is_some(), "the driver did not type");
    }

    /// Presses the pointer at one place of the page, in CSS pixels, and lets go at another.
    pub(crate) fn drag(&self, from: (f64, f64), to: (f64, f64)) {
        let at = |(x, y): (f64, f64)| json!({ "type": "pointerMove", "duration": 50, "x": x.round(), "y": y.round() });
        let middle = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
        let actions = [
            at(from),
            json!({ "type": "pointerDown", "button": 0 }),
            at(middle),
            at(to),
            json!({ "type": "pointerUp", "button": 0 }),
        ];
        let source = json!({ "type": "pointer", "id": "pointer", "actions": actions });
        let done = self.post("/actions", &json!({ "actions": [source] }));
        assert!(done.is_some(), "the driver did not drag");
    }

    /// Ends program and driver. A second call does nothing.
    pub(crate) fn stop(&mut self) {
        if self.session.is_empty() {
            return;
        }
        let _ = self.call("DELETE", "", None);
        self.session.clear();
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.process.wait();
    }

    /// Ends driver and program at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.session.clear();
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }

    fn get(&self, path: &str) -> Option<Value> {
        self.call("GET", path, None)
    }

    fn post(&self, path: &str, body: &Value) -> Option<Value> {
        self.call("POST", path, Some(body))
    }

    /// The answer's value; none if the driver refuses or cannot be reached.
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
        let separator = if self.session.is_empty() { "" } else { "/" };
        let target = format!("/session{separator}{}{path}", self.session);
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = self.exchange(request.as_bytes()).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let value: Value = serde_json::from_str(body).ok()?;
        head.split(' ').nth(1)?.starts_with('2').then(|| value["value"].clone())
    }

    fn exchange(&self, request: &[u8]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        // The driver keeps the connection open in spite of the header: the length says where to stop.
        let mut piece = [0; 16 * 1024];
        while !is_whole(&answer) {
            match stream.read(&mut piece)? {
                0 => break,
                read => answer.extend_from_slice(&piece[..read]),
            }
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop();
        let _ = self.process.kill();
    }
}

/// Whether `answer` holds a head and as many bytes as it promises.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let Some(length) = length.and_then(|text| text.trim().parse::<usize>().ok()) else {
        return false;
    };
    answer.len() >= end + 4 + length
}

fn strokes(keys: Keys) -> Vec<Value> {
    let press = |key: &str| {
        [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
    };
    match keys {
        Keys::Escape => press("\u{E00C}").to_vec(),
        Keys::Enter => press("\u{E007}").to_vec(),
        Keys::Down => press("\u{E015}").to_vec(),
        Keys::Delete => press("\u{E017}").to_vec(),
        Keys::Letter(letter) => press(&letter.to_string()).to_vec(),
        Keys::Control(c) => {
            let control = "\u{E009}";
            let mut all = vec![json!({ "type": "keyDown", "value": control })];
            all.extend(press(&c.to_string()));
            all.push(json!({ "type": "keyUp", "value": control }));
            all
        }
    }
}
