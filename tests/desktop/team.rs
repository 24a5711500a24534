//! A team: two people at two computers, and one stand-alone server between them.

use super::support::{App, Home};

#[test]
fn two_people_on_one_screen_have_two_programs_and_two_keyrings() {
    let (here, there) = (Home::new(), Home::of_another_person());
    let mara = App::start(&here, "mara", &["--sample"]);
    let teo = App::start(&there, "teo", &["--sample"]);
    for app in [&mara, &teo] {
        app.sees("[data-testid=sample-badge]", "Sample").sees("[data-testid=env-row]", "_");
    }
    mara.click("[data-testid=lock]").sees("h1", "Locked");
    teo.sees("[data-testid=env-row]", "_").picture("beside-a-locked-one");
    teo.quit();
    mara.quit();
}
