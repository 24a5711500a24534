"""What programs do with the older service's own client: read everything, one by one, and into the environment."""

import json
import os

import seekrit


def refused(**more):
    try:
        seekrit.Client(**more).resolve()
    except seekrit.SeekritApiError as error:
        return [error.status, error.code]
    return None


client = seekrit.Client()
environment = {"KEPT": "mine"}
loaded = seekrit.load(env=environment, prompt=False)
other = os.environ["OTHER_TOKEN"]
print(json.dumps({
    "resolved": client.resolve(),
    "one": client.get("API_KEY"),
    "none": client.get("NO_SUCH"),
    "literal": seekrit.Client(interpolate=False).get("URL"),
    "loaded": sorted(loaded.names),
    "environment": environment,
    "shown": repr(loaded),
    "unknown token": refused(token=other),
    "another slice": refused(overrides={"shared": "dev"}),
}))
