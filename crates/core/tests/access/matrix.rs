//! The matrix, its reasons, and who can read what.

use strongroom_core::access::{
    AccessDraft, Cell, CellChange, CellState, Matrix, Subject, TILE, explain, who,
};
use strongroom_core::log::Facts;
use strongroom_format::id::{EnvId, Principal};
use strongroom_format::statement::{Body, Rights};

use super::world::{DAY, NOW, World, person};

fn cell(state: CellState, rights: Rights) -> Cell {
    Cell { state, rights, ends_ms: 0 }
}

fn sentence(world: &mut World, who: Principal, env: EnvId, now_ms: u64) -> String {
    explain(&mut world.people[0], &Facts::default(), &who, &env, now_ms).unwrap().sentence
}

#[test]
fn rows_and_columns_stand_in_the_order_of_the_side_bar() {
    let mut world = World::new(40);
    let matrix = Matrix::of(&mut world.people[0], NOW);
    let rows: Vec<&str> = matrix.rows().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(rows, ["Mara Lind", "Priya Sand", "Noor Basri", "Teo Varga", "Ada Quill", "deploy"]);
    let columns: Vec<(&str, &str, bool)> = matrix
        .columns()
        .iter()
        .map(|column| (column.app.as_str(), column.name.as_str(), column.group))
        .collect();
    assert_eq!(
        columns,
        [
            ("storefront", "dev", false),
            ("storefront", "prod", false),
            ("observability", "shared", true)
        ]
    );
}

#[test]
fn a_cell_says_who_holds_the_key_who_waits_who_only_manages_and_who_never_will() {
    let mut world = World::new(41);
    let dev = world.dev;
    world.grant(person(2), dev, Rights::READ, NOW + DAY);
    // A manager without the key grants: nobody has wrapped it yet.
    let grant =
        Body::EnvGrant { env: dev, principal: person(3), rights: Rights::READ, not_after: 0 };
    world.write(1, |pen| pen.link(grant)).unwrap();
    let matrix = Matrix::of(&mut world.people[0], NOW);
    let at = |who: Principal| matrix.cell(&who, &dev);
    assert_eq!(at(person(0)), Some(cell(CellState::Key, Rights::ALL)));
    assert_eq!(at(person(1)), Some(cell(CellState::Role, Rights::NONE)));
    let ends_ms = NOW + DAY;
    assert_eq!(at(person(2)), Some(Cell { state: CellState::Key, rights: Rights::READ, ends_ms }));
    assert_eq!(at(person(3)), Some(cell(CellState::Waits, Rights::READ)));
    assert_eq!(at(person(4)), Some(cell(CellState::Never, Rights::NONE)));
    assert_eq!(at(world.token), Some(cell(CellState::Key, Rights::READ)));
    assert_eq!(matrix.cell(&world.token, &world.prod), None);
    let column = matrix.columns().iter().find(|column| column.env == dev).unwrap();
    assert_eq!((column.people, column.due, column.can_grant), (2, false, true));
    let later = Matrix::of(&mut world.people[0], NOW + 2 * DAY);
    assert_eq!(later.cell(&person(2), &dev), None, "ended");
    assert!(later.columns().iter().any(|column| column.env == dev && column.due));
}

#[test]
fn secrets_are_counted_by_their_labels_where_no_key_is_held() {
    let mut world = World::new(42);
    let dev = world.dev;
    world.put(0, dev, &[("A", "1"), ("B", "2")]);
    for n in [0, 1] {
        let matrix = Matrix::of(&mut world.people[n], NOW);
        let column = matrix.columns().iter().find(|column| column.env == dev).unwrap();
        assert_eq!(column.secrets, 2, "person {n}");
        assert!(column.can_grant);
    }
    let matrix = Matrix::of(&mut world.people[2], NOW);
    assert!(matrix.columns().iter().all(|column| !column.can_grant));
}

#[test]
fn a_square_shows_what_is_signed_and_what_is_staged() {
    let mut world = World::new(43);
    let (dev, prod) = (world.dev, world.prod);
    world.grant(person(2), dev, Rights::READ, 0);
    let mut draft = AccessDraft::default();
    let change = |who, env, rights| CellChange { principal: who, env, rights, not_after: 0 };
    draft.stage(&[
        change(person(2), dev, Rights::NONE),
        change(person(3), prod, Rights::READ),
        change(person(2), prod, Rights::NONE),
    ]);
    let staged = draft.staged(world.people[0].state(), &person(0), NOW);
    let matrix = Matrix::of(&mut world.people[0], NOW);
    let placed = matrix.place(&staged);
    let tile = matrix.tile(0, 0, &placed, &Facts::default());
    assert_eq!(tile.iter().filter(|cell| cell.staged.is_some()).count(), 2);
    let empty = tile.iter().find(|cell| cell.cell.is_none()).unwrap();
    assert_eq!(matrix.rows()[empty.row].principal, person(3));
    assert!(matrix.tile(1, 0, &placed, &Facts::default()).is_empty());
    assert!(matrix.tile(usize::MAX / TILE, 9, &placed, &Facts::default()).is_empty());
    let leaving: Vec<Principal> = matrix.leaving(&placed).into_iter().collect();
    assert_eq!(leaving, [person(2)]);
}

#[test]
fn a_cell_explains_itself_in_one_sentence() {
    let mut world = World::new(44);
    let (dev, prod) = (world.dev, world.prod);
    world.grant(person(2), dev, Rights::READ.with(Rights::WRITE), 0);
    let seq = world.people[0].state().seq() - 1;
    let grant =
        Body::EnvGrant { env: dev, principal: person(3), rights: Rights::READ, not_after: 0 };
    world.write(1, |pen| pen.link(grant)).unwrap();
    let cases = [
        (
            person(2),
            format!(
                "May read and write because storefront / dev is shared with Teo Varga, granted by \
                 Mara Lind in link {seq}, wrapped in epoch 3."
            ),
        ),
        (
            person(3),
            format!(
                "May read because storefront / dev is shared with Noor Basri, granted by Priya \
                 Sand in link {}. Nobody has wrapped the data key for it yet.",
                seq + 2
            ),
        ),
        (
            person(1),
            "May manage storefront / dev because Priya Sand is an admin. Holds no key.".to_owned(),
        ),
        (person(4), "Can never hold a key because Ada Quill is a reviewer.".to_owned()),
    ];
    for (who, text) in cases {
        assert_eq!(sentence(&mut world, who, dev, NOW), text);
    }
    let made = sentence(&mut world, person(0), dev, NOW);
    assert!(made.starts_with("May read, write and grant because Mara Lind made storefront / dev"));
    let token = world.token;
    assert!(sentence(&mut world, token, dev, NOW).contains("issued with the token by Mara Lind"));
    let nothing = sentence(&mut world, token, prod, NOW);
    assert_eq!(nothing, "Nothing in storefront / prod was ever granted to deploy.");

    world.revoke(person(2), dev);
    let seq = world.people[0].state().seq();
    assert_eq!(
        sentence(&mut world, person(2), dev, NOW),
        format!(
            "May do nothing here any more: revoked by Mara Lind in link {seq}. Holds the data key \
             of epoch 3 until it is replaced."
        )
    );
    world.write(0, |pen| pen.rotate(dev, &mut |_, _| true).map(|_| ())).unwrap();
    let after = sentence(&mut world, person(2), dev, NOW);
    assert!(after.ends_with(&format!("in link {seq}.")), "{after}");
}

#[test]
fn an_explanation_knows_since_when_the_key_is_held() {
    let mut world = World::new(45);
    let dev = world.dev;
    world.put(0, dev, &[("A", "1")]);
    world.now_ms = NOW + DAY;
    world.grant(person(2), dev, Rights::READ, 0);
    world.now_ms = NOW + 2 * DAY;
    world.write(0, |pen| pen.rotate(dev, &mut |_, _| true).map(|_| ())).unwrap();
    let facts = Facts::default();
    let about = explain(&mut world.people[0], &facts, &person(2), &dev, NOW + 3 * DAY).unwrap();
    assert_eq!(about.holds_since_ms, Some(NOW + DAY));
    assert_eq!((about.epoch, about.could_read, about.used), (Some(4), 1, 0));
    assert_eq!(about.because.unwrap().by, person(0));
}

#[test]
fn who_can_read_is_answered_for_each_kind_of_subject() {
    let mut world = World::new(46);
    let (dev, token) = (world.dev, world.token);
    let secret = world.put(0, dev, &[("API_KEY", "1")])[0];
    world.grant(person(2), dev, Rights::READ, NOW + DAY);
    world.grant(person(3), dev, Rights::WRITE, 0);
    let facts = Facts::default();
    let mut ask = |subject: Subject| who(&mut world.people[0], &facts, &subject, NOW);

    let env = ask(Subject::Environment(dev)).unwrap();
    assert_eq!((env.title.as_str(), env.subtitle.as_str()), ("storefront / dev", "1 secret"));
    let names: Vec<&str> = env.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["Mara Lind", "Noor Basri", "Teo Varga", "deploy"]);
    assert_eq!(env.rows[2].rule, "granted by Mara Lind");
    assert_eq!(env.rows[2].ends_ms, NOW + DAY);

    let one = ask(Subject::Secret(dev, secret)).unwrap();
    assert_eq!((one.title.as_str(), one.rows.len()), ("API_KEY", 3), "who cannot read is left out");
    let of_token = ask(Subject::Principal(token)).unwrap();
    assert_eq!((of_token.title.as_str(), of_token.rows.len()), ("deploy", 1));
    assert_eq!(of_token.rows[0].place, "storefront / dev");
    assert!(ask(Subject::Environment(EnvId([9; 16]))).is_none());
    assert!(ask(Subject::Principal(person(9))).is_none());
}
