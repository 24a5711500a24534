import type { EnvClass, PersonView, SecretRow } from "../vault";

/** People and names of a made-up team, for tests and pictures. */

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

export const people = {
  mara: { id: "usr_mara", name: "Mara Lind", initials: "ML", you: true },
  ines: { id: "usr_ines", name: "Ines Calder", initials: "IC", you: false },
  teo: { id: "usr_teo", name: "Teo Varga", initials: "TV", you: false },
  jun: { id: "usr_jun", name: "Jun Albrecht", initials: "JA", you: false },
  priya: { id: "usr_priya", name: "Priya Sand", initials: "PS", you: false },
  lena: { id: "usr_lena", name: "Lena Whitlock", initials: "LW", you: false },
  noor: { id: "usr_noor", name: "Noor Basri", initials: "NB", you: false },
  sam: { id: "usr_sam", name: "Sam Ferro", initials: "SF", you: false },
  ada: { id: "usr_ada", name: "Ada Quill", initials: "AQ", you: false },
  oskar: { id: "usr_oskar", name: "Oskar Vale", initials: "OV", you: false },
  kit: { id: "usr_kit", name: "Kit Marlow", initials: "KM", you: false },
  rolf: { id: "usr_rolf", name: "Rolf Amsel", initials: "RA", you: false },
} as const satisfies Record<string, PersonView>;

export type FakeSecret = {
  id: string;
  name: string;
  version: number;
  by: PersonView;
  /** Milliseconds before the start of the fake. */
  before: number;
  note: string | null;
  kind: SecretRow["kind"];
};

type Seed = [name: string, version: number, by: keyof typeof people, before: number, note?: string | undefined, kind?: SecretRow["kind"]];

const prod: Seed[] = [
  ["ALGOLIA_ADMIN_KEY", 3, "ines", 41 * day, "catalog search"],
  ["CDN_PURGE_TOKEN", 5, "mara", 12 * day],
  ["DATABASE_READ_URL", 11, "ines", 9 * day, "replica, read only", "reference"],
  ["DATABASE_URL", 14, "ines", 9 * day, undefined, "reference"],
  ["FEATURE_FLAG_SDK_KEY", 2, "jun", 118 * day],
  ["FRAUD_SCORE_TOKEN", 4, "mara", 33 * day, "sandbox until May"],
  ["JWT_PRIVATE_KEY", 6, "mara", 64 * day, undefined, "pem"],
  ["MAPS_API_KEY", 2, "jun", 201 * day, "not used any more"],
  ["OAUTH_CLIENT_SECRET", 3, "ines", 27 * day],
  ["REDIS_URL", 8, "ines", 9 * day, undefined, "reference"],
  ["S3_ACCESS_KEY_ID", 9, "mara", 5 * day],
  ["S3_SECRET_ACCESS_KEY", 9, "mara", 5 * day],
  ["SENTRY_DSN", 2, "jun", 88 * day],
  ["SESSION_SIGNING_KEY", 21, "mara", 6 * hour, "rotates monthly"],
  ["SMTP_PASSWORD", 4, "mara", 15 * day],
  ["STRIPE_SECRET_KEY", 7, "mara", 2 * day, "Live key. Ask payments before changing it."],
  ["STRIPE_WEBHOOK_SECRET", 3, "mara", 2 * day],
  ["WAREHOUSE_API_TOKEN", 2, "ines", 19 * day],
  ["WAREHOUSE_HMAC_KEY", 1, "ines", 19 * day],
];

const words = ["API", "AUTH", "BILLING", "CACHE", "CRM", "EXPORT", "GEO", "INVOICE", "LEDGER", "MAIL", "METRICS", "ORDER", "PARTNER", "QUEUE", "SEARCH", "SHIPPING", "STOCK", "TAX", "TRACE", "VAULT", "WEBHOOK", "STRIPE"];
const ends = ["TOKEN", "SECRET", "URL", "KEY", "PASSWORD", "DSN"];

/** `total` secrets whose names are distinct and whose order is stable. */
export function manySecrets(prefix: string, total: number): FakeSecret[] {
  const who = [people.mara, people.ines, people.teo, people.jun];
  return Array.from({ length: total }, (_, index) => {
    const word = words[index % words.length];
    const end = ends[Math.floor(index / words.length) % ends.length];
    const round = Math.floor(index / (words.length * ends.length));
    return {
      id: `sec_${prefix}_${index}`,
      name: round === 0 ? `${word}_${end}` : `${word}_${end}_${round}`,
      version: 1 + ((index * 7) % 9),
      by: who[index % who.length] ?? people.mara,
      before: ((index * 37) % 400) * day + hour,
      note: index % 11 === 3 ? "see the runbook" : null,
      kind: "text",
    };
  });
}

function seeded(prefix: string, seeds: Seed[]): FakeSecret[] {
  return seeds.map(([name, version, by, before, note, kind], index) => ({
    id: `sec_${prefix}_s${index}`,
    name,
    version,
    by: people[by],
    before,
    note: note ?? null,
    kind: kind ?? "text",
  }));
}

export type FakeEnvSeed = { id: string; name: string; class: EnvClass; secrets: FakeSecret[] };
export type FakeAppSeed = { id: string; name: string; environments: FakeEnvSeed[] };

function env(id: string, name: string, cls: EnvClass, secrets: FakeSecret[]): FakeEnvSeed {
  return { id: `env_${id}`, name, class: cls, secrets };
}

function distinct(first: FakeSecret[], prefix: string, total: number): FakeSecret[] {
  const names = new Set(first.map((one) => one.name));
  const rest = manySecrets(prefix, total * 2).filter((one) => !names.has(one.name));
  return [...first, ...rest.slice(0, Math.max(0, total - first.length))];
}

export function acme(big: number): FakeAppSeed[] {
  return [
    {
      id: "app_storefront",
      name: "storefront",
      environments: [
        env("sf_dev", "dev", "development", distinct(seeded("sfd", prod.slice(0, 15)), "sfd", 41)),
        env("sf_stg", "staging", "staging", distinct(seeded("sfs", prod.slice(0, 17)), "sfs", 40)),
        env("sf_prod", "prod", "production", big > 0 ? distinct(seeded("sfp", prod), "sfp", big) : seeded("sfp", prod)),
      ],
    },
    {
      id: "app_payments",
      name: "payments",
      environments: [
        env("pay_dev", "dev", "development", manySecrets("pyd", 24)),
        env("pay_stg", "staging", "staging", manySecrets("pys", 24)),
        env("pay_prod", "prod", "production", distinct(seeded("pyp", [["STRIPE_PAYOUT_KEY", 4, "mara", 8 * day]]), "pyp", 26)),
      ],
    },
    {
      id: "app_edge",
      name: "edge-worker",
      environments: [env("edge_dev", "dev", "development", manySecrets("edd", 12)), env("edge_stg", "staging", "staging", []), env("edge_prod", "prod", "production", manySecrets("edp", 11))],
    },
  ];
}
