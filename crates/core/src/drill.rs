//! Drills: a holder shows that it can open a data key today (docs/adr/0017-drills.md).
//!
//! The proof follows from the data key and from the newest link the holder has seen, so that it
//! cannot be made before that link, and other holders can tell whether it holds. It stands in an act
//! that the holder signs.

use std::collections::BTreeSet;

use strongroom_format::event::Detail;
use strongroom_format::id::{EnvId, Principal, SecretId, UserId};
use strongroom_format::statement::EnvKind;

use crate::log::{Drill, Facts};
use crate::replica::{ReadError, Replica};

/// What a drill's act is about: the newest data key of `env`, opened now.
pub fn prove(replica: &mut Replica, env: EnvId, now_ms: u64) -> Result<Detail, ReadError> {
    let state = replica.state();
    let epoch = state.env(&env).ok_or(ReadError::Missing)?.epoch_at(state.seq());
    let (org, head, number) = (state.org(), state.head(), now_ms.max(state.time_ms()));
    let who = replica.principal();
    let proof = replica.dek(env, epoch)?.drill(&org, &env, epoch, &who, &head);
    let (secret, version) = (SecretId(proof), u64::from(epoch));
    Ok(Detail { env, secret, version, number, status: 0 })
}

/// Whether a drill holds; `None` for who cannot open that data key.
pub fn holds(replica: &mut Replica, who: &Principal, env: EnvId, drill: &Drill) -> Option<bool> {
    let state = replica.state();
    let (org, head) = (state.org(), state.head_at(drill.org_seq)?);
    let dek = replica.dek(env, drill.epoch).ok()?;
    Some(dek.drill(&org, &env, drill.epoch, who, &head) == drill.proof)
}

/// The people who hold the newest data key of an environment and are still part of the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders {
    /// Which environment.
    pub env: EnvId,
    /// Who, rising.
    pub people: BTreeSet<UserId>,
    /// The newest drill of each that made one, and whether it holds; `None` where this device cannot
    /// tell.
    pub drills: Vec<(UserId, Drill, Option<bool>)>,
}

/// Who could open each environment today, and who showed it.
pub fn holders(replica: &mut Replica, facts: Option<&Facts>, now_ms: u64) -> Vec<Holders> {
    let state = replica.state();
    let time_ms = now_ms.max(state.time_ms());
    let mut all = Vec::new();
    for (id, env) in state.envs().iter().filter(|(_, env)| env.kind != EnvKind::Directory) {
        let readers = state.readers(id, time_ms);
        let newest = env.epochs.last().map_or(&[][..], |epoch| &epoch.wraps);
        let living = newest.iter().map(|wrap| wrap.recipient).filter(|who| readers.contains(who));
        let people = living.filter_map(|who| match who {
            Principal::User(user) => Some(user),
            _ => None,
        });
        all.push(Holders { env: *id, people: people.collect(), drills: Vec::new() });
    }
    for holders in &mut all {
        for user in &holders.people {
            let who = Principal::User(*user);
            let facts = facts.and_then(|facts| facts.in_env(&who, &holders.env));
            if let Some(drill) = facts.and_then(|facts| facts.drill.clone()) {
                let holds = holds(replica, &who, holders.env, &drill);
                holders.drills.push((*user, drill, holds));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offboard::tests::Story;

    #[test]
    fn a_drill_holds_for_its_key_its_holder_and_its_link_alone() {
        let mut story = Story::begin();
        let me = story.replica.principal();
        let env = story.env;
        let detail = prove(&mut story.replica, env, story.now).unwrap();
        let (seq, proof) = (story.replica.state().seq(), detail.secret.0);
        let drill = Drill { epoch: 1, at_ms: detail.number, proof, org_seq: seq };
        assert_eq!(holds(&mut story.replica, &me, env, &drill), Some(true));
        let other = Principal::User(UserId([8; 16]));
        assert_eq!(holds(&mut story.replica, &other, env, &drill), Some(false));
        let earlier = Drill { org_seq: seq - 1, ..drill.clone() };
        assert_eq!(holds(&mut story.replica, &me, env, &earlier), Some(false));
        let unknown = Drill { epoch: 2, ..drill.clone() };
        assert_eq!(holds(&mut story.replica, &me, env, &unknown), None);
        story.issue();
        assert_eq!(holds(&mut story.replica, &me, env, &drill), Some(true), "it stays true");
    }

    #[test]
    fn only_living_people_count_as_holders() {
        let mut story = Story::begin();
        story.issue();
        let all = holders(&mut story.replica, None, story.now);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].people.len(), 1, "a token is nobody who could be asked");
    }
}
