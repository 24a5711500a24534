import type { IconName } from "../../shared/icons";

export const sections = [
  { id: "locking", title: "Locking", icon: "lock" },
  { id: "clipboard", title: "Clipboard and reveal", icon: "clip" },
  { id: "appearance", title: "Appearance", icon: "sun" },
  { id: "keyboard", title: "Keyboard", icon: "keyboard" },
  { id: "organisation", title: "Organisation", icon: "users" },
  { id: "audit", title: "Audit log", icon: "audit" },
  { id: "kit", title: "Emergency Kit", icon: "print" },
  { id: "data", title: "Server and data", icon: "server" },
] as const satisfies readonly { id: string; title: string; icon: IconName }[];

/** The keys of the window, by where they act. `letter` ones can be switched off. */
export const keyTable: { title: string; keys: { keys: string[]; does: string; letter?: true }[] }[] = [
  {
    title: "Anywhere",
    keys: [
      { keys: ["Ctrl K"], does: "Search or jump to" },
      { keys: ["Ctrl L"], does: "Lock" },
      { keys: ["Ctrl Shift ."], does: "Stop every agent" },
      { keys: ["Ctrl B"], does: "Side bar" },
      { keys: ["g", "e"], does: "Environments", letter: true },
      { keys: ["g", "a"], does: "Access", letter: true },
      { keys: ["g", "m"], does: "Members", letter: true },
      { keys: ["g", "t"], does: "Service tokens", letter: true },
      { keys: ["g", "n"], does: "Agents", letter: true },
      { keys: ["g", "l"], does: "Audit log", letter: true },
      { keys: ["g", "v"], does: "Trust: what was verified", letter: true },
      { keys: ["g", "s"], does: "Settings", letter: true },
      { keys: ["?"], does: "This table", letter: true },
      { keys: ["Esc"], does: "Close, then clear the filter, then the selection" },
    ],
  },
  {
    title: "In an environment",
    keys: [
      { keys: ["/", "Ctrl F"], does: "Filter names and notes" },
      { keys: ["N"], does: "New secret", letter: true },
      { keys: ["[", "]"], does: "Previous, next environment", letter: true },
      { keys: ["Ctrl Z"], does: "Undo what is staged" },
      { keys: ["Ctrl Shift Z"], does: "Redo" },
      { keys: ["Ctrl ↵"], does: "Review, then sign" },
    ],
  },
  {
    title: "In the table",
    keys: [
      { keys: ["↑", "↓", "PgUp", "PgDn"], does: "Move" },
      { keys: ["Home", "End"], does: "First, last" },
      { keys: ["←", "→"], does: "Actions of the row" },
      { keys: ["↵", "Space"], does: "Inspect" },
      { keys: ["C"], does: "Copy", letter: true },
      { keys: ["R"], does: "Reveal", letter: true },
      { keys: ["E"], does: "Edit", letter: true },
      { keys: ["D", "Del"], does: "Delete", letter: true },
      { keys: ["X", "Shift X"], does: "Select, select a range", letter: true },
      { keys: ["Ctrl A"], does: "Select what is filtered" },
    ],
  },
  {
    title: "Members, tokens and leavers",
    keys: [
      { keys: ["I"], does: "Invite (Members)", letter: true },
      { keys: ["W"], does: "Compare words (Members)", letter: true },
      { keys: ["N"], does: "New token (Tokens)", letter: true },
      { keys: ["D", "Del"], does: "Offboard or revoke", letter: true },
      { keys: ["X", "Space"], does: "Tick off (Offboard)", letter: true },
      { keys: ["E"], does: "New value (Offboard)", letter: true },
    ],
  },
  {
    title: "In Access",
    keys: [
      { keys: ["↑", "↓", "←", "→"], does: "Move" },
      { keys: ["↵", "Space"], does: "Explain the cell" },
      { keys: ["1", "2", "3"], does: "Read, write, grant", letter: true },
      { keys: ["T"], does: "Set an end", letter: true },
      { keys: ["D", "Del"], does: "Revoke", letter: true },
    ],
  },
  {
    title: "Agents",
    keys: [
      { keys: ["N"], does: "New agent, rule or provider", letter: true },
      { keys: ["P"], does: "Pause the view, go on (Live)", letter: true },
      { keys: ["S"], does: "Stop the agent of the row", letter: true },
      { keys: ["D", "Del"], does: "End the agent, remove the rule", letter: true },
      { keys: ["Alt ↑", "Alt ↓"], does: "Move the rule" },
      { keys: ["T"], does: "Try a request (Policies, small window)", letter: true },
      { keys: ["Ctrl ↵"], does: "Review and sign the policy" },
    ],
  },
  {
    title: "In the audit log",
    keys: [
      { keys: ["/", "Ctrl F"], does: "Search" },
      { keys: ["V"], does: "Verify", letter: true },
      { keys: ["↵", "Space"], does: "Open the row" },
      { keys: ["Alt ↵"], does: "Only this (on a filter)" },
      { keys: ["Shift ←", "Shift →"], does: "Choose a span (on the chart)" },
      { keys: ["←", "→"], does: "Move the span" },
    ],
  },
];
