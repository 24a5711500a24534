//! The palette: secrets of all environments by name.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use strongroom_core::{
    list::EnvList,
    search::{Query, SearchIndex},
};
use strongroom_format::{id::EnvId, statement::Rights};

use super::{Desk, hold, translate};
use crate::{
    error::Answer,
    view::{PaletteHit, PaletteView},
};

/// The most hits of one answer.
const MAX_HITS: usize = 50;

/// The index of the open organisation, rebuilt where an environment changed.
#[derive(Debug, Default)]
pub(super) struct Palette {
    index: SearchIndex,
    lists: BTreeMap<EnvId, (String, Arc<EnvList>)>,
}

impl Palette {
    fn refresh(&mut self, current: BTreeMap<EnvId, (String, Arc<EnvList>)>) {
        for env in self.lists.keys().filter(|env| !current.contains_key(env)) {
            self.index.remove(env);
        }
        for (env, (place, list)) in &current {
            let same = self
                .lists
                .get(env)
                .is_some_and(|(known, old)| known == place && Arc::ptr_eq(old, list));
            if !same {
                let items: Vec<_> =
                    list.rows().iter().map(|row| (row.secret, row.searchable())).collect();
                self.index.set(*env, place, &items);
            }
        }
        self.lists = current;
    }
}

impl Desk {
    /// Looks for secrets by name in everything this person can read.
    pub async fn palette_search(&self, query: String, limit: u32) -> Answer<PaletteView> {
        let now = self.now();
        let (places, lists) = self
            .look(move |_, org| {
                let mut places = BTreeMap::new();
                let mut lists = BTreeMap::new();
                for env in org.environments(now) {
                    let app = org.app_name(&env.app);
                    if env.rights.includes(Rights::READ) {
                        lists.insert(env.env, (format!("{app} {}", env.name), org.list(env.env)?));
                    }
                    places.insert(env.env, (app, env.name, env.class));
                }
                Ok((places, lists))
            })
            .await?;
        let mut palette = hold(&self.palette);
        palette.refresh(lists);
        let begun = Instant::now();
        let found = palette.index.palette(&Query::new(&query), (limit as usize).min(MAX_HITS));
        let took = begun.elapsed().as_millis();
        let hits = found
            .into_iter()
            .filter_map(|hit| {
                let (app_name, env_name, class) = places.get(&hit.env)?.clone();
                let (_, list) = palette.lists.get(&hit.env)?;
                let row = list.lookup(&hit.secret)?;
                Some(PaletteHit {
                    env_id: hit.env.to_string(),
                    secret_id: hit.secret.to_string(),
                    name: row.name.clone(),
                    app_name,
                    env_name,
                    class: translate::class(class),
                    readable: true,
                    matches: hit.matches,
                })
            })
            .collect();
        Ok(PaletteView {
            searched: translate::count(palette.index.len()),
            took_ms: translate::count(took),
            hits,
        })
    }
}
