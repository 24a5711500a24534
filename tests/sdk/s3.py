"""What an agent does with Amazon's own client: put, get, list, and a URL that is signed ahead."""

import json
import urllib.request

import boto3
from botocore.config import Config

config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
client = boto3.client("s3", region_name="eu-central-1", config=config)
client.put_object(Bucket="files", Key="a b/c.txt", Body=b"hello")
got = client.get_object(Bucket="files", Key="a b/c.txt")["Body"].read().decode()
listed = [one["Key"] for one in client.list_objects_v2(Bucket="files", Prefix="a b/")["Contents"]]
url = client.generate_presigned_url("get_object", Params={"Bucket": "files", "Key": "a b/c.txt"}, ExpiresIn=60)
with urllib.request.urlopen(url) as answer:
    presigned = answer.read().decode()
print(json.dumps({"got": got, "listed": listed, "presigned": presigned, "url": url}))
