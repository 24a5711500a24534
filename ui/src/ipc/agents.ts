import type { CommandError, PersonView } from "./bindings";

/**
 * What the window and the shell say to each other about agents: the views, and the commands that
 * answer with them. Times are milliseconds since 1970; a null limit is none.
 */

export type BrokerState = "off" | "starting" | "running" | "locked" | "stopped" | "failed";

/** The process that holds credentials for the length of a request. */
export type BrokerView = {
  state: BrokerState;
  /** "127.0.0.1:7411" while it listens. */
  address: string | null;
  /** Why it does not run, for a person. */
  why: string | null;
};

export type AgentsView = {
  broker: BrokerView;
  /** This user may make, change and end agents. */
  canManage: boolean;
  me: PersonView;
  agents: AgentRow[];
  /** Requests that wait for an answer, the one that ends first before the others. */
  held: HeldRow[];
  /** What agents asked for and may not do. */
  asks: AccessAsk[];
  /** Fake tokens that were seen where they do not belong, the newest first. */
  alarms: AlarmRow[];
  /** Who may be responsible for an agent. */
  people: PersonView[];
};

export type AgentState = "running" | "idle" | "stopped" | "ended" | "broken";

export type AgentRow = {
  id: string;
  name: string;
  responsible: PersonView;
  state: AgentState;
  /** Why it is broken, or why it ended. */
  why: string | null;
  sessions: AgentSession[];
  /** Of the session with the most, so that it can be held against the limit of a session. */
  calls: number;
  callsLimit: number | null;
  bytes: number;
  bytesLimit: number | null;
  held: number;
  endsAt: number | null;
  issuedAt: number;
  /** The link that carries it. */
  link: number;
  policy: PolicySpec;
  tokens: FakeTokenRow[];
};

export type AgentSession = {
  id: string;
  since: number;
  /** The program that was started, or the one that asked. */
  process: string | null;
  calls: number;
  bytes: number;
};

/** A standing fake token, without its text. */
export type FakeTokenRow = { id: string; provider: string; madeAt: number; lastUse: number | null; endsAt: number | null };

/** A piece of what a request will do. Strong pieces are the broker's own words, never an agent's. */
export type SentencePart = { text: string; strong: boolean };

/** A request that waits. */
export type HeldRow = {
  id: number;
  agentId: string;
  agent: string;
  sentence: { parts: SentencePart[] };
  /** What the agent says about it, its reason among it: cut and inert. */
  detail: string | null;
  method: string;
  host: string;
  path: string;
  /** The name of the secret that would be used. */
  uses: string | null;
  /** "storefront / prod" */
  place: string | null;
  process: string | null;
  responsible: PersonView;
  /** The name of the rule that asks. */
  rule: string;
  askedAt: number;
  /** From then on the answer is no. */
  endsAt: number;
  /** Like it before, today. */
  alike: { count: number; last: number | null };
};

export type LiveDecision = "held" | "allowed" | "approved" | "denied" | "failed";

/** One request, newest known state. */
export type LiveRow = {
  id: number;
  at: number;
  agent: string;
  agentId: string;
  method: string;
  host: string;
  path: string;
  uses: string | null;
  decision: LiveDecision;
  /** Why it was denied or failed, or what it waits for. */
  why: string | null;
  status: number | null;
  millis: number | null;
  bytes: number | null;
  process: string | null;
};

/** Rows that came or changed, oldest first. A row that changed comes again under its id. */
export type LivePage = {
  rows: LiveRow[];
  /** What to ask after next time. */
  next: number;
};

/** An agent asked for what it may not do. */
export type AccessAsk = { id: string; agentId: string; agent: string; provider: string; capability: string | null; reason: string; at: number };

export type AlarmKind = "unlistedHost" | "otherProvider" | "ended" | "otherSession";

/** A fake token was seen where it does not belong. The real credential did not leave. */
export type AlarmRow = { id: string; at: number; agentId: string | null; agent: string | null; provider: string; tokenId: string | null; host: string; kind: AlarmKind };

export type RuleEffect = "allow" | "ask" | "deny";
export type OnLock = "pause" | "end";
export type RateSpec = { count: number; perSeconds: number };
export type ProcessSpec = { path: string | null; sha256: string | null };

/** A secret that a rule uses. Name and place are for reading; both are null where it is gone or closed to this user. */
export type RuleSecret = { envId: string; secretId: string; name: string | null; place: string | null };

/** How a credential is put into a request. */
export type AuthSpec =
  | { kind: "bearer" }
  | { kind: "header"; name: string; template: string }
  | { kind: "basic"; user: string }
  | { kind: "path" }
  | { kind: "sigV4"; service: string | null; region: string | null }
  | { kind: "oAuth2"; tokenUrl: string; scopes: string[] };

/**
 * One rule. The first that matches decides; an empty list matches nothing, unless a capability says
 * hosts, ports, methods and paths. The provider "web" stands for hosts that no provider names.
 */
export type RuleSpec = {
  name: string;
  effect: RuleEffect;
  provider: string;
  capability: string | null;
  /** Tried in this order when a provider says that one is used up; none: no credential is added. */
  secrets: RuleSecret[];
  hosts: string[];
  ports: number[];
  methods: string[];
  paths: string[];
  process: ProcessSpec | null;
  uses: number | null;
  notAfterMs: number | null;
  rate: RateSpec | null;
  bytes: number | null;
  /** A request without a reason is refused. */
  reason: boolean;
};

/** A provider that a person defined. */
export type ProviderSpec = {
  id: string;
  name: string;
  /** "https://api.example.com" */
  base: string;
  hosts: string[];
  ports: number[];
  methods: string[];
  paths: string[];
  auth: AuthSpec;
  /** Its hosts may have private addresses, and http. */
  private: boolean;
  /** The variable that gets the fake token. */
  tokenVariable: string;
  /** The variable that gets the address of the broker, if the program reads one. */
  baseVariable: string | null;
};

/** What an agent may do. The limits count for one session. */
export type PolicySpec = {
  rules: RuleSpec[];
  providers: ProviderSpec[];
  onLock: OnLock;
  sessionMinutes: number | null;
  requests: number | null;
  bytes: number | null;
  rate: RateSpec | null;
};

/** Calls of a provider that belong together. */
export type CapabilityView = { id: string; title: string };

/** A provider to choose: built in, or defined in the policy of an agent. */
export type ProviderView = ProviderSpec & {
  builtIn: boolean;
  capabilities: CapabilityView[];
  /** The agents with a rule for it. */
  agents: { id: string; name: string }[];
};

/** Where the value of a secret may ever be sent. Empty lists allow nothing. */
export type SecretPolicySpec = {
  hosts: string[];
  ports: number[];
  methods: string[];
  paths: string[];
  auth: AuthSpec;
  private: boolean;
  /** Every use is asked about. */
  approval: boolean;
  uses: number | null;
  notAfterMs: number | null;
  rate: RateSpec | null;
  /** Paths whose answers hold new credentials, which are kept from the agent. */
  mints: string[];
  /** A certificate authority of one's own, for private hosts. */
  ca: string | null;
};

export type SecretPolicyView = {
  spec: SecretPolicySpec;
  /** The agents with a rule that names this secret. */
  agents: { id: string; name: string }[];
};

export type SimulatedRequest = { method: string; url: string; process: string | null; reason: string | null };

export type SimulationView = {
  decision: RuleEffect;
  /** The place of the rule that decided; none: nothing allows it. */
  rule: number | null;
  ruleName: string | null;
  /** What the request would do. */
  sentence: string;
  why: string;
  /** Every rule in order, and why it matched or did not. Rules after the one that decided are not asked. */
  steps: { rule: number; name: string; matched: boolean; why: string }[];
  /** The name of the secret that would be used. */
  secret: string | null;
};

export type AgentsChanged = {
  /** Live rows came or changed. */
  live: boolean;
  /** Requests that wait now. */
  held: number;
};

type Outcome<T> = Promise<{ status: "ok"; data: T } | { status: "error"; error: CommandError }>;

export type AgentWire = {
  agentsView: () => Outcome<AgentsView>;
  agentsLive: (after: number) => Outcome<LivePage>;
  /** Opens the window that signs the agent, new or again, and the policies of secrets that it needs. */
  agentSave: (id: string | null, name: string, responsible: string, policy: PolicySpec, endsAt: number | null) => Outcome<null>;
  agentEnd: (id: string) => Outcome<null>;
  agentPolicy: (id: string) => Outcome<PolicySpec>;
  secretPolicyView: (envId: string, secretId: string) => Outcome<SecretPolicyView | null>;
  /** Opens the window that signs it; null takes the policy away, so that no agent can use the secret. */
  secretPolicySave: (envId: string, secretId: string, spec: SecretPolicySpec | null) => Outcome<null>;
  policySimulate: (agentId: string | null, policy: PolicySpec | null, request: SimulatedRequest) => Outcome<SimulationView>;
  providersView: () => Outcome<ProviderView[]>;
  /** Opens the window that shows the new token once. */
  fakeTokenNew: (agentId: string, provider: string, replaces: string | null) => Outcome<null>;
  fakeTokenRevoke: (id: string) => Outcome<null>;
  brokerStart: () => Outcome<null>;
  /** Ends every session, or those of one agent, and closes what they have open. */
  brokerStop: (agentId: string | null) => Outcome<null>;
  brokerResume: (agentId: string | null) => Outcome<null>;
  /** Opens the window that answers, at this request. */
  approvalOpen: (heldId: number) => Outcome<null>;
  accessAskDismiss: (id: string) => Outcome<null>;
};
