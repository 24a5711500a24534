//! A team: two people at two computers, and one stand-alone server between them. From the founder's
//! code to the proof that somebody who left can read nothing.

use std::{fs, path::Path, process::Command};

use super::{
    first_vault::{add_secret, clipboard, collect, create_application, sign, unlock},
    support::{App, Home, Keys, Server, beside_the_app, save_as, wait},
};

const MARA: &str = "six quiet herons cross the river";
const TEO: &str = "nine loud ravens left the harbour";
const NAME: &str = "STRIPE_SECRET_KEY";
const VALUE: &str = "canary-team-3c1d";
const CHANGED: &str = "canary-team-changed-77";

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

#[test]
fn a_second_person_joins_reads_loses_the_key_and_leaves_with_a_proof() {
    let server = Server::start();
    let (here, there) = (Home::new(), Home::of_another_person());
    let mara = App::start(&here, "team-mara", &[]);
    found(&mara, &server);
    create_application(&mara);
    add_secret(&mara, NAME, VALUE);
    sign(&mara);

    let code = invite(&mara);
    let teo = App::start(&there, "team-teo", &[]);
    join(&teo, &code, &server);
    teo.sees("h1", "Waiting to be let in").picture("waiting");
    sync(&mara);
    mara.click("[data-testid=members-open]").sees("[data-testid=trust]", "Verified by code");
    is_let_in(&teo);
    teo.sees("[data-testid=env-link]", "no key");
    sync(&mara);

    grant(&mara);
    sync(&teo);
    teo.click("[data-testid=env-link]").sees("[data-testid=env-row]", NAME);
    copies(&teo);
    sync(&teo);

    sync(&mara);
    revoke(&mara);
    change(&mara);
    sync(&teo);
    reads_nothing_new(&teo);

    offboard(&mara);
    let certificate = here.path().join("teo.strongroom-certificate");
    mara.click("[data-testid=certificate]");
    save_as("Save the certificate", &certificate);
    mara.sees("[data-testid=toast]", "Certificate saved").picture("certificate");
    teo.click("[data-testid=status-verified]").click("[data-testid=trust-sync]");
    teo.sees("[data-testid=toast]", "no member").picture("removed");
    teo.quit();
    mara.quit();

    nothing_on_the_server(&server);
    drop(server);
    the_certificate_proves_itself(&certificate);
    reads_without_a_server(&here);
}

/// Makes the first vault of a server, with the code that its operator was given.
fn found(app: &App, server: &Server) {
    app.click("[data-testid=welcome-server]")
        .fill("[data-testid=server-address]", &server.address())
        .click("[data-testid=server-look]")
        .click("[data-testid=server-founder]")
        .fill("#create-name", "Mara Lind")
        .fill("#create-organisation", "Acme")
        .fill("#create-founder", &server.founder_code())
        .click("[data-testid=create-continue]");
    app.window("create").sees("#server", &server.address());
    app.fill("#passphrase", MARA).fill("#again", MARA).leave("#submit");
    put_the_kit_away(app, "Mara Lind");
    app.sees("[data-testid=first-run]", "No applications");
}

fn put_the_kit_away(app: &App, person: &str) {
    app.window("kit").sees("#person", person).click("#kit-stored").leave("#done").closed("kit");
}

/// Signs an invite and reads its code off the secure window, as one would to hand it over.
fn invite(app: &App) -> String {
    app.click("[data-testid=members-open]").click("[data-testid=invite-new]");
    app.fill("[data-testid=invite-label]", "Teo").click("[data-testid=invite-continue]");
    app.window("sign").sees("#lines", "Invites one person as member").leave("#submit");
    app.window("invite").sees("#label", "Teo").picture("invite");
    let code: String = app.texts("#code").concat().split_whitespace().collect();
    assert!(code.len() > 100, "{code}");
    app.leave("#cancel").closed("invite");
    code
}

fn join(app: &App, code: &str, server: &Server) {
    app.click("[data-testid=welcome-join]").window("join").fill("#code", code).leave("#submit");
    app.sees("#server", &server.address()).sees("#role", "member");
    app.fill("#name", "Teo Varga").fill("#label", "Acme");
    app.fill("#passphrase", TEO).fill("#again", TEO).leave("#submit");
    put_the_kit_away(app, "");
}

/// Asks until the vault is let in; it asks by itself too, so the button may be gone.
fn is_let_in(app: &App) {
    wait("the way in", || {
        app.script("document.querySelector('[data-testid=waiting-ask]:not([disabled])')?.click()");
        (!app.texts("[data-testid=env-link]").is_empty()).then_some(())
    });
}

/// Asks the server, and waits for the answer.
fn sync(app: &App) {
    app.click("[data-testid=status-verified]").click("[data-testid=trust-sync]");
    // While it asks, the button says so.
    app.sees("[data-testid=trust-sync]", "Sync and check");
}

/// Gives the second person the key of the first environment, by keys alone.
fn grant(app: &App) {
    stage(app, Keys::Letter('1'));
    app.sees("[data-testid=access-review-sheet]", "Verified by code");
    app.click("[data-testid=access-sign]").window("sign").sees("#lines", "Teo Varga may read");
    app.picture("grant").leave("#submit").closed("sign");
    app.sees("[data-testid=access-grid]", "Teo Varga, storefront dev, read");
}

/// Takes it back; the data key is replaced by itself afterwards.
fn revoke(app: &App) {
    stage(app, Keys::Delete);
    app.sees("[data-testid=access-review-sheet]", "1 data key is replaced");
    app.click("[data-testid=review-check]").click("[data-testid=access-sign]");
    app.window("sign").sees("#lines", "Teo Varga loses storefront / dev");
    agree(app);
    app.picture("revoke").leave("#submit").closed("sign");
    app.click("[data-testid=env-link]").sees("[data-testid=env-epoch]", "epoch 3");
}

/// Ticks the box of the sign window, where there is something to agree to.
fn agree(app: &App) {
    app.script(
        "const part = document.querySelector('#check-part'); \
         if (part?.getClientRects().length > 0) document.querySelector('#check').click()",
    );
}

/// Stages a change of the second person's first cell and opens the review.
fn stage(app: &App, key: Keys) {
    app.click("[data-testid=access-open]").sees("[data-testid=access-grid]", "Teo Varga");
    app.focus("[data-testid=access-grid]").keys(&[Keys::Down, key]);
    app.click("[data-testid=access-review]");
}

fn copies(app: &App) {
    app.click("[data-testid=env-row]").click("[data-testid=inspector-copy]");
    wait("the value on the clipboard", || (clipboard() == VALUE).then_some(()));
}

/// Replaces the value under the new data key.
fn change(app: &App) {
    app.click("[data-testid=env-row]").click("[data-testid=inspector-edit]");
    app.window("edit").fill("#value", CHANGED).leave("#submit").closed("edit");
    sign(app);
}

/// The window says that access ended, and offers no value.
fn reads_nothing_new(app: &App) {
    app.click("[data-testid=env-link]").sees("[data-testid=lost-strip]", "no longer read");
    app.click("[data-testid=env-row]").sees("[data-testid=inspector]", "stays closed to you");
    app.sees_no("[data-testid=inspector-copy]").sees_no("[data-testid=inspector-reveal]");
    app.picture("lost");
}

/// Removes the second person, whose name has to be typed, and waits until everything is replaced.
fn offboard(app: &App) {
    app.click("[data-testid=members-open]").sees("[data-testid=people-row]", "Teo Varga");
    app.focus("[data-testid=people]").keys(&[Keys::Down, Keys::Letter('d')]);
    app.window("sign").sees("#lines", "Teo Varga leaves the organisation").picture("offboard");
    app.fill("#typed", "Teo Varga");
    agree(app);
    app.leave("#submit").closed("sign");
    app.click("[data-testid=members-open]").click("[data-testid=members-left]");
    app.click("[data-testid=left-open]").sees("[data-testid=certificate-ready]", "");
}

/// A vault of a team server opens from this computer's own copy.
fn reads_without_a_server(home: &Home) {
    let app = App::start(home, "team-offline", &[]);
    unlock(&app, MARA);
    app.sees("[data-testid=env-row]", NAME).click("[data-testid=env-row]");
    app.click("[data-testid=inspector-copy]");
    wait("the value on the clipboard", || (clipboard() == CHANGED).then_some(()));
    app.sees("[data-testid=status-verified]", "Not synced yet").picture("offline");
    app.quit();
}

/// Whoever has the server's disk learns no name and no value.
fn nothing_on_the_server(server: &Server) {
    let mut files = Vec::new();
    collect(&server.data(), &mut files);
    assert!(!files.is_empty(), "the server keeps its data somewhere");
    for file in files {
        let bytes = fs::read(&file).unwrap_or_default();
        for secret in [VALUE, CHANGED, MARA, TEO, NAME, "storefront", "Mara Lind", "Teo Varga"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {}", file.display());
        }
    }
}

/// Without server, vault or network; and not with a single byte changed.
fn the_certificate_proves_itself(file: &Path) {
    let (holds, said) = verify(file);
    assert!(holds, "{said}");
    assert!(said.contains("Teo Varga") && said.contains("may read nothing any more"), "{said}");
    let mut bytes = fs::read(file).expect("the certificate was saved");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let changed = file.with_extension("changed");
    fs::write(&changed, bytes).expect("the folder can be written");
    let (holds, said) = verify(&changed);
    assert!(!holds, "{said}");
}

/// What the offline program says of a file, and whether it holds.
pub(super) fn verify(file: &Path) -> (bool, String) {
    let output = Command::new(beside_the_app("strongroom")).arg("verify").arg(file).output();
    let output = output.expect("strongroom is built: cargo build --package strongroom-cli");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}
