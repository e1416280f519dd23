"""The one way to the world outside: the control plane makes the request, if a rule allows it."""

from skerry_runtime.tool import Context, Mistake, Result, clip
from skerry_runtime.wire import Json, Refused

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_TELLING = ("content-type", "content-length", "location", "retry-after", "etag", "link", "last-modified")


def http(context: Context, arguments: Json) -> Result:
    """Asks for one request; the same call asked again is not made again."""
    method = arguments["method"].upper()
    if method not in METHODS:
        raise Mistake(f"method must be one of {', '.join(METHODS)}")
    if not arguments["url"].startswith(("https://", "http://")):
        raise Mistake("url must be whole, for example https://example.com/path")
    headers = arguments.get("headers", {})
    if not all(isinstance(value, str) for value in headers.values()):
        raise Mistake("headers must be an object of texts")
    order = {key: arguments[key] for key in ("url", "headers", "body", "credential") if key in arguments}
    try:
        answer = context.gateway.http(context.key, {"method": method, **order})
    except Refused as refused:
        return _refusal(refused)
    return _shown(answer, context.limit)


def _shown(answer: Json, limit: int) -> Result:
    status = int(answer["status"])
    lines = [f"HTTP {status} {answer.get('url', '')}".rstrip()]
    for name, values in answer.get("headers", {}).items():
        if name.lower() in _TELLING:
            lines.append(f"{name}: {', '.join(values) if isinstance(values, list) else values}")
    if answer.get("truncated"):
        lines.append("[the body was too long; what follows is its beginning]")
    body = answer.get("body")
    if body is None and answer.get("body_base64"):
        body = f"[not text, {len(answer['body_base64']) * 3 // 4} bytes]"
    lines += ["", clip(body, limit)] if body else []
    return Result("\n".join(lines), f"HTTP {status}", status >= 400)


def _refusal(refused: Refused) -> Result:
    match refused.code:
        case "policy_denied":
            return Result(f"The request was not made: {refused.detail}", "denied", True)
        case "parked":
            waiting = "It waits for a person's approval. Go on with other work, or end with ask_user."
            return Result(f"The request was not made yet: {refused.detail} {waiting}", "waits for approval", True)
        case "invalid_request" | "too_large" | "unreachable" | "not_found" | "conflict":
            return Result(f"The request was not made: {refused.detail}", refused.code, True)
    raise refused
