// What an agent does with GitHub's own client, at the address that the session names.
import { Octokit } from "octokit";

const client = new Octokit({ auth: process.env.GITHUB_TOKEN, baseUrl: process.env.GITHUB_API_URL });
const issue = await client.rest.issues.create({ owner: "acme", repo: "docs", title: "A title" });
let refused = null;
try {
  await client.rest.repos.delete({ owner: "acme", repo: "docs" });
} catch (error) {
  refused = { status: error.status, message: error.message };
}
console.log(JSON.stringify({ number: issue.data.number, refused }));
