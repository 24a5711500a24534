/** A command of the log that the shell does not answer yet. */
export type AuditCommandsToCome = { auditRetain: (before: number) => Promise<null> };
