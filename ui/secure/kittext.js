// The text in the QR code of an Emergency Kit: six lines, of which the last is the Secret Key.

/** The server that a kit names when the vault lived on one computer only. */
export const ONE_COMPUTER = "this computer";

/** The fields of a kit's text, or null if it is none. */
export function readKit(text) {
  const lines = text.trim().split(/\r?\n/).map((line) => line.trim());
  if (lines.length !== 6 || lines[0] !== "strongroom-kit 1" || lines.some((line) => !line)) return null;
  const [, server, account, organisation, head, secretKey] = lines;
  return { server, account, organisation, head, secretKey };
}
