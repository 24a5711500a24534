// The Secret Key in groups that an eye can keep: by its own dashes, else six at a time.

export function groups(secretKey) {
  return secretKey.includes("-") ? secretKey.split("-").filter(Boolean) : secretKey.match(/.{1,6}/gu) ?? [];
}
