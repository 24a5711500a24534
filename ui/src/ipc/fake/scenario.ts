import type { AppView, BrokerState, Role, SettingsView, StatusView } from "../vault";

/** What is particular about a vault in memory. */
export type Scenario = {
  phase?: AppView["phase"];
  state?: StatusView["state"];
  theme?: SettingsView["theme"];
  /** Names in storefront / prod; 0 for the drawn ones. */
  big?: number;
  staged?: boolean;
  conflict?: boolean;
  empty?: boolean;
  sample?: boolean;
  /** The role of the person at the window; "owner" without it. */
  role?: Role;
  /** Nobody else is in the organisation yet, and nothing was issued. */
  alone?: boolean;
  /** storefront / staging needs a new data key. */
  due?: boolean;
  /** The person lost their access to payments / prod. */
  lost?: boolean;
  /** An admin replaced the keys of Teo Varga. */
  reset?: boolean;
  /** Principals and environments of a large matrix. */
  matrix?: number;
  /** The vault is joined, and nobody has let its person in yet. */
  waiting?: boolean;
  /** Oskar Vale was offboarded and the queue is being worked off. */
  leaver?: boolean;
  /** Milliseconds that every step of long work takes. */
  slow?: number;
  /** Rows of the audit log; 50,000 without it. */
  audit?: number;
  /** What is particular about the log. */
  log?: "empty" | "unread" | "hidden" | "reading" | "retired" | "bad" | "back" | "anew";
  /** The state of the broker; "running" without it. */
  broker?: BrokerState;
  /** Agents make requests while the window is looked at. */
  acts?: boolean;
  /** A fake token was seen where it does not belong. */
  alarm?: boolean;
};
