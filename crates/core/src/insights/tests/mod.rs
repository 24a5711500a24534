mod events;
mod standing;
mod world;

use super::limits::{DAY_MS, HOUR_MS};
use super::*;
use world::World;
