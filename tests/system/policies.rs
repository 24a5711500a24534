//! Row J02: the server widens no policy of the broker, neither a secret's nor an agent's.

use strongroom_client::vault::Note;
use strongroom_core::team::{AgentPut, Intent, SecretPolicyPut};
use strongroom_format::commit::{Field, SignedCommit};
use strongroom_format::id::EnvId;
use strongroom_format::wire::{FieldEnvelope, ItemPage, ItemRecord};
use strongroom_policy::{AgentPolicy, Auth, OnLock, SecretAt, SecretPolicy};

use crate::scenario::{commits, items};
use crate::world::{Device, House};

const BARE: [&str; 3] = ["fresh", "half-way without a copy", "pinned without a copy"];

fn goes_to(host: &str) -> SecretPolicy {
    SecretPolicy {
        hosts: vec![host.parse().unwrap()],
        ports: vec![443],
        methods: vec!["GET".parse().unwrap()],
        paths: vec!["/**".parse().unwrap()],
        ..SecretPolicy::nothing(Auth::Bearer)
    }
}

async fn sign(device: &Device, intent: Intent) {
    let session = device.session();
    let proposal = session.propose(intent, Note::default()).await.unwrap();
    session.sign(proposal).await.unwrap();
}

async fn send_to(device: &Device, name: &str, host: &str) {
    let at = SecretAt { env: device.env("prod"), secret: device.secret("prod", name) };
    let policy = Some(goes_to(host));
    sign(device, Intent::SecretPolicyPut(SecretPolicyPut { at, policy })).await;
}

async fn make_agent(device: &Device, name: &str, on_lock: OnLock) {
    let policy = AgentPolicy { on_lock, ..AgentPolicy::nothing() };
    let (name, responsible) = (name.to_owned(), device.session().user());
    let put =
        AgentPut { agent: None, name, policy, responsible, not_after: 0, secrets: Vec::new() };
    sign(device, Intent::AgentPut(put)).await;
}

fn policy_of(item: &mut ItemRecord) -> Option<&mut FieldEnvelope> {
    item.fields.iter_mut().find(|field| field.field == Field::Policy)
}

/// The policies of a page, by the place of their item.
fn policies(page: &ItemPage) -> Vec<(usize, FieldEnvelope)> {
    let policy = |item: &ItemRecord| policy_of(&mut item.clone()).cloned();
    let items = page.items.iter().enumerate();
    items.filter_map(|(at, item)| Some((at, policy(item)?))).collect()
}

/// Every lie about the policies of an environment that changes what the page says, told to whoever
/// has to ask for items.
async fn tell_all(house: &House, env: EnvId, old: &ItemPage) {
    let now = house.items(env).await;
    let held = policies(&now);
    assert_eq!(held.len(), 2, "two items have a policy");
    let is_it = move |page: &ItemPage| page.head == now.head;
    let (one, other) = (held[0].clone(), held[1].clone());

    let told = is_it.clone();
    let lie = items(move |page| {
        if told(page) {
            page.items[one.0].fields.pop();
        }
    });
    house.tell(lie).await.refused_by(&BARE);

    let told = is_it.clone();
    let swapped = (one.1.clone(), other.1.clone());
    let lie = items(move |page| {
        if told(page) {
            for (at, policy) in [(one.0, &swapped.1), (other.0, &swapped.0)] {
                if let Some(field) = policy_of(&mut page.items[at]) {
                    field.envelope.clone_from(&policy.envelope);
                }
            }
        }
    });
    house.tell(lie).await.refused_by(&BARE);

    // What was signed once and is replaced: alone, and with all that stood beside it.
    let before: Vec<ItemRecord> = old
        .items
        .iter()
        .filter(|item| policy_of(&mut (*item).clone()).is_some())
        .cloned()
        .collect();
    assert!(!before.is_empty());
    for whole in [false, true] {
        let (told, before) = (is_it.clone(), before.clone());
        let lie = items(move |page| {
            if !told(page) {
                return;
            }
            for old in &before {
                let Some(item) = page.items.iter_mut().find(|item| item.secret == old.secret)
                else {
                    continue;
                };
                if whole {
                    *item = old.clone();
                } else if let (Some(now), Some(then)) =
                    (policy_of(item), policy_of(&mut old.clone()))
                {
                    now.envelope.clone_from(&then.envelope);
                }
            }
        });
        house.tell(lie).await.refused_by(&BARE);
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn j02_policy_no_server_says_where_a_secret_may_go() {
    let house = House::new().await;
    let (device, prod) = (&house.device, house.device.env("prod"));
    send_to(device, "STRIPE_KEY", "wide.example").await;
    let old = house.items(prod).await;
    send_to(device, "STRIPE_KEY", "api.stripe.com").await;
    send_to(device, "DATABASE_URL", "db.example").await;
    tell_all(&house, prod, &old).await;

    // Whoever follows the commits gets each envelope as it was signed with its version.
    let lie = commits(move |page| {
        for record in &mut page.commits {
            let signed = SignedCommit::parse(&record.commit).unwrap();
            let fields = signed.commit.changes.iter().flat_map(|change| &change.fields);
            let policy = fields.enumerate().find(|(_, field)| field.field == Field::Policy);
            if let Some((at, _)) = policy.filter(|(at, _)| *at < record.envelopes.len()) {
                record.envelopes[at] = record.envelopes[0].clone();
            }
        }
    });
    house.tell(lie).await.refused_by(&["half-way", "pinned"]);

    // The truth is read by a device that has nothing.
    let mut fresh = house.device.at(&house.fresh);
    fresh.open().await.unwrap();
    let secret = fresh.secret("prod", "STRIPE_KEY");
    let policy = fresh.session().secret_policy(prod, &secret).unwrap().unwrap();
    assert_eq!(policy, Some(goes_to("api.stripe.com")));
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn j02_policy_no_server_says_what_an_agent_may_do() {
    let house = House::new().await;
    let device = &house.device;
    make_agent(device, "triage", OnLock::Pause).await;
    let directory =
        device.session().with(|org| Ok(org.replica().state().directory().unwrap())).unwrap();
    let old = house.items(directory).await;
    make_agent(device, "refund-desk", OnLock::Pause).await;
    // The first one gets other terms.
    let agents = device.session().agents().unwrap();
    let triage = agents.iter().find(|agent| agent.name == "triage").unwrap();
    let put = AgentPut {
        agent: Some(triage.id),
        name: "triage".to_owned(),
        policy: AgentPolicy { on_lock: OnLock::End, ..AgentPolicy::nothing() },
        responsible: device.session().user(),
        not_after: 0,
        secrets: Vec::new(),
    };
    sign(device, Intent::AgentPut(put)).await;
    tell_all(&house, directory, &old).await;

    let mut fresh = house.device.at(&house.fresh);
    fresh.open().await.unwrap();
    let truth = device.session().agents().unwrap();
    assert_eq!(fresh.session().agents().unwrap(), truth);
    assert!(truth.iter().all(|agent| agent.policy.is_ok()));
}
