// What each picture shows: a scenario of the vault in memory, and the steps that lead there.
const by = (page, id) => page.getByTestId(id);
const prod = async (page) => {
  await page.locator('[data-name="storefront/prod"]').or(by(page, "crumb-env")).first().waitFor();
  const link = page.locator('[data-testid="env-link"][data-name="storefront/prod"]');
  if (await link.count()) await link.click();
  else {
    await by(page, "crumb-env").click();
    await page.getByRole("menuitem", { name: "prod" }).click();
  }
  await page.locator('[data-testid="env-row"][data-name="ALGOLIA_ADMIN_KEY"]').waitFor();
};
const row = (page, name) => page.locator(`[data-testid="env-row"][data-name="${name}"]`);
const copied = async (page) => {
  await prod(page);
  await row(page, "STRIPE_SECRET_KEY").click();
  await page.keyboard.press("c");
  await page.getByText("Copied,").waitFor();
  await row(page, "OAUTH_CLIENT_SECRET").hover();
};

const person = (page, name) => page.locator(`[data-testid="people-row"][data-name="${name}"]`);
const token = (page, name) => page.locator(`[data-testid="tokens-row"][data-name="${name}"]`);
const leaver = async (page) => {
  await by(page, "members-open").click();
  await by(page, "members-left").click();
  await page.locator('[data-testid="left-row"][data-name="Oskar Vale"]').dblclick();
  await by(page, "queue-row").nth(3).click();
};

const matrix = async (page) => {
  await page.locator("nav").first().waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("a");
  await page.locator("[data-cell] .g").first().waitFor();
};
const cell = (page, principal, env) => page.locator(`[data-cell="${principal} ${env}"]`);
const explained = async (page) => {
  await matrix(page);
  await cell(page, "usr_teo", "env_sf_prod").click();
  await by(page, "access-sentence").waitFor();
};

const log = async (page) => {
  await page.locator("nav").first().waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("l");
  await page.locator('[data-testid="audit-row"][data-entry]').first().waitFor();
};
const lastDays = async (page) => {
  await log(page);
  const box = await by(page, "audit-timeline").boundingBox();
  await page.mouse.move(box.x + box.width * 0.68, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 1, box.y + 30, { steps: 6 });
  await page.mouse.up();
  await by(page, "audit-chip").first().waitFor();
};
const verified = async (page) => {
  await lastDays(page);
  await by(page, "audit-row").nth(5).click();
  await page.keyboard.press("v");
  await by(page, "audit-verdict").waitFor();
};
const opened = async (page) => {
  await log(page);
  await by(page, "audit-row").nth(5).click();
  await page.keyboard.press("Enter");
  await by(page, "audit-sentence").waitFor();
};
const many = "audit=1204911";

const insights = async (page) => { await by(page, "audit-open").click(); await by(page, "audit-tab-insights").click(); await by(page, "insight").first().waitFor(); };
const agents = async (page, tab) => {
  await by(page, "agents-open").click();
  await by(page, "broker").waitFor();
  if (tab) await by(page, `agents-${tab}`).click();
};
const agent = async (page, name) => { await agents(page, "agents"); await page.locator(`[data-testid="agents-row"][data-name="${name}"]`).dblclick(); await by(page, "agent-sheet").waitFor(); };
const tried = async (page) => {
  await agents(page, "policies");
  if (await by(page, "try-open").count()) await by(page, "try-open").click();
  await by(page, "try-url").fill("https://api.stripe.com/v1/refunds");
  await by(page, "try-method").click();
  await page.getByRole("option", { name: "POST" }).click();
  await by(page, "try-reason").fill("duplicate charge");
  await by(page, "try-answer").getByText("refunds").first().waitFor();
};
const formed = async (page) => {
  await agents(page);
  await by(page, "agent-new").click();
  await by(page, "agent-name").fill("changelog");
  await by(page, "agent-provider").click();
  await page.getByRole("option", { name: "GitHub" }).click();
  await by(page, "agent-secret-github-field").fill("token");
  await by(page, "agent-secret-github-hit").first().waitFor();
};

export const scenes = [
  { name: "agents", query: "still=1", run: async (page) => { await agents(page); await by(page, "live-row").first().click(); } },
  { name: "agents-900x600", query: "still=1", size: [900, 600], run: (page) => agents(page) },
  { name: "agents-1920x1080", query: "still=1", size: [1920, 1080], run: (page) => agents(page) },
  { name: "agents-640x400", query: "still=1", size: [640, 400], run: (page) => agents(page) },
  { name: "agents-inbox-900x600", query: "still=1", size: [900, 600], run: async (page) => { await agents(page); await by(page, "waits-bar").click(); } },
  { name: "agents-empty", query: "still=1&alone=1", run: (page) => agents(page) },
  { name: "agents-stopped", query: "still=1&broker=stopped&alarm=1", run: (page) => agents(page) },
  { name: "agents-failed", query: "still=1&broker=failed", run: (page) => agents(page) },
  { name: "agents-request", query: "still=1", run: async (page) => { await agents(page); await by(page, "live-row").nth(5).dblclick(); await by(page, "request-sheet").waitFor(); } },
  { name: "agents-list", query: "still=1", run: (page) => agents(page, "agents") },
  { name: "agents-sheet", query: "still=1", run: (page) => agent(page, "docs-writer") },
  { name: "agents-sheet-900x600", query: "still=1", size: [900, 600], run: (page) => agent(page, "docs-writer") },
  { name: "agents-form", query: "still=1", run: formed },
  { name: "agents-form-900x600", query: "still=1", size: [900, 600], run: formed },
  { name: "agents-policies", query: "still=1", run: tried },
  { name: "agents-policies-staged", query: "still=1", run: async (page) => { await tried(page); await by(page, "rule-effect-allow").click(); } },
  { name: "agents-policies-900x600", query: "still=1", size: [900, 600], run: (page) => agents(page, "policies") },
  { name: "agents-try-900x600", query: "still=1", size: [900, 600], run: tried },
  { name: "agents-providers", query: "still=1", run: (page) => agents(page, "providers") },
  { name: "agents-providers-form", query: "still=1", run: async (page) => { await agents(page, "providers"); await by(page, "provider-new").click(); await by(page, "provider-name").fill("Sentry, EU"); await by(page, "provider-base").fill("https://sentry.example.com"); await by(page, "provider-auth-kind").click(); await page.getByRole("option", { name: "A header of its own" }).click(); } },
  { name: "agents-secret", query: "still=1", run: async (page) => { await prod(page); await row(page, "STRIPE_SECRET_KEY").click(); await by(page, "secret-agents").waitFor(); } },
  { name: "agents-secret-form", query: "still=1", run: async (page) => { await prod(page); await row(page, "STRIPE_SECRET_KEY").click(); await by(page, "secret-policy-edit").click(); await by(page, "secret-policy-form").waitFor(); } },
  { name: "welcome", query: "phase=welcome" },
  { name: "welcome-900x600", query: "phase=welcome", size: [900, 600] },
  { name: "create", query: "phase=welcome", run: (page) => by(page, "welcome-create").click() },
  { name: "sample-progress", query: "phase=welcome&slow=100", run: async (page) => { await by(page, "welcome-sample").click(); await page.waitForTimeout(400); } },
  { name: "locked", query: "phase=locked" },
  { name: "locked-900x600", query: "phase=locked", size: [900, 600] },
  { name: "environment", query: "staged=1", run: copied },
  { name: "environment-900x600", query: "staged=1", size: [900, 600], run: copied },
  { name: "environment-640x400", query: "staged=1", size: [640, 400], run: prod },
  { name: "environment-1920x1080", query: "staged=1", size: [1920, 1080], run: copied },
  { name: "environment-sample", query: "staged=1&sample=1", run: prod },
  { name: "environment-roomy", query: "big=50000", run: async (page) => { await prod(page); await page.evaluate(() => window.fakeVault.settingsSet({ ...window.fakeVault.settings, rowHeight: "roomy" })).catch(() => undefined); } },
  { name: "big-end", query: "big=50000", run: async (page) => { await prod(page); await row(page, "ALGOLIA_ADMIN_KEY").click(); await page.keyboard.press("End"); await page.waitForTimeout(300); } },
  { name: "filter", query: "", run: async (page) => { await prod(page); await page.keyboard.press("/"); await page.keyboard.type("key"); } },
  { name: "filter-none", query: "", run: async (page) => { await prod(page); await page.keyboard.press("/"); await page.keyboard.type("zzz"); } },
  { name: "marked", query: "", run: async (page) => { await prod(page); await row(page, "DATABASE_URL").click(); await page.keyboard.press("x"); await page.keyboard.press("ArrowDown"); await page.keyboard.press("ArrowDown"); await page.keyboard.press("Shift+X"); } },
  { name: "delete-toast", query: "", run: async (page) => { await prod(page); await row(page, "MAPS_API_KEY").click(); await page.keyboard.press("d"); await by(page, "toast").waitFor(); } },
  { name: "review", query: "staged=1", run: async (page) => { await prod(page); await page.keyboard.press("Control+Enter"); await by(page, "review-row").first().waitFor(); } },
  { name: "signed-toast", query: "staged=1", run: async (page) => { await prod(page); await page.keyboard.press("Control+Enter"); await by(page, "review-row").first().waitFor(); await page.keyboard.press("Control+Enter"); await by(page, "toast").waitFor(); } },
  { name: "conflict", query: "staged=1&conflict=1", run: async (page) => { await prod(page); await page.keyboard.press("Control+Enter"); await by(page, "review-row").first().waitFor(); await page.keyboard.press("Control+Enter"); await by(page, "conflict").waitFor(); } },
  { name: "import", query: "", run: async (page) => { await prod(page); await by(page, "import-open").click(); await by(page, "import-sheet").waitFor(); } },
  { name: "import-rename", query: "", run: async (page) => { await prod(page); await by(page, "import-open").click(); await by(page, "import-rename").click(); await by(page, "import-choose").click().catch(() => undefined); } },
  { name: "import-900x600", query: "", size: [900, 600], run: async (page) => { await prod(page); await by(page, "import-open").click(); await by(page, "import-sheet").waitFor(); } },
  { name: "import-progress", query: "slow=200", run: async (page) => { await prod(page); await by(page, "import-open").click(); await by(page, "import-apply").click(); await by(page, "progress").waitFor(); await page.waitForTimeout(900); } },
  { name: "drop", query: "", run: async (page) => { await prod(page); await page.evaluate(() => window.fakeVault.emit("dragOver", { over: true })); } },
  { name: "empty", query: "", run: async (page) => { await page.locator('[data-name="edge-worker/staging"]').click(); await by(page, "env-empty").waitFor(); } },
  { name: "first-run", query: "empty=1", run: (page) => by(page, "first-run").waitFor() },
  { name: "app-form", query: "empty=1", run: async (page) => { await by(page, "first-app").click(); await by(page, "app-name").fill("storefront"); } },
  { name: "env-form", query: "", run: async (page) => { await prod(page); await by(page, "env-new").first().dispatchEvent("click"); await by(page, "env-name").fill("qa"); } },
  { name: "offline", query: "state=behind&staged=1", run: prod },
  { name: "stopped", query: "state=stopped&staged=1", run: prod },
  { name: "checking", query: "state=checking", run: prod },
  { name: "org-menu", query: "", run: async (page) => { await prod(page); await by(page, "org-menu").click(); } },
  { name: "env-menu", query: "", run: async (page) => { await prod(page); await by(page, "crumb-env").click(); } },
  { name: "inspector-sheet-900x600", query: "staged=1", size: [900, 600], run: async (page) => { await prod(page); await row(page, "DATABASE_URL").click(); await page.keyboard.press("Enter"); } },
  { name: "palette", query: "staged=1", run: async (page) => { await copied(page); await page.keyboard.press("Control+k"); await page.keyboard.type("stri"); await page.getByText("For STRIPE").waitFor(); } },
  { name: "palette-verbs", query: "", run: async (page) => { await prod(page); await page.keyboard.press("Control+k"); await page.keyboard.type("stri"); await page.getByText("For STRIPE").waitFor(); await page.keyboard.press("Tab"); } },
  { name: "palette-empty", query: "", run: async (page) => { await prod(page); await page.keyboard.press("Control+k"); } },
  { name: "palette-900x600", query: "", size: [900, 600], run: async (page) => { await prod(page); await page.keyboard.press("Control+k"); await page.keyboard.type("stri"); await page.getByText("For STRIPE").waitFor(); } },
  { name: "settings", query: "staged=1", run: (page) => by(page, "settings-open").click() },
  { name: "settings-keyboard", query: "", run: async (page) => { await by(page, "settings-open").click(); await by(page, "settings-keyboard").click(); } },
  { name: "settings-data", query: "sample=1", run: async (page) => { await by(page, "settings-open").click(); await by(page, "settings-data").click(); } },
  { name: "settings-organisation", query: "", run: async (page) => { await by(page, "settings-open").click(); await by(page, "settings-organisation").click(); } },
  { name: "settings-select", query: "", run: async (page) => { await by(page, "settings-open").click(); await by(page, "settings-auto-lock").click(); } },
  { name: "settings-900x600", query: "", size: [900, 600], run: (page) => by(page, "settings-open").click() },
  { name: "keys", query: "", run: async (page) => { await prod(page); await page.keyboard.press("?"); } },
  { name: "members", query: "", run: async (page) => { await by(page, "members-open").click(); await person(page, "Noor Basri").click(); } },
  { name: "members-900x600", query: "", size: [900, 600], run: async (page) => { await by(page, "members-open").click(); await person(page, "Noor Basri").click(); } },
  { name: "members-640x400", query: "", size: [640, 400], run: (page) => by(page, "members-open").click() },
  { name: "members-1920x1080", query: "", size: [1920, 1080], run: (page) => by(page, "members-open").click() },
  { name: "members-alone", query: "alone=1", run: (page) => by(page, "members-open").click() },
  { name: "members-reviewer", query: "role=reviewer", run: (page) => by(page, "members-open").click() },
  { name: "members-reset", query: "reset=1", run: (page) => by(page, "members-open").click() },
  { name: "members-menu", query: "", run: async (page) => { await by(page, "members-open").click(); await person(page, "Teo Varga").click(); await person(page, "Teo Varga").getByTestId("member-more").click(); } },
  { name: "members-filter", query: "", run: async (page) => { await by(page, "members-open").click(); await person(page, "Teo Varga").waitFor(); await page.keyboard.press("/"); await page.keyboard.type("zz"); } },
  { name: "person", query: "", run: async (page) => { await by(page, "members-open").click(); await person(page, "Noor Basri").click(); await page.keyboard.press("Enter"); await by(page, "person-sheet").waitFor(); } },
  { name: "invites", query: "", run: async (page) => { await by(page, "members-open").click(); await by(page, "members-invites").click(); await by(page, "invites-row").nth(1).click(); } },
  { name: "invites-900x600", query: "", size: [900, 600], run: async (page) => { await by(page, "members-open").click(); await by(page, "members-invites").click(); } },
  { name: "invites-empty", query: "alone=1", run: async (page) => { await by(page, "members-open").click(); await by(page, "members-invites").click(); } },
  { name: "invite-form", query: "", run: async (page) => { await by(page, "members-open").click(); await person(page, "Teo Varga").waitFor(); await page.keyboard.press("i"); await by(page, "invite-label").fill("Kit Marlow"); await by(page, "invite-grants-storefront-dev-3").click(); } },
  { name: "invite-form-900x600", query: "", size: [900, 600], run: async (page) => { await by(page, "members-open").click(); await by(page, "invite-new").click(); } },
  { name: "left", query: "leaver=1", run: async (page) => { await by(page, "members-open").click(); await by(page, "members-left").click(); } },
  { name: "tokens", query: "", run: async (page) => { await by(page, "tokens-open").click(); await token(page, "nightly-backup").click(); } },
  { name: "tokens-900x600", query: "", size: [900, 600], run: (page) => by(page, "tokens-open").click() },
  { name: "tokens-ended", query: "", run: async (page) => { await by(page, "tokens-open").click(); await by(page, "tokens-ended").click(); } },
  { name: "tokens-empty", query: "alone=1", run: (page) => by(page, "tokens-open").click() },
  { name: "token", query: "", run: async (page) => { await by(page, "tokens-open").click(); await token(page, "nightly-backup").click(); await page.keyboard.press("Enter"); await by(page, "token-sheet").waitFor(); } },
  { name: "token-form", query: "", run: async (page) => { await by(page, "tokens-open").click(); await token(page, "edge-build").waitFor(); await page.keyboard.press("n"); await by(page, "token-name").fill("deploy-eu"); await by(page, "token-scope-storefront-prod-1").click(); await by(page, "token-ends-never").click(); } },
  { name: "offboard", query: "leaver=1", run: leaver },
  { name: "offboard-900x600", query: "leaver=1", size: [900, 600], run: leaver },
  { name: "offboard-running", query: "leaver=1&slow=400", run: async (page) => { await leaver(page); await by(page, "rotation-start").click(); await page.waitForTimeout(1_500); } },
  { name: "offboard-never", query: "leaver=1", run: async (page) => { await leaver(page); await by(page, "queue-tab-never").click(); } },
  { name: "trust", query: "", run: (page) => by(page, "status-verified").click() },
  { name: "trust-900x600", query: "", size: [900, 600], run: (page) => by(page, "status-verified").click() },
  { name: "trust-holders", query: "", size: [1280, 1400], run: (page) => by(page, "status-verified").click() },
  { name: "trust-same", query: "", run: async (page) => { await by(page, "status-verified").click(); await by(page, "heads-code").fill("7kq2mx4taz5epdqs"); await by(page, "heads-compare").click(); await by(page, "heads-answer").waitFor(); } },
  { name: "trust-differs", query: "", run: async (page) => { await by(page, "status-verified").click(); await by(page, "heads-code").fill("7kq2mx4taz5epdqz"); await by(page, "heads-compare").click(); await by(page, "heads-answer").waitFor(); } },
  { name: "trust-stopped", query: "state=stopped", run: (page) => by(page, "status-verified").click() },
  { name: "due", query: "due=1", run: (page) => page.locator('[data-name="storefront/staging"]').click() },
  { name: "lost", query: "lost=1", run: (page) => page.locator('[data-name="payments/prod"]').click() },
  { name: "waiting", query: "waiting=1", run: (page) => by(page, "waiting-ask").waitFor() },
  { name: "join", query: "phase=welcome", run: (page) => by(page, "welcome-join").focus() },
  { name: "server", query: "phase=welcome", run: (page) => by(page, "welcome-server").click() },
  { name: "server-look", query: "phase=welcome", run: async (page) => { await by(page, "welcome-server").click(); await by(page, "server-address").fill("vault.acme.example"); await by(page, "server-look").click(); await by(page, "server-found").waitFor(); } },
  { name: "server-away", query: "phase=welcome", run: async (page) => { await by(page, "welcome-server").click(); await by(page, "server-address").fill("nobody.example"); await by(page, "server-look").click(); await page.waitForTimeout(200); } },
  { name: "server-new", query: "phase=welcome", run: async (page) => { await by(page, "welcome-server").click(); await by(page, "server-address").fill("vault.acme.example"); await by(page, "server-look").click(); await by(page, "server-founder").click(); } },
  { name: "server-browser", query: "phase=welcome&slow=500", run: async (page) => { await by(page, "welcome-server").click(); await by(page, "server-address").fill("vault.acme.example"); await by(page, "server-look").click(); await by(page, "server-issuer").first().click(); await page.waitForTimeout(300); } },
  { name: "access", query: "staged=1", run: explained },
  { name: "access-900x600", query: "staged=1", size: [900, 600], run: explained },
  { name: "access-1920x1080", query: "staged=1", size: [1920, 1080], run: matrix },
  { name: "access-keys", query: "", run: async (page) => { await matrix(page); await cell(page, "usr_teo", "env_pay_dev").click(); await page.keyboard.press("Escape"); await page.keyboard.press("Shift+ArrowDown"); await page.keyboard.press("Shift+ArrowRight"); await page.keyboard.press("2"); } },
  { name: "access-end", query: "", run: async (page) => { await explained(page); await page.keyboard.press("t"); await by(page, "access-end").waitFor(); } },
  { name: "access-question", query: "", run: async (page) => { await matrix(page); await by(page, "access-questions").click(); await by(page, "access-question-idle").click(); } },
  { name: "access-many", query: "matrix=500", run: async (page) => { await matrix(page); await by(page, "access-grid").evaluate((grid) => grid.scrollTo(9000, 9000)); await page.waitForTimeout(600); } },
  { name: "access-due", query: "due=1", run: matrix },
  { name: "access-who", query: "", run: async (page) => { await explained(page); await by(page, "explain-who").click(); await by(page, "who-row").first().waitFor(); } },
  { name: "access-review", query: "staged=1", run: async (page) => { await matrix(page); await page.keyboard.press("Control+Enter"); await by(page, "review-check").check(); } },
  { name: "audit", query: many, run: verified },
  { name: "audit-900x600", query: many, size: [900, 600], run: lastDays },
  { name: "audit-640x400", query: "", size: [640, 400], run: log },
  { name: "audit-1920x1080", query: many, size: [1920, 1080], run: verified },
  { name: "audit-open", query: many, run: log },
  { name: "audit-row", query: many, run: opened },
  { name: "audit-row-raw", query: "", size: [1280, 1000], run: async (page) => { await opened(page); await by(page, "audit-fields").click(); } },
  { name: "audit-row-900x600", query: "", size: [900, 600], run: opened },
  { name: "audit-row-outside", query: "", run: async (page) => { await log(page); await page.evaluate(() => window.fakeVault.emit("openLink", { org: "org_1", entry: Array.from({ length: 4000 }, (_, at) => at).find((at) => window.fakeVault.audit.log.row(at).kind === 13), envId: null, secretId: null })); await by(page, "audit-outside").waitFor(); } },
  { name: "audit-verifying", query: "slow=300", run: async (page) => { await log(page); await page.keyboard.press("v"); await by(page, "audit-verify-cancel").waitFor(); await page.waitForTimeout(1_500); } },
  { name: "audit-bad", query: "log=bad", run: async (page) => { await log(page); await page.keyboard.press("v"); await by(page, "audit-bad-open").waitFor(); await page.waitForTimeout(300); } },
  { name: "audit-bad-900x600", query: "log=bad", size: [900, 600], run: async (page) => { await log(page); await page.keyboard.press("v"); await by(page, "audit-bad-open").waitFor(); } },
  { name: "audit-export", query: many, run: async (page) => { await lastDays(page); await by(page, "audit-export").click(); } },
  { name: "audit-exporting", query: "slow=300", run: async (page) => { await log(page); await by(page, "audit-export").click(); await by(page, "audit-export-go").click(); await page.waitForTimeout(1_500); } },
  { name: "audit-exported", query: "", size: [900, 600], run: async (page) => { await log(page); await by(page, "audit-export").click(); await by(page, "audit-format-bundle").click(); await by(page, "audit-export-go").click(); await by(page, "audit-export-done").waitFor(); } },
  { name: "audit-compare", query: many, run: async (page) => { await verified(page); await by(page, "audit-compare").click(); await by(page, "audit-code").waitFor(); } },
  { name: "audit-compare-differs", query: "", run: async (page) => { await log(page); await page.keyboard.press("v"); await by(page, "audit-compare").click(); await by(page, "audit-their-size").fill("40000"); await by(page, "audit-their-code").fill("abcd ".repeat(8)); await by(page, "audit-compare-go").click(); await by(page, "audit-compare-answer").waitFor(); } },
  { name: "audit-filters", query: many, run: async (page) => { await lastDays(page); for (const [group, name] of [["kinds", "Revealed"], ["kinds", "Copied"], ["who", "Priya Sand"], ["envs", "payments / prod"]]) await by(page, `facet-${group}`).locator("label", { hasText: name }).click(); await page.waitForTimeout(300); await by(page, "audit-more-chips").click(); } },
  { name: "audit-none", query: "", run: async (page) => { await log(page); await page.keyboard.press("/"); await page.keyboard.type("zzz"); await by(page, "audit-none").waitFor(); } },
  { name: "audit-views", query: "", run: async (page) => { await log(page); await by(page, "audit-views").click(); } },
  { name: "audit-view-save", query: "", run: async (page) => { await lastDays(page); await by(page, "audit-views").click(); await by(page, "audit-view-save").click(); await by(page, "audit-view-name").fill("Production, last days"); } },
  { name: "audit-fresh", query: "", run: async (page) => { await log(page); await by(page, "audit-row").nth(4).click(); await by(page, "audit-live").click(); await by(page, "audit-fresh").waitFor(); } },
  { name: "audit-middle", query: many, run: async (page) => { await log(page); await by(page, "audit-grid").evaluate((grid) => grid.scrollTo(0, 4_000_000)); await page.waitForTimeout(500); } },
  { name: "audit-oldest", query: `${many}&log=retired`, run: async (page) => { await log(page); await by(page, "audit-grid").focus(); await page.keyboard.press("End"); await page.waitForTimeout(400); } },
  { name: "audit-empty", query: "log=empty", run: async (page) => { await by(page, "audit-open").click(); await by(page, "audit-empty").waitFor(); } },
  { name: "audit-unread", query: "log=unread&state=behind", run: async (page) => { await by(page, "audit-open").click(); await by(page, "audit-unread").waitFor(); } },
  { name: "audit-hidden", query: "role=member", run: async (page) => { await by(page, "audit-open").click(); await by(page, "audit-hidden").waitFor(); } },
  { name: "audit-reading", query: `${many}&log=reading`, run: async (page) => { await by(page, "audit-open").click(); await by(page, "audit-first-read").waitFor(); } },
  { name: "audit-offline", query: "state=behind", run: log },
  { name: "audit-refused", query: "log=unread&state=stopped", run: async (page) => { await by(page, "audit-open").click(); await by(page, "audit-refused").waitFor(); } },
  { name: "audit-anew", query: "log=anew", run: prod },
  { name: "audit-stopped", query: "state=stopped&log=back", run: log },
  { name: "settings-audit", query: "", run: async (page) => { await by(page, "settings-open").click(); await by(page, "settings-audit").click(); await by(page, "settings-witness-edit").click(); } },
  { name: "insights", query: "", run: insights },
  { name: "insights-900x600", query: "", size: [900, 600], run: insights },
  { name: "insights-640x400", query: "", size: [640, 400], run: insights },
  { name: "insights-1920x1080", query: "", size: [1920, 1080], run: async (page) => { await insights(page); await by(page, "insights-span-30").click(); } },
  { name: "insights-keys", query: "", run: async (page) => { await insights(page); await by(page, "hours").locator("[tabindex='0']").focus(); await page.keyboard.press("ArrowDown"); await page.keyboard.press("ArrowRight"); } },
  { name: "insights-day", query: "", run: async (page) => { await insights(page); await by(page, "days-refused").focus(); await page.keyboard.press("ArrowLeft"); await page.keyboard.press("ArrowLeft"); } },
  { name: "insights-none", query: "alone=1", run: async (page) => { await by(page, "audit-open").click(); await by(page, "audit-tab-insights").click(); await by(page, "insights-none").waitFor(); } },
  { name: "insights-reading", query: "log=reading", run: insights },
  { name: "insights-closed", query: "role=member", run: insights },
  { name: "insights-dismissed", query: "", run: async (page) => { await insights(page); await by(page, "insight-dismiss").first().click(); await by(page, "insights-dismissed").click(); await by(page, "insight-restore").scrollIntoViewIfNeeded(); } },
  { name: "decoy", query: "", size: [1280, 1000], run: async (page) => { await prod(page); await row(page, "WAREHOUSE_API_TOKEN").click(); await by(page, "decoy-off").waitFor(); } },
  { name: "decoy-mark", query: "", size: [1280, 1000], run: async (page) => { await prod(page); await row(page, "MAPS_API_KEY").click(); await by(page, "decoy-on").waitFor(); } },
];
