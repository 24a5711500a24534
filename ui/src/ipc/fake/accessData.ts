import type { AccessCell, AccessColumn, AccessRow, EnvClass, PersonView, Role, Trust } from "../vault";
import { day, hour, minute } from "./data";

/** Sixteen principals and ten environments of a made-up team, and as many more as a test wants. */

export type Held = Pick<AccessCell, "state" | "rights"> & {
  /** Milliseconds from the start of the fake. */
  endsIn: number | null;
  /** Milliseconds before it. */
  decrypted: number | null;
};
export type Team = { rows: AccessRow[]; columns: Omit<AccessColumn, "people">[]; held: (row: number, col: number) => Held | null };

const second = 1_000;
const letters: Record<string, number> = { R: 1, RW: 3, RWG: 7 };
const units: Record<string, number> = { s: second, m: minute, h: hour, d: day };

function person(id: string, name: string, role: Role, trust: Trust, leaving = false): AccessRow {
  const view: PersonView = { id: `usr_${id}`, name, initials: name.split(" ").map((part) => part[0]).join(""), you: id === "mara" };
  return { principal: { kind: "person", ...view }, role, trust, leaving };
}

function machine(kind: "token" | "agent", name: string, initials: string): AccessRow {
  return { principal: { kind, id: `${kind === "token" ? "tok" : "agt"}_${name.replace("-", "_")}`, name, initials, you: false }, role: null, trust: null, leaving: false };
}

function column(envId: string, appId: string, app: string, name: string, cls: EnvClass, secrets: number, group = false): Team["columns"][number] {
  return { envId: `env_${envId}`, name, cls, appId: `app_${appId}`, app, group, secrets, due: false, canGrant: true };
}

const columns = [
  column("sf_dev", "storefront", "storefront", "dev", "development", 41),
  column("sf_stg", "storefront", "storefront", "staging", "staging", 40),
  column("sf_prod", "storefront", "storefront", "prod", "production", 38),
  column("pay_dev", "payments", "payments", "dev", "development", 24),
  column("pay_stg", "payments", "payments", "staging", "staging", 24),
  column("pay_prod", "payments", "payments", "prod", "production", 26),
  column("edge_dev", "edge", "edge-worker", "dev", "development", 12),
  column("edge_prod", "edge", "edge-worker", "prod", "production", 11),
  column("grp_obs", "groups", "Groups", "observability", "other", 9, true),
  column("grp_cloud", "groups", "Groups", "cloud-base", "other", 6, true),
];

const rows = [
  person("mara", "Mara Lind", "owner", "you"),
  person("priya", "Priya Sand", "admin", "code"),
  person("ines", "Ines Calder", "member", "code"),
  person("teo", "Teo Varga", "member", "words"),
  person("jun", "Jun Albrecht", "member", "code"),
  person("oskar", "Oskar Vale", "member", "code", true),
  person("noor", "Noor Basri", "member", "unverified"),
  person("sam", "Sam Ferro", "member", "words"),
  person("lena", "Lena Whitlock", "member", "code"),
  person("ada", "Ada Quill", "reviewer", "code"),
  machine("token", "deploy-prod", "ci"),
  machine("token", "ci-staging", "ci"),
  machine("token", "edge-build", "eb"),
  machine("token", "nightly-backup", "nb"),
  machine("agent", "refund-desk", "rd"),
  machine("agent", "triage", "tr"),
];

/** Rights, "last decrypt" and "> end"; · nothing, role, use, # never. */
const drawn = [
  "RWG 2h|RWG 2h|RWG 8s|RWG 3d|RWG 3d|RWG 1d|RWG 9d|RWG 9d|RWG 5d|RWG 5d",
  "RW 1d|RW 1d|role|RWG 4h|RWG 4h|RWG 4h|role|role|R 11d|role",
  "RW 1h|RW 1h|RW 9d|R 2d|R 30d|·|·|·|RW 9d|RW 9d",
  "RW 3h|RW 3h|R 9h >3d|·|·|·|RW 6d|R 9h >12d|R 41d|·",
  "RW 20m|RW 20m|R 118d|·|·|·|·|·|R 88d|·",
  "RW 2d|RW 2d|R 2d|RW 8d|RW 8d|·|·|·|·|R 5d",
  "RW 5h|R 5h|·|·|·|·|·|·|·|·",
  "RW 7h|·|·|RW 7h|R 7h|·|·|·|·|·",
  "·|·|·|RW 1d|RW 1d|R 1d|·|·|R 1d|·",
  "#|#|#|#|#|#|#|#|#|#",
  "·|·|R 2h >180d|·|·|·|·|R 2h >180d|·|R 2h",
  "·|R 6m|·|·|R 6m|·|·|·|·|·",
  "·|·|·|·|·|·|R 40m|R 40m >9d|·|·",
  "·|·|R|·|·|R|·|R|·|·",
  "·|·|use 5m|·|·|use 5h|·|·|·|·",
  "·|use 12m|·|·|·|·|·|·|use 12m|·",
].map((line) => line.split("|").map(read));

function spanOf(text: string | undefined): number | null {
  const match = /^>?(\d+)([smhd])$/.exec(text ?? "");
  return match ? Number(match[1]) * (units[match[2] ?? ""] ?? 0) : null;
}

function read(text: string): Held | null {
  if (text === "·") return null;
  if (text === "#") return { state: "never", rights: 0, endsIn: null, decrypted: null };
  const [word = "", ...rest] = text.split(" ");
  const decrypted = spanOf(rest.find((one) => !one.startsWith(">")));
  if (word === "role") return { state: "role", rights: 0, endsIn: null, decrypted: null };
  if (word === "use") return { state: "use", rights: 0, endsIn: null, decrypted };
  return { state: "key", rights: letters[word] ?? 0, endsIn: spanOf(rest.find((one) => one.startsWith(">"))), decrypted };
}

export function acmeTeam(): Team {
  return { rows, columns, held: (row, col) => drawn[row]?.[col] ?? null };
}

const given = ["Anna", "Bela", "Cora", "Dario", "Elif", "Faye", "Goran", "Hana", "Ivo", "Jana", "Kofi", "Lia", "Milo", "Nadia", "Otto", "Pia", "Quinn", "Rosa", "Stefan", "Tove"];
const family = ["Adler", "Brandt", "Costa", "Duarte", "Ek", "Farkas", "Grau", "Holm", "Ito", "Jensen", "Kaya", "Lopez", "Marek", "Novak", "Okafor", "Petrov", "Ruiz", "Sato", "Tanaka", "Urban", "Vogel", "Weiss", "Yilmaz", "Zeman", "Moreau"];
const stages = [["dev", "development"], ["staging", "staging"], ["prod", "production"]] as const;

/** A number that depends on both places and looks like chance. */
function mixed(row: number, col: number): number {
  let bits = (row * 0x9e3779b1) ^ (col * 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  return (bits ^ (bits >>> 13)) >>> 0;
}

/** Any number of principals and environments; about every third cell holds a key. */
export function manyTeam(people: number, environments: number): Team {
  const trusts = ["code", "words", "code", "unverified"] as const;
  const roles: Role[] = ["member", "member", "admin", "member", "member", "reviewer", "member"];
  return {
    rows: Array.from({ length: people }, (_, at) => {
      if (at === 0) return person("mara", "Mara Lind", "owner", "you");
      if (at % 9 === 8) return machine("token", `job-${at}`, "jb");
      return person(`p${at}`, `${given[at % given.length]} ${family[Math.floor(at / given.length) % family.length]}`, roles[at % roles.length] ?? "member", trusts[at % trusts.length] ?? "code");
    }),
    columns: Array.from({ length: environments }, (_, at) => {
      const [name, cls] = stages[at % 3] ?? stages[0];
      const app = Math.floor(at / 3);
      return column(`m${at}`, `m${app}`, `service-${app}`, name, cls, 1 + (at % 60));
    }),
    held(row, col) {
      if (row > 0 && row % 9 !== 8 && roles[row % roles.length] === "reviewer") return { state: "never", rights: 0, endsIn: null, decrypted: null };
      const chance = mixed(row, col);
      if (row > 0 && chance % 3 !== 0) return chance % 41 === 1 ? { state: "role", rights: 0, endsIn: null, decrypted: null } : null;
      const decrypted = chance % 13 === 0 ? null : (chance % 140) * day + (chance % 1_000) * minute;
      return { state: chance % 47 === 0 ? "waits" : "key", rights: [1, 3, 7][(chance >>> 8) % 3] ?? 1, endsIn: chance % 17 === 0 ? (1 + (chance % 60)) * day : null, decrypted };
    },
  };
}
