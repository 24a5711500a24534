import { cleanup } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VaultError } from "../src/ipc/vault";
import { notices } from "../src/shared/notices.svelte";
import { byId, maybe, open, press, type, waitFor } from "./support/app";
import { line, wideWindow, within } from "./support/team";

beforeEach(wideWindow);
afterEach(() => {
  cleanup();
  notices.forget();
  vi.restoreAllMocks();
});

async function members(scenario: Parameters<typeof open>[0] = {}) {
  const vault = open(scenario);
  (await byId("members-open")).click();
  await line("people", "Mara Lind");
  return vault;
}

describe("the side bar", () => {
  it("says how many wait, and g m goes there", async () => {
    open();
    expect((await byId("members-hot")).textContent).toContain("1 waits");
    (await byId("settings-open")).click();
    await byId("settings-theme-light");
    await press("g");
    await press("m");
    await line("people", "Mara Lind");
    expect((await byId("members-open")).getAttribute("aria-current")).toBe("page");
  });

  it("the palette leads to every screen and opens its forms", async () => {
    open();
    await byId("members-open");
    await press("k", { ctrlKey: true });
    await type(await byId("palette-input"), "invite some");
    await press("Enter");
    await byId("invite-form");
  });
});

describe("people", () => {
  it("each have a chip that says how their key was checked", async () => {
    await members();
    const trust = async (name: string) => within(await line("people", name), "trust")?.textContent;
    expect(await trust("Mara Lind")).toBe("Your key");
    expect(await trust("Ines Calder")).toBe("Verified by code");
    expect(await trust("Teo Varga")).toBe("Verified by words");
    expect(await trust("Noor Basri")).toBe("Unverified");
    expect((await line("people", "Ada Quill")).textContent).toContain("names and log only");
  });

  it("W compares words with the one in focus, in a window that Rust opens", async () => {
    const vault = await members();
    const words = vi.spyOn(vault, "memberWords");
    (await line("people", "Noor Basri")).click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("Noor Basri"));
    await press("w");
    expect(words).toHaveBeenCalledWith("usr_noor");
    await waitFor(async () => expect(within(await line("people", "Noor Basri"), "trust")?.textContent).toBe("Verified by words"));
  });

  it("are found by name with /, and a filter without a hit says so", async () => {
    await members();
    await press("/");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-testid")).toBe("members-filter"));
    await type(await byId("members-filter"), "teo");
    await waitFor(() => expect(document.querySelectorAll("[data-testid=people-row]").length).toBe(1));
    await type(await byId("members-filter"), "zz");
    expect((await byId("members-none")).textContent).toContain("Nobody matches");
    await press("Escape");
    await line("people", "Noor Basri");
  });

  it("open with Enter: fingerprint, role, link, and what they can read", async () => {
    const vault = await members();
    const who = vi.spyOn(vault, "whoView");
    (await line("people", "Noor Basri")).click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("Noor Basri"));
    await press("Enter");
    expect((await byId("person-fingerprint")).textContent).toBe("7kq2-mx4t-az5e-pdqs-r6vz");
    expect((await byId("person-sheet")).textContent).toContain("link 398");
    (await byId("person-who")).click();
    await waitFor(() => expect(who).toHaveBeenCalledWith({ kind: "principal", id: "usr_noor" }));
    await byId("who-sheet");
  });

  it("D begins to offboard, which Rust signs; the leaver is then among those who left", async () => {
    const vault = await members();
    const begin = vi.spyOn(vault, "offboardBegin");
    (await line("people", "Oskar Vale")).click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("Oskar Vale"));
    await press("d");
    expect(begin).toHaveBeenCalledWith("usr_oskar");
    expect((await byId("toast")).textContent).toContain("Removed: Oskar Vale. Signed link 413 to");
    (await byId("members-left")).click();
    await line("left", "Oskar Vale");
  });

  it("you cannot be offboarded by yourself with a key", async () => {
    const vault = await members();
    const begin = vi.spyOn(vault, "offboardBegin");
    (await line("people", "Mara Lind")).click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("Mara Lind"));
    await press("d");
    await press("w");
    expect(begin).not.toHaveBeenCalled();
  });
});

describe("what waits", () => {
  it("stands in a bar: who, why, and what to do", async () => {
    const vault = await members();
    const take = vi.spyOn(vault, "inviteTake");
    const bar = await byId("pending");
    expect(bar.textContent).toContain("Kit Marlow has accepted and waits for access. The code is on Priya Sand's computer.");
    (await byId("pending-act")).click();
    expect(take).toHaveBeenCalledOnce();
    await line("people", "Kit Marlow");
    expect(maybe("pending")).toBeNull();
    expect(maybe("members-hot")).toBeNull();
  });

  it("is finished by a sync where the code is here, signed where keys are to be replaced, and only told where nobody here can help", async () => {
    const vault = open();
    const view = await vault.membersView();
    const row = { inviteId: "inv_1", userId: "usr_teo", why: "Because." };
    vi.spyOn(vault, "membersView").mockResolvedValue({
      ...view,
      pending: [
        { ...row, kind: "join", subject: "Kit", action: "finish" },
        { ...row, kind: "reset", subject: "Teo", action: "signReset" },
        { ...row, kind: "keys", subject: "Jun", action: null },
        { ...row, kind: "confirm", subject: "Ada", action: null },
      ],
    });
    const sync = vi.spyOn(vault, "syncNow");
    const reset = vi.spyOn(vault, "resetSign");
    (await byId("members-open")).click();
    const bars = await waitFor(() => {
      const found = [...document.querySelectorAll<HTMLElement>("[data-testid=pending]")];
      expect(found).toHaveLength(3);
      return found;
    });
    expect(document.body.textContent).toContain("and 1 more waits");
    bars[0]?.querySelector("button")?.click();
    expect(sync).toHaveBeenCalledOnce();
    bars[1]?.querySelector("button")?.click();
    expect(reset).toHaveBeenCalledWith("inv_1", "usr_teo");
    expect(bars[2]?.textContent).toContain("Jun waits for data keys.");
    expect(bars[2]?.querySelector("button")).toBeNull();
  });

  it("keys that an admin replaced stay loud until they are acknowledged", async () => {
    const vault = await members({ reset: true });
    const acknowledge = vi.spyOn(vault, "resetAcknowledge");
    const banner = await byId("reset-banner");
    expect(banner.getAttribute("role")).toBe("alert");
    expect(banner.textContent).toContain("Priya Sand replaced the keys of Teo Varga in link 409, 9 h ago.");
    (await byId("members-left")).click();
    expect(maybe("reset-banner")).not.toBeNull();
    (await byId("reset-acknowledge")).click();
    expect(acknowledge).toHaveBeenCalledWith("usr_teo");
    await waitFor(() => expect(maybe("reset-banner")).toBeNull());
  });
});

describe("an invite", () => {
  it("I opens the form; label, role, keys and days go to Rust, which signs", async () => {
    const vault = await members();
    const invite = vi.spyOn(vault, "inviteNew");
    await press("i");
    await byId("invite-form");
    (await byId("invite-continue")).click();
    expect((await byId("invite-form")).textContent).toContain("Needed to go on.");
    expect(invite).not.toHaveBeenCalled();
    await type(await byId("invite-label"), "Kit Marlow");
    (await byId("invite-grants-storefront-dev-3")).click();
    (await byId("invite-grants-storefront-staging-1")).click();
    (await byId("invite-days-30")).click();
    (await byId("invite-continue")).click();
    await waitFor(() => expect(invite).toHaveBeenCalledWith("Kit Marlow", "member", [{ envId: "env_sf_dev", rights: 3, endsAt: null }, { envId: "env_sf_stg", rights: 1, endsAt: null }], 30, null));
    await waitFor(() => expect(maybe("invite-form")).toBeNull());
    expect((await byId("toast")).textContent).toContain("Invited: Kit Marlow. Signed link 413");
  });

  it("for a reviewer can carry no key", async () => {
    const vault = await members();
    const invite = vi.spyOn(vault, "inviteNew");
    await press("i");
    await type(await byId("invite-label"), "Ada");
    (await byId("invite-grants-storefront-dev-1")).click();
    (await byId("invite-role-reviewer")).click();
    await waitFor(() => expect(maybe("invite-grants")).toBeNull());
    expect((await byId("invite-form")).textContent).toContain("A reviewer can never hold a data key.");
    (await byId("invite-continue")).click();
    await waitFor(() => expect(invite).toHaveBeenCalledWith("Ada", "reviewer", [], 7, null));
  });

  it("an admin cannot invite an owner", async () => {
    await members({ role: "admin" });
    await press("i");
    await byId("invite-role-admin");
    expect(maybe("invite-role-owner")).toBeNull();
  });

  it("that is refused keeps the form and says why", async () => {
    const vault = await members();
    vi.spyOn(vault, "inviteNew").mockRejectedValue(new VaultError({ code: "offline", since: null }));
    await press("i");
    await type(await byId("invite-label"), "Kit");
    (await byId("invite-continue")).click();
    await waitFor(async () => expect((await byId("invite-form")).textContent).toContain("No connection to the server."));
  });

  it("shows its code again only where the code is, and only while it is open", async () => {
    const vault = await members();
    const show = vi.spyOn(vault, "inviteShow");
    (await byId("members-invites")).click();
    expect(within(await line("invites", "Kit Marlow, contractor"), "invite-show")).toBeNull();
    expect(within(await line("invites", "Sam Ferro"), "invite-show")).toBeNull();
    within(await line("invites", "Dana at ops"), "invite-show")?.click();
    expect(show).toHaveBeenCalledWith("inv_ops");
  });
});

describe("empty, failed, and without rights", () => {
  it("alone, the list says what to do next, and the other tabs say what they are for", async () => {
    await members({ alone: true });
    expect((await byId("members-alone")).textContent).toContain("Invite a second owner early");
    (await byId("members-invites")).click();
    expect((await byId("invites-empty")).textContent).toContain("The server never learns it.");
    (await byId("members-left")).click();
    expect((await byId("left-empty")).textContent).toContain("Nobody has left");
  });

  it("a list that cannot be read says why and can be asked for again", async () => {
    const vault = open();
    const view = vi.spyOn(vault, "membersView").mockRejectedValueOnce(new VaultError({ code: "cacheCorrupt" }));
    (await byId("members-open")).click();
    expect((await byId("failed")).textContent).toContain("The copy on this computer was damaged");
    (await byId("again")).click();
    await line("people", "Mara Lind");
    expect(view).toHaveBeenCalledTimes(2);
    expect(maybe("failed")).toBeNull();
  });

  it.each(["reviewer", "member"] as const)("a %s sees the people and no button that changes them", async (role) => {
    const vault = await members({ role });
    const begin = vi.spyOn(vault, "offboardBegin");
    for (const id of ["invite-new", "members-invites", "pending", "invite-take", "members-hot"]) expect(maybe(id)).toBeNull();
    (await line("people", "Oskar Vale")).click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("Oskar Vale"));
    await press("d");
    await press("i");
    expect(begin).not.toHaveBeenCalled();
    expect(maybe("invite-form")).toBeNull();
    if (role === "member") expect((await line("people", "Oskar Vale")).textContent).toContain("not known");
  });
});

describe("the policy of the organisation", () => {
  it("is tightened by an owner, and Rust signs the change; it is not loosened by one alone", async () => {
    const vault = open();
    const policy = vi.spyOn(vault, "policySet");
    (await byId("settings-open")).click();
    const toggle = await byId("settings-policy");
    expect(toggle.getAttribute("aria-checked")).toBe("true");
    toggle.click();
    expect(policy).toHaveBeenCalledWith(false);
    expect((await byId("settings-policy-state")).textContent).toBe("Not allowed");
    expect(maybe("settings-policy")).toBeNull();
  });

  it("is only told to everybody else", async () => {
    open({ role: "admin" });
    (await byId("settings-open")).click();
    expect((await byId("settings-policy-state")).textContent).toBe("Allowed");
    expect(maybe("settings-policy")).toBeNull();
  });
});
