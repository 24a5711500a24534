//! Drives the real program, as a person would: its own process, its own windows, a private home.

mod bus;
mod dialog;
mod driver;
mod home;
mod server;
mod upstream;

use std::{
    fs,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

pub(crate) use dialog::{choose, save_as};
pub(crate) use driver::Keys;
use driver::{Driver, Element};
pub(crate) use home::Home;
use serde_json::Value;
pub(crate) use server::{Server, beside_the_app};
pub(crate) use upstream::Upstream;

/// How long a condition may take.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(40);

/// The running program, with one of its windows selected.
pub(crate) struct App {
    driver: Driver,
    name: String,
}

impl App {
    /// Starts the program in `home`. `name` names the pictures of this run.
    pub(crate) fn start(home: &Home, name: &str, arguments: &[&str]) -> Self {
        let driver =
            Driver::start(env!("CARGO_BIN_EXE_strongroom-desktop"), arguments, &home.variables());
        let app = Self { driver, name: name.to_owned() };
        app.window("main");
        app
    }

    /// Starts the program once more in `home`, and waits until that second one is gone.
    pub(crate) fn again(&self, home: &Home, arguments: &[&str]) -> &Self {
        let mut second = Command::new(env!("CARGO_BIN_EXE_strongroom-desktop"))
            .args(arguments)
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .envs(home.variables())
            .spawn()
            .expect("the program starts");
        let ended = wait("the end of the second start", || second.try_wait().ok()?);
        assert!(ended.success(), "{ended}");
        self
    }

    /// Selects the window with this label, waiting for it to open.
    pub(crate) fn window(&self, label: &str) -> &Self {
        wait(&format!("the window {label}"), || {
            for handle in self.driver.windows() {
                if self.driver.select(&handle) && self.label().as_deref() == Some(label) {
                    return Some(());
                }
            }
            None
        });
        self
    }

    /// Waits until the window with this label is closed, then selects the main one.
    pub(crate) fn closed(&self, label: &str) -> &Self {
        wait(&format!("the end of the window {label}"), || {
            let open =
                self.driver.windows().iter().any(|handle| {
                    self.driver.select(handle) && self.label().as_deref() == Some(label)
                });
            (!open).then_some(())
        });
        self.window("main")
    }

    /// The label of the selected window, by the page it shows.
    fn label(&self) -> Option<String> {
        let url = self.driver.url()?;
        let page = url.strip_prefix("tauri://localhost")?;
        let page = page.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
        Some(match page.strip_prefix("secure/") {
            Some(secure) => secure.trim_end_matches(".html").to_owned(),
            None => "main".to_owned(),
        })
    }

    /// Clicks the first element that matches, waiting until there is one that can be clicked.
    pub(crate) fn click(&self, css: &str) -> &Self {
        wait(&format!("{css} to be clicked"), || {
            self.driver.find(css).into_iter().next().filter(|element| self.driver.click(element))
        });
        self
    }

    /// Clicks a button that closes the selected window. The driver's own click waits for the page
    /// afterwards, which may be gone by then.
    pub(crate) fn leave(&self, css: &str) -> &Self {
        let script = "const button = document.querySelector(arguments[0]);
            if (!button || button.disabled || button.getClientRects().length === 0) return false;
            setTimeout(() => button.click()); return true;";
        wait(&format!("{css} to be pressed"), || {
            let pressed = self.driver.script(script, &[css.into()]) == true;
            // A window that shows a value closes by itself when another one gets the focus.
            (pressed || self.driver.url().is_none()).then_some(())
        });
        self
    }

    /// Clicks the first button, link or option with this text.
    pub(crate) fn press(&self, text: &str) -> &Self {
        wait(&format!("a button {text:?}"), || {
            self.with_text(text).filter(|e| self.driver.click(e))
        });
        self
    }

    fn with_text(&self, text: &str) -> Option<Element> {
        let controls =
            "button, a, [role=button], [role=option], [role=menuitem], [role=tab], label";
        let script = "const [css, text] = arguments; const plain = (s) => s.replace(/\\s+/g, ' ').trim();
            const all = [...document.querySelectorAll(css)].filter((e) => e.getClientRects().length > 0);
            return all.find((e) => plain(e.textContent) === text) ?? all.find((e) => plain(e.textContent).startsWith(text)) ?? null;";
        Element::from(&self.driver.script(script, &[controls.into(), text.into()]))
    }

    /// Empties a field and types into it.
    pub(crate) fn fill(&self, css: &str, text: &str) -> &Self {
        wait(&format!("the field {css}"), || {
            self.driver
                .find(css)
                .into_iter()
                .next()
                .filter(|field| self.driver.clear(field) && self.driver.type_into(field, text))
        });
        self
    }

    /// Gives the keyboard to an element.
    pub(crate) fn focus(&self, css: &str) -> &Self {
        let script = "const found = document.querySelector(arguments[0]); found?.focus();
            return !!found && document.activeElement === found";
        wait(&format!("{css} to take the keyboard"), || {
            (self.driver.script(script, &[css.into()]) == true).then_some(())
        });
        self
    }

    /// The texts of all elements that match.
    pub(crate) fn texts(&self, css: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)";
        let texts = self.driver.script(script, &[css.into()]);
        let texts = texts.as_array().cloned().unwrap_or_default();
        texts.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    }

    /// Types keys into whatever has the focus.
    pub(crate) fn keys(&self, keys: &[Keys]) -> &Self {
        self.driver.keys(keys);
        self
    }

    /// Draws with the pointer over an element, from one share of its width to another.
    pub(crate) fn drag(&self, css: &str, from: f64, to: f64) -> &Self {
        let script = "const box = document.querySelector(arguments[0])?.getBoundingClientRect();
            return box ? [box.left, box.top + box.height / 2, box.width] : null";
        let place = wait(&format!("{css} to draw on"), || {
            let found = self.driver.script(script, &[css.into()]);
            let number = |at: usize| found.get(at).and_then(Value::as_f64);
            Some((number(0)?, number(1)?, number(2)?))
        });
        let at = |share: f64| (place.0 + place.2 * share, place.1);
        self.driver.drag(at(from), at(to));
        self
    }

    /// Waits until an element that matches contains `text`.
    pub(crate) fn sees(&self, css: &str, text: &str) -> &Self {
        let mut last = Vec::new();
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            // Not the driver's own text of an element, which is empty in a window without the focus.
            last = self.texts(css);
            if last.iter().any(|have| have.contains(text)) {
                return self;
            }
            thread::sleep(PAUSE);
        }
        panic!("{css}: wanted {text:?}, have {last:?}");
    }

    /// Waits until nothing matches.
    pub(crate) fn sees_no(&self, css: &str) -> &Self {
        wait(&format!("no {css}"), || self.driver.find(css).is_empty().then_some(()));
        self
    }

    /// The value of a script's `return`.
    pub(crate) fn script(&self, script: &str) -> Value {
        self.driver.script(script, &[])
    }

    /// Saves a picture of the whole screen to `target/desktop/`; a driver can draw one window only.
    pub(crate) fn picture(&self, title: &str) -> &Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../desktop");
        fs::create_dir_all(&folder).expect("target/ can be written");
        let file = folder.join(format!("{}-{title}.png", self.name));
        // A page without the focus may not be asked for its next frame, so this is the one place with a
        // fixed pause; no test depends on it.
        thread::sleep(Duration::from_millis(250));
        let done = Command::new("import").args(["-window", "root"]).arg(&file).status();
        assert!(done.is_ok_and(|status| status.success()), "imagemagick is not installed");
        self
    }

    /// Ends the program at once, without a chance to finish anything.
    pub(crate) fn kill(mut self) {
        self.driver.kill();
    }

    /// Ends the program and waits until it is gone.
    pub(crate) fn quit(mut self) {
        self.driver.stop();
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if thread::panicking() {
            let text = self.driver.script("return document.body.innerText", &[]);
            eprintln!("{}: failed; page:\n{}", self.name, text.as_str().unwrap_or_default());
            self.picture("failed");
        }
        self.driver.stop();
    }
}

/// Asks again until there is an answer.
pub(crate) fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        thread::sleep(PAUSE);
    }
}
