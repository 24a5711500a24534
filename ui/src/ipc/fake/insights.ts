import { VaultError } from "../vault";
import type { AuditQuery, Insight, InsightAction, InsightCommands, InsightsView, PersonView, PrincipalView } from "../vault";
import { day, hour, minute, people } from "./data";
import type { World } from "./world";

const person = (one: PersonView): PrincipalView => ({ kind: "person", ...one });
const token = (name: string): PrincipalView => ({ kind: "token", id: `tok_${name}`, name, initials: "", you: false });

const query = (part: Partial<AuditQuery>): AuditQuery => ({ levels: [], kinds: [], who: [], envs: [], secrets: [], outcomes: [], text: "", from: null, to: null, quiet: false, ...part });
const nowhere = { query: null, envId: null, secretId: null, principalId: null };
const entries = (part: Partial<AuditQuery>): InsightAction => ({ ...nowhere, label: "Show the entries", go: "audit", query: query(part) });

type Seed = Omit<Insight, "id" | "who" | "place" | "names" | "more" | "address"> & Partial<Pick<Insight, "who" | "place" | "names" | "more" | "address">>;

function seeds(now: number): Seed[] {
  const night = new Date(now).setHours(3, 12, 0, 0) - day;
  return [
    { kind: "decoyTouched", severity: "act", title: "A decoy was revealed", detail: "2 uses since it became a decoy on this computer. Nobody has a reason to use it. Signed by the client that did.", who: person(people.teo), place: "storefront / prod", names: ["WAREHOUSE_API_TOKEN"], at: now - 40 * minute, action: entries({ who: ["usr_teo"], levels: ["signed"], from: now - hour }) },
    { kind: "massReveal", severity: "act", title: "31 values taken within 7 minutes", detail: "Revealed, copied or exported in payments / prod and storefront / prod. That is half or more of an environment of 26. Signed by its client; the times are the server's, and what was done offline is written down at once.", who: person(people.priya), at: now - 26 * hour, action: entries({ who: ["usr_priya"], kinds: ["revealed", "copied", "exported"] }) },
    { kind: "leaverQueue", severity: "act", title: "What a leaver held is not replaced", detail: "1 data key to replace and 2 values to replace where they were issued, 3 days after the right to read ended. By the chain, and by uses that the leaver's clients signed.", who: person(people.rolf), at: now - 3 * day, action: { ...nowhere, label: "Go on replacing", go: "offboard", principalId: "usr_rolf" } },
    { kind: "expiring", severity: "act", title: "A token that has ended still asks", detail: "12 requests since it ended 40 days ago, refused each time. Seen by the server.", who: token("legacy-ci"), address: "10.8.0.31", at: now - 20 * minute, action: entries({ who: ["tok_old"], from: now - 40 * day }) },
    { kind: "expiring", severity: "act", title: "A token ends in 9 days", detail: "What uses it stops working then. The end is signed in the chain.", who: token("edge-build"), at: now + 9 * day, action: { ...nowhere, label: "Issue a new one", go: "tokens", principalId: "tok_edge-build" } },
    { kind: "firstReader", severity: "look", title: "First use in production: 2 secrets", detail: "The log has no earlier use of anything there by this principal, and at least 30 days in which there could have been one. Signed by its client.", who: person(people.noor), place: "payments / prod", names: ["PAYOUT_SIGNING_KEY", "LEDGER_URL"], at: now - 2 * day, action: entries({ who: ["usr_noor"], envs: ["env_pay_prod"] }) },
    { kind: "offHours", severity: "look", title: "4 uses outside the usual hours", detail: "Usual are 08:00 to 19:00, learnt from 412 earlier uses and told by this computer's clock. Signed by its client; the hour is the server's.", who: person(people.jun), at: night, action: entries({ who: ["usr_jun"], from: night - minute, to: night + minute }) },
    { kind: "refusedByAddress", severity: "look", title: "34 requests of one address refused within 12 minutes", detail: "Somebody guesses, or a build holds something that has ended. Address and refusals are the server's word.", address: "203.0.113.9", at: now - 5 * hour, action: entries({ outcomes: ["refused"], text: "203.0.113.9" }) },
    { kind: "overGranted", severity: "look", title: "3 data keys are held and not used", detail: "edge-worker / prod, payments / prod and storefront / prod. Held for 74 days, and its clients never signed that a value was opened. The server never saw it fetch there.", who: token("nightly-backup"), at: now - 74 * day, action: { ...nowhere, label: "Review its access", go: "access", principalId: "tok_nightly_backup" } },
    { kind: "unused", severity: "know", title: "9 secrets unused for 90 days", detail: "4 of them were never used; the others not for 118 days. Counted are uses that clients signed; what is only fetched may still be opened by a client that does not sign.", place: "storefront / prod", names: ["FEATURE_FLAG_SDK_KEY", "FRAUD_SCORE_TOKEN", "SENTRY_DSN", "API_TOKEN", "AUTH_URL", "BILLING_KEY"], more: 3, at: now - 118 * day, action: { ...nowhere, label: "Decide whether to keep them", go: "environment", envId: "env_sf_prod" } },
    { kind: "neverRotated", severity: "know", title: "A first value is 201 days old", detail: "It was written 201 days ago and has been the value since, by the signed history.", place: "storefront / prod", names: ["MAPS_API_KEY"], at: now - 201 * day, action: { ...nowhere, label: "Replace it", go: "environment", envId: "env_sf_prod", secretId: "sec_sfp_s7" } },
  ];
}

/** Uses and refusals of 30 days and a week, the same for every run. */
function charts(now: number): InsightsView["charts"] {
  const today = new Date(now).setHours(0, 0, 0, 0);
  const days = Array.from({ length: 30 }, (_, index) => {
    const at = new Date(today);
    at.setDate(at.getDate() - (29 - index));
    const weekend = at.getDay() % 6 === 0;
    return { day: at.getTime(), uses: weekend ? 30 + ((index * 7) % 23) : 260 + ((index * 61) % 190), refused: index === 24 ? 46 : (index * 5) % 7 };
  });
  const hours = Array.from({ length: 7 }, (_, weekday) =>
    Array.from({ length: 24 }, (_, at) => {
      const busy = at >= 8 && at < 19 ? 40 - Math.abs(13 - at) * 5 : at < 6 ? 0 : 3;
      return Math.max(0, Math.round(busy / (weekday > 4 ? 6 : 1)) + ((weekday * 11 + at * 5) % 4) - 1);
    }),
  );
  return { days, hours };
}

/** What deserves a look, in memory: the findings of a made-up team. */
export function fakeInsights(world: World): InsightCommands {
  const { scenario } = world;
  const now = world.started;
  const quiet = scenario.alone === true || scenario.empty === true;
  const all: Insight[] = quiet ? [] : seeds(now).map((seed, index) => ({ who: null, place: null, names: [], more: 0, address: null, ...seed, id: `insight_${index}` }));
  const dismissed = new Map<string, number>();
  const decoys = new Map<string, number>(quiet ? [] : [["env_sf_prod sec_sfp_s17", now - 12 * day]]);
  const gone = (one: Insight) => (dismissed.get(one.id) ?? 0) > Date.now();

  return {
    async insightsView() {
      const readable = scenario.log !== "hidden" && world.role() !== "member";
      const complete = readable && scenario.log !== "reading";
      // Without the log only what the chain and the histories say is left.
      const known = complete ? all : all.filter((one) => ["leaverQueue", "neverRotated"].includes(one.kind) || one.action.go === "tokens");
      return {
        at: Date.now(), complete, readable,
        findings: known.filter((one) => !gone(one)), dismissed: known.filter(gone),
        looked: { entries: complete ? (scenario.audit ?? 50_000) : 0, doubtful: quiet || !complete ? 0 : 2, from: complete ? now - 203 * day : null, secrets: quiet ? 3 : 216, holders: quiet ? 1 : 14, tokens: quiet ? 0 : 7, unseen: world.role() === "reviewer" ? 8 : 0 },
        charts: complete && !quiet ? charts(now) : { days: charts(now).days.map((one) => ({ ...one, uses: 0, refused: 0 })), hours: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 0)) },
      };
    },
    async insightDismiss(id, until) {
      if (!all.some((one) => one.id === id)) throw new VaultError({ code: "notFound" });
      if (until > Date.now()) dismissed.set(id, until);
      else dismissed.delete(id);
      return null;
    },
    async decoySet(envId, secretId, on) {
      if (on) decoys.set(`${envId} ${secretId}`, Date.now());
      else decoys.delete(`${envId} ${secretId}`);
      return null;
    },
    decoyView: async (envId, secretId) => ({ since: decoys.get(`${envId} ${secretId}`) ?? null, told: scenario.log !== "hidden" && world.role() !== "member" }),
  };
}
