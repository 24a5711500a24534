import type { EnvClass, EventPayload, PersonView, ProgressKind, Role, SignedWhat, VaultEvent } from "../vault";
import type { Scenario } from "./scenario";

/** An environment, as the fakes of the team see it. */
export type WorldEnv = { id: string; name: string; cls: EnvClass; appId: string; app: string; secrets: { id: string; name: string }[] };

/** What the fakes of the team share: one organisation, its chain and the events of the window. */
export interface World {
  readonly scenario: Scenario;
  readonly started: number;
  me(): PersonView;
  role(): Role;
  environments(): WorldEnv[];
  /** "storefront / prod" */
  place(envId: string): string;
  /** The number of the last link. */
  link(): number;
  emit<K extends VaultEvent>(event: K, payload: EventPayload<K>): void;
  /** Plays the secure window that signs: the links are appended and everybody hears of it. */
  sign(what: SignedWhat, links: number, subject?: string | null): void;
  /** Something of the team changed. */
  changed(): void;
  /** Long work with events of progress; throws `cancelled` when it was called off. */
  work(kind: ProgressKind, total: number, cancellable?: boolean, step?: (done: number) => void): Promise<void>;
}
