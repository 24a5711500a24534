"""What the older service's own client makes of a refusal."""

import json

import seekrit

try:
    seekrit.Client().resolve()
    print(json.dumps(None))
except seekrit.SeekritApiError as error:
    print(json.dumps({"status": error.status, "code": error.code, "message": str(error)}))
