import type { AuthSpec, PersonView, PolicySpec, ProviderSpec, ProviderView, RuleSpec, AgentSecretRef } from "../vault";
import { day, hour, minute, people } from "./data";

/** Agents of a made-up team, what they may do and what they did. */

export const emptyPolicy: PolicySpec = { rules: [], providers: [], onLock: "pause", sessionMinutes: 480, requests: null, bytes: null, rate: null };

const all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const bearer: AuthSpec = { kind: "bearer" };

type Seed = [id: string, name: string, base: string, auth: AuthSpec, tokenVariable: string, baseVariable: string | null, capabilities: string[], methods?: string[], paths?: string[]];

const builtIn: Seed[] = [
  ["openai", "OpenAI", "https://api.openai.com", bearer, "OPENAI_API_KEY", "OPENAI_BASE_URL", ["models"], ["GET", "POST", "DELETE"], ["/v1/**"]],
  ["anthropic", "Anthropic", "https://api.anthropic.com", { kind: "header", name: "x-api-key", template: "{}" }, "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", ["models"], ["GET", "POST"], ["/v1/**"]],
  ["gemini", "Google Gemini", "https://generativelanguage.googleapis.com", { kind: "header", name: "x-goog-api-key", template: "{}" }, "GEMINI_API_KEY", null, ["models"], ["GET", "POST"], ["/**"]],
  ["groq", "Groq", "https://api.groq.com", bearer, "GROQ_API_KEY", "GROQ_BASE_URL", ["models"], ["GET", "POST"], ["/openai/v1/**"]],
  ["github", "GitHub", "https://api.github.com", bearer, "GITHUB_TOKEN", null, ["read", "issues", "git-read"]],
  ["notion", "Notion", "https://api.notion.com", bearer, "NOTION_TOKEN", null, ["read", "write"]],
  ["cloudflare", "Cloudflare", "https://api.cloudflare.com", bearer, "CLOUDFLARE_API_TOKEN", null, ["read", "dns"]],
  ["brave", "Brave Search", "https://api.search.brave.com", { kind: "header", name: "x-subscription-token", template: "{}" }, "BRAVE_API_KEY", null, ["search"], ["GET"], ["/res/v1/**"]],
  ["discord", "Discord", "https://discord.com", { kind: "header", name: "authorization", template: "Bot {}" }, "DISCORD_TOKEN", null, ["read", "messages"]],
  ["telegram", "Telegram", "https://api.telegram.org", { kind: "path" }, "TELEGRAM_BOT_TOKEN", null, ["read", "send"], ["GET", "POST"]],
  ["hetzner", "Hetzner Cloud", "https://api.hetzner.cloud", bearer, "HCLOUD_TOKEN", null, ["read", "servers"]],
  ["aws-s3", "AWS S3", "https://s3.amazonaws.com", { kind: "sigV4", service: "s3", region: null }, "AWS_ACCESS_KEY_ID", null, ["read", "write"]],
];

const titles: Record<string, string> = { models: "Ask models for answers", read: "Read", write: "Read and write", issues: "Read and write issues", "git-read": "Clone and fetch with git", dns: "Read and write DNS records", search: "Search the web", messages: "Read and write messages", send: "Send messages", servers: "Make, change and delete servers" };

function provider([id, name, base, auth, tokenVariable, baseVariable, capabilities, methods = all, paths = ["/**"]]: Seed): ProviderView {
  return { id, name, base, hosts: [new URL(base).host], ports: [443], methods, paths, auth, private: false, tokenVariable, baseVariable, builtIn: true, capabilities: capabilities.map((one) => ({ id: one, title: titles[one] ?? one })), agents: [] };
}

export const builtInProviders: ProviderView[] = builtIn.map(provider);

export const sentry: ProviderSpec = { id: "sentry", name: "Sentry, own server", base: "https://sentry.acme.example", hosts: ["sentry.acme.example"], ports: [443], methods: ["GET"], paths: ["/api/0/**"], auth: bearer, private: true, tokenVariable: "SENTRY_AUTH_TOKEN", baseVariable: "SENTRY_URL" };
export const stripe: ProviderSpec = { id: "stripe", name: "Stripe", base: "https://api.stripe.com", hosts: ["api.stripe.com"], ports: [443], methods: ["GET", "POST"], paths: ["/v1/**"], auth: bearer, private: false, tokenVariable: "STRIPE_API_KEY", baseVariable: null };

function secret(envId: string, secretId: string, name: string, place: string): AgentSecretRef {
  return { envId, secretId, name, place };
}

const stripeKey = secret("env_sf_prod", "sec_sfp_s15", "STRIPE_SECRET_KEY", "storefront / prod");
const sentryDsn = secret("env_sf_prod", "sec_sfp_s12", "SENTRY_DSN", "storefront / prod");

function rule(name: string, change: Partial<RuleSpec>): RuleSpec {
  return { name, effect: "allow", provider: "", capability: null, secrets: [], hosts: [], ports: [443], methods: ["GET", "HEAD"], paths: ["/**"], process: null, uses: null, notAfterMs: null, rate: null, bytes: null, reason: false, ...change };
}

export type AgentSeed = { id: string; name: string; responsible: PersonView; policy: PolicySpec; ends: number | null; issued: number; link: number; running: number | null; process: string; calls: number; bytes: number; tokens: [provider: string, made: number, used: number | null][] };

export const agentSeeds: AgentSeed[] = [
  {
    id: "agt_refund", name: "refund-desk", responsible: people.mara, ends: 41 * day, issued: 12 * day, link: 388, running: 2 * hour + 10 * minute, process: "refund-desk", calls: 9, bytes: 61_440, tokens: [["stripe", 12 * day, 9_000]],
    policy: {
      ...emptyPolicy, providers: [stripe], requests: 50, bytes: 20 * 1024 * 1024, sessionMinutes: 480, onLock: "end",
      rules: [
        rule("no payouts", { effect: "deny", provider: "stripe", hosts: stripe.hosts, methods: ["POST"], paths: ["/v1/payouts/**"] }),
        rule("refunds", { effect: "ask", provider: "stripe", secrets: [stripeKey], hosts: stripe.hosts, methods: ["POST"], paths: ["/v1/refunds"], uses: 20, reason: true }),
        rule("read charges", { provider: "stripe", secrets: [stripeKey], hosts: stripe.hosts, paths: ["/v1/charges/**", "/v1/customers/*"] }),
      ],
    },
  },
  {
    id: "agt_docs", name: "docs-writer", responsible: people.ines, ends: 61 * day, issued: 20 * day, link: 371, running: 41 * minute, process: "claude", calls: 220, bytes: 44_040_192, tokens: [["anthropic", 20 * day, 2 * minute], ["github", 20 * day, 3 * minute]],
    policy: {
      ...emptyPolicy, requests: 500, bytes: 50 * 1024 * 1024,
      rules: [
        rule("models", { provider: "anthropic", secrets: [secret("env_sf_dev", "sec_sfd_s0", "ALGOLIA_ADMIN_KEY", "storefront / dev")], hosts: ["api.anthropic.com"], methods: ["POST"], paths: ["/v1/messages"] }),
        rule("read docs", { provider: "github", secrets: [secret("env_sf_dev", "sec_sfd_s1", "CDN_PURGE_TOKEN", "storefront / dev")], hosts: ["api.github.com"], paths: ["/repos/acme/docs/**"] }),
        rule("write docs", { effect: "ask", provider: "github", secrets: [secret("env_sf_dev", "sec_sfd_s1", "CDN_PURGE_TOKEN", "storefront / dev")], hosts: ["api.github.com"], methods: ["PUT", "POST", "PATCH"], paths: ["/repos/acme/docs/contents/**", "/repos/acme/docs/pulls"] }),
      ],
    },
  },
  {
    id: "agt_triage", name: "triage", responsible: people.teo, ends: null, issued: 63 * day, link: 290, running: 6 * hour, process: "triage.py", calls: 1_830, bytes: 12_582_912, tokens: [["sentry", 63 * day, 20_000]],
    policy: { ...emptyPolicy, providers: [sentry], requests: 3_000, rules: [rule("read issues", { provider: "sentry", secrets: [sentryDsn], hosts: sentry.hosts, paths: ["/api/0/**"], rate: { count: 60, perSeconds: 60 } })] },
  },
  {
    id: "agt_release", name: "release-bot", responsible: people.priya, ends: 9 * day, issued: 30 * day, link: 352, running: null, process: "", calls: 0, bytes: 0, tokens: [],
    policy: { ...emptyPolicy, requests: 200, rules: [rule("publish", { effect: "ask", provider: "aws-s3", secrets: [secret("env_sf_prod", "sec_sfp_s11", "S3_SECRET_ACCESS_KEY", "storefront / prod")], hosts: ["s3.amazonaws.com"], methods: ["PUT"], paths: ["/acme-releases/**"] })] },
  },
  {
    id: "agt_search", name: "price-watch", responsible: people.jun, ends: 22 * day, issued: 8 * day, link: 401, running: null, process: "", calls: 0, bytes: 0, tokens: [["brave", 8 * day, 26 * hour]],
    policy: { ...emptyPolicy, rules: [rule("search", { provider: "brave", secrets: [secret("env_edge_dev", "sec_edd_3", "BILLING_KEY", "edge-worker / dev")], hosts: ["api.search.brave.com"], methods: ["GET"], paths: ["/res/v1/**"] })] },
  },
];

export type LiveSeed = [before: number, agent: string, method: string, host: string, path: string, uses: string | null, decision: "held" | "allowed" | "approved" | "denied" | "failed", why: string | null, status: number | null, millis: number | null];

const second = 1_000;

/** Newest first, as the drawing has them. */
export const liveSeeds: LiveSeed[] = [
  [1 * second, "refund-desk", "POST", "api.stripe.com", "/v1/refunds", "STRIPE_SECRET_KEY", "held", null, null, null],
  [10 * second, "triage", "GET", "sentry.acme.example", "/api/0/issues/", "SENTRY_DSN", "allowed", null, 200, 84],
  [12 * second, "triage", "GET", "sentry.acme.example", "/api/0/issues/88123/", "SENTRY_DSN", "allowed", null, 200, 112],
  [28 * second, "docs-writer", "POST", "api.anthropic.com", "/v1/messages", "ALGOLIA_ADMIN_KEY", "allowed", null, 200, 6_140],
  [34 * second, "docs-writer", "PUT", "api.github.com", "/repos/acme/docs/contents/README.md", "CDN_PURGE_TOKEN", "held", null, null, null],
  [52 * second, "triage", "GET", "169.254.169.254", "/latest/meta-data/", null, "denied", "link-local address", null, null],
  [71 * second, "docs-writer", "GET", "api.github.com", "/repos/acme/docs/git/trees/main", "CDN_PURGE_TOKEN", "allowed", null, 200, 61],
  [102 * second, "refund-desk", "GET", "api.stripe.com", "/v1/charges/ch_3QxW8nT2a", "STRIPE_SECRET_KEY", "allowed", null, 200, 203],
  [140 * second, "refund-desk", "POST", "api.stripe.com", "/v1/payouts", null, "denied", "rule “no payouts” denies it", null, null],
  [157 * second, "triage", "GET", "sentry.acme.example", "/api/0/projects/acme/web/events/", "SENTRY_DSN", "failed", "the host did not answer in 10 s", null, 10_004],
  [181 * second, "docs-writer", "POST", "api.anthropic.com", "/v1/messages", "ALGOLIA_ADMIN_KEY", "allowed", null, 200, 4_812],
  [352 * second, "refund-desk", "POST", "api.stripe.com", "/v1/refunds", "STRIPE_SECRET_KEY", "approved", null, 200, 240],
  [380 * second, "triage", "GET", "sentry.acme.example", "/api/0/projects/", "SENTRY_DSN", "allowed", null, 200, 77],
  [408 * second, "docs-writer", "GET", "api.github.com", "/repos/acme/docs/branches", "CDN_PURGE_TOKEN", "allowed", null, 200, 58],
];
