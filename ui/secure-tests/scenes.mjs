// What the pictures of the secure pages show. Sizes are those of src-tauri/src/windows.rs.
const DAY = 86_400_000;
const soon = Date.now() + 7 * DAY;
const code = "aeaaaaabmfzxg5dsnfzgk3tfonqwe3dfmvzxg2lom5uw4zlyoruxg5dfnzsgk3tdmfsxg5djmnqxi2lpnztw64dbojsw45dfmvzxiyltorqw23dpojsxi2dbojuxg43bmnzxkzdfonzwszlombrwc3thmvzxg2lpnzxw43tfojsxg5dfmvzxg2lom4";
const qr = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 33 33" shape-rendering="crispEdges"><rect width="33" height="33" fill="#fff"/>${Array.from({ length: 380 }, (_, i) => `<rect x="${2 + ((i * 7919) % 29)}" y="${2 + ((i * 104729) % 29)}" width="1" height="1"/>`).join("")}</svg>`;
const look = { server: "https://vault.acme.example", organisationWords: "harbor violin cedar planet mitten orbit", inviterFingerprint: "7kq2-mx4t-az5e-pdqs-r6vz", link: 412, role: "member", expires: soon, known: false };
const lines = [
  { kind: "warn", text: "Noor Basri's key was never compared", detail: "Whoever holds it could be somebody else", until: null },
  { kind: "gain", text: "Noor Basri reads storefront / prod", detail: "38 secrets", until: soon },
  { kind: "gain", text: "Sam Ferro reads and writes payments / staging", detail: null, until: null },
  { kind: "lose", text: "Teo Varga loses payments / prod", detail: "Held read and write before", until: null },
  { kind: "rotate", text: "1 data key is replaced and every value there sealed again", detail: "payments / prod", until: null },
];
const sign = { title: "Change who can read", person: "Mara Lind", lines, links: 3, typed: null, check: "I have not compared this key and grant it anyway", action: "Sign and apply", done: "Signed." };
const create = { label: "Acme", organisation: "Acme", person: "Mara Lind", keyring: "available", server: "https://vault.acme.example" };

const approve = {
  held: {
    id: 4, agentId: "agt_a", agent: "refund-desk", sentence: { parts: [{ text: "Refund ", strong: false }, { text: "42.00 EUR", strong: true }, { text: " to customer ", strong: false }, { text: "cus_P8r2k", strong: true }] },
    detail: "The customer was charged twice for order 10-88231", method: "POST", host: "api.stripe.com", path: "/v1/refunds", uses: "STRIPE_SECRET_KEY", place: "storefront / prod",
    process: "/usr/bin/node, pid 48213", responsible: { id: "usr_a", name: "Mara Lind", initials: "ML", you: true }, rule: "refunds need a person", askedAt: Date.now() - 12_000, endsAt: Date.now() + 48_000, alike: { count: 3, last: Date.now() - 900_000 },
  },
  how: null, at: 1, of: 2, minutes: 15, count: 10, pattern: "/v1/refunds",
};

export const scenes = [
  { name: "sign", page: "sign", size: [520, 500], answers: { sign_context: sign } },
  { name: "sign-typed", page: "sign", size: [520, 500], answers: { sign_context: { ...sign, title: "Remove Teo Varga from the organisation", typed: "Teo Varga", check: null, action: "Remove and sign", lines: lines.slice(3) } }, run: (page) => page.fill("#typed", "Teo Varga") },
  { name: "sign-many", page: "sign", size: [520, 500], answers: { sign_context: { ...sign, links: 40, lines: Array.from({ length: 40 }, (_, i) => ({ kind: "gain", text: `Person ${i} reads storefront / prod`, detail: null, until: null })) } } },
  { name: "invite", page: "invite", size: [560, 630], answers: { invite_context: { label: "Kit Marlow", role: "member", grants: ["storefront / dev: read and write", "storefront / prod: read"], expires: soon, code, qrSvg: qr, server: look.server, fingerprint: look.inviterFingerprint } } },
  { name: "take", page: "take", size: [440, 400], answers: { take_context: {} } },
  { name: "join", page: "join", size: [480, 700], answers: { join_context: { keyring: "available" }, join_read: look }, run: (page) => page.fill("#code", code) },
  { name: "join-person", page: "join", size: [480, 700], answers: { join_context: { keyring: "available" }, join_look: look }, run: async (page) => { await page.fill("#code", code); await page.click("#submit"); } },
  { name: "join-reset", page: "join", size: [480, 700], answers: { join_context: { keyring: "missing" }, join_look: { ...look, known: true } }, run: async (page) => { await page.fill("#code", code); await page.click("#submit"); await page.click("#reset"); await page.click("#submit"); } },
  { name: "restore", page: "restore", size: [480, 700], answers: { restore_context: { server: look.server, keyring: "available" } } },
  { name: "words", page: "words", size: [470, 400], answers: { words_context: { name: "Noor Basri", six: look.organisationWords.split(" "), fingerprint: look.inviterFingerprint } } },
  { name: "words-differ", page: "words", size: [470, 400], answers: { words_context: { name: "Noor Basri", six: look.organisationWords.split(" "), fingerprint: look.inviterFingerprint } }, run: (page) => page.click("#different") },
  { name: "token", page: "token", size: [520, 480], answers: { token_context: { name: "deploy-eu", token: `srt.${"a2".repeat(13)}.${"EXAMPLEonly0".repeat(4)}`, reads: ["storefront / prod: read", "storefront / staging: read"], ends: Date.now() + 90 * DAY, link: 413, by: "Mara Lind" } } },
  { name: "approve", page: "approve", size: [520, 640], answers: { approve_context: approve } },
  { name: "approve-deny", page: "approve", size: [520, 640], answers: { approve_context: approve }, run: async (page) => { await page.waitForTimeout(800); await page.click("#deny"); } },
  { name: "approve-over", page: "approve", size: [520, 640], answers: { approve_context: { ...approve, held: null, how: "timed-out" } } },
  { name: "faketoken", page: "faketoken", size: [520, 560], answers: { faketoken_context: { agent: "docs-writer", provider: "OpenAI", fake: `sk-proj-srf_openai_${"EXAMPLEonly".repeat(4)}`, variables: `OPENAI_API_KEY=sk-proj-srf_openai_${"EXAMPLEonly".repeat(4)}\nOPENAI_BASE_URL=http://127.0.0.1:7411/openai/v1`, replaced: true } } },
  { name: "operator", page: "operator", size: [440, 330], answers: { operator_context: { code: "k7Wm2pQx9TbR" } } },
  { name: "create-there", page: "create", size: [440, 520], answers: { create_context: create } },
];
