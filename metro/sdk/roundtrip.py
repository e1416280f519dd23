"""A round trip of what the platform's SDK documents, against the metro that UKC_METRO names."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import urllib.request
import uuid
from collections.abc import Awaitable, Callable

from unikraft_cloud import (
    REMOVE,
    AlreadyExistsError,
    AuthenticationError,
    InstanceStoppedError,
    NotFoundError,
    PlatformStopCode,
    RateLimitError,
    ServerError,
    UnikraftCloud,
    UnikraftCloudError,
    WaitTimeoutError,
)

METRO = os.environ["UKC_METRO"]
IMAGE = os.environ.get("UKC_IMAGE", "skerry/sandbox:local")
FAULTS = os.environ.get("UKC_FAULTS")
RUN = uuid.uuid4().hex[:8]
TAG = f"roundtrip={RUN}"
COUNT = "n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.05; done"


def name(what: str) -> str:
    return f"rt-{RUN}-{what}"


def spec(what: str, script: str = COUNT) -> dict[str, object]:
    return {
        "name": name(what),
        "image": IMAGE,
        "args": ["/bin/sh", "-c", script],
        "memory_mb": 128,
        "tags": [TAG],
        "env": {"PATH": "/usr/bin:/bin"},
        "autostart": True,
        "timeout_s": 30,
    }


def fault(rule: dict[str, object]) -> None:
    request = urllib.request.Request(
        f"{FAULTS}/v1/faults",
        data=json.dumps(rule).encode(),
        headers={"Authorization": f"Bearer {os.environ['UKC_FAULTS_TOKEN']}"},
    )
    urllib.request.urlopen(request, timeout=10).close()


def text(logs: object) -> str:
    return base64.b64decode(getattr(logs, "output", "") or "").decode(errors="replace")


async def raises(kind: type[Exception], work: Callable[[], Awaitable[object]]) -> Exception:
    try:
        await work()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


async def ticks(ukc: UnikraftCloud, what: str, wanted: int) -> str:
    for _ in range(200):
        logs = text(await ukc.instances.get(name=name(what)).logs(offset=-8000, limit=8000))
        if f"tick {wanted}\n" in logs:
            return logs
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} did not count to {wanted}")


async def instances(ukc: UnikraftCloud) -> None:
    made = await ukc.instances.create(**spec("web"))
    assert made.state == "running" and made.memory_mb == 128, made
    again = await raises(AlreadyExistsError, lambda: ukc.instances.create(**spec("web")).start())
    assert getattr(again, "status", None) == 409
    missing = await raises(NotFoundError, lambda: ukc.instances.get(name=name("ghost")).refresh())
    assert missing.errors[0].code == 8, missing  # type: ignore[attr-defined]
    by_uuid = await ukc.instances.get(uuid=made.uuid)
    assert by_uuid.name == name("web")


async def suspended_and_resumed(ukc: UnikraftCloud) -> None:
    await ticks(ukc, "web", 3)
    await ukc.instances.get(name=name("web")).suspend()
    waited = await ukc.instances.get(name=name("web")).wait(state="standby", timeout_seconds=20)
    assert waited.state == "standby"
    await ukc.instances.get(name=name("web")).start()
    await ukc.instances.get(name=name("web")).wait(state="running", timeout_seconds=20)
    log = await ticks(ukc, "web", 20)
    assert log.count("tick 2\n") == 1, "memory was lost"
    lapsed = await raises(
        WaitTimeoutError,
        lambda: ukc.instances.get(name=name("web")).wait(state="stopped", timeout_seconds=1),
    )
    assert lapsed.state == "running"  # type: ignore[attr-defined]


async def changed(ukc: UnikraftCloud) -> None:
    handle = ukc.instances.get(name=name("web"))
    await handle.edit().set(memory_mb=256).add(env={"MORE": "1"}, tags=["late"]).apply()
    now = await ukc.instances.get(name=name("web"))
    assert "late" in now.tags and now.memory_mb == 128 and len(now.updates) == 2, now
    await ukc.instances.get(name=name("web")).update(autokill={"time_ms": 3_600_000})
    await ukc.instances.get(name=name("web")).update(autokill=REMOVE)
    await ukc.instances.get(name=name("web")).stop()
    await ukc.instances.get(name=name("web")).wait(state="stopped", timeout_seconds=20)
    then = await ukc.instances.get(name=name("web"))
    assert then.memory_mb == 256 and then.env["MORE"] == "1" and not then.updates, then
    assert then.stop and then.describe_stop(), then
    metrics = await ukc.instances.get(name=name("web")).metrics()
    assert metrics.rss_bytes == 0


async def listed(ukc: UnikraftCloud) -> None:
    for number in range(4):
        await ukc.instances.create(name=name(f"many-{number}"), image=IMAGE, tags=[TAG, "many"])
    found = [each.name async for each in ukc.instances.list(tags=["many", TAG], page_size=2)]
    assert found == [name(f"many-{number}") for number in range(4)], found
    gone = await raises(
        NotFoundError, lambda: ukc.instances.delete([name("many-0"), name("ghost")])
    )
    assert [each.name for each in gone.results] == [name("many-0")]  # type: ignore[attr-defined]
    await ukc.instances.each(tags=["many", TAG]).delete(missing_ok=True, timeout_seconds=20)


async def ends(ukc: UnikraftCloud) -> None:
    lost = spec("lost")
    lost["image"] = "nobody/nothing:1"
    stopped = await raises(InstanceStoppedError, lambda: ukc.instances.create(**lost).refresh())
    assert stopped.stop.platform_code == PlatformStopCode.IMAGE_PULL_FAILED  # type: ignore[attr-defined]
    ended = spec("ended", "echo bye; exit 7")
    ended["timeout_s"] = 0
    await ukc.instances.create(**ended)
    await ukc.instances.get(name=name("ended")).wait(state="stopped", timeout_seconds=20)
    read = await ukc.instances.get(name=name("ended"))
    assert read.exit_code == 7, read
    assert "bye" in text(await ukc.instances.get(name=name("ended")).logs())


async def templates(ukc: UnikraftCloud) -> None:
    source = {k: v for k, v in spec("source").items() if k in ("image", "args", "env", "memory_mb", "tags")}
    made = await ukc.templates.prepare(name("tpl"), create_args=source, prepare_timeout_seconds=30)
    assert made.name == name("tpl") and made.state == "template", made
    assert (await ukc.templates.prepare(name("tpl"), create_args=source)).uuid == made.uuid
    clone = await ukc.templates.get(name=name("tpl")).clone(
        name=name("clone"), tags=[TAG], autostart=True, timeout_s=30
    )
    assert clone.state == "running" and clone.memory_mb == 128, clone
    assert name("tpl") in [each.name async for each in ukc.templates.list(tags=[TAG])]
    await ukc.templates.get(name=name("tpl")).delete()
    await ukc.instances.get(name=name("clone")).delete(timeout_seconds=20, retry_busy=5)


async def services(ukc: UnikraftCloud) -> None:
    group = await ukc.services.create(
        name=name("svc"),
        services=[{"port": 443, "destination_port": 8080, "handlers": ["tls", "http"]}],
        domains=[{"name": name("svc")}],
    )
    assert group.domains and group.hard_limit == 65535, group
    await ukc.services.get(name=name("svc")).update(hard_limit=10)
    assert (await ukc.services.get(name=name("svc"))).hard_limit == 10
    member = spec("member")
    member["service_group"] = {"name": name("svc")}
    assert (await ukc.instances.create(**member)).service_group.name == name("svc")
    await raises(UnikraftCloudError, lambda: ukc.services.get(name=name("svc")).delete())
    await ukc.instances.get(name=name("member")).delete(timeout_seconds=20)
    await ukc.services.get(name=name("svc")).delete()


async def account(ukc: UnikraftCloud) -> None:
    quotas = await ukc.users.quotas()
    assert quotas[0].hard.instances > 0 and quotas[0].limits.max_memory_mb >= 128, quotas
    images = await ukc.images.list()
    assert any(IMAGE.split("@")[0] in image.url for image in images), images
    health = await ukc.api.platform.node.healthz()
    assert health.data.checks, health


async def faults(ukc: UnikraftCloud) -> None:
    if FAULTS is None:
        return
    fault({"fault": "throttle", "operations": ["get"], "next": 1})
    await raises(RateLimitError, lambda: ukc.instances.get(name=name("web")).refresh())
    fault({"fault": "html", "operations": ["get"], "next": 1, "status": 503})
    await raises(ServerError, lambda: ukc.instances.get(name=name("web")).refresh())
    fault({"fault": "cut_after", "operations": ["create"], "next": 1})
    await raises(UnikraftCloudError, lambda: ukc.instances.create(**spec("cut")).refresh())
    assert (await ukc.instances.get(name=name("cut"))).name == name("cut")
    fault({"fault": "busy", "operations": ["delete"], "next": 2})
    await ukc.instances.get(name=name("cut")).delete(retry_busy=10, timeout_seconds=20)


async def main() -> None:
    async with UnikraftCloud(token="not-the-token", base_url=METRO) as stranger:
        await raises(AuthenticationError, lambda: stranger.users.quotas())
    async with UnikraftCloud(base_url=METRO, control_plane_url=METRO) as ukc:
        endpoints = await ukc.available_metros()
        assert endpoints, "no metro is discovered"
        try:
            for part in (
                instances,
                suspended_and_resumed,
                changed,
                listed,
                ends,
                templates,
                services,
                account,
                faults,
            ):
                await part(ukc)
                print(f"ok  {part.__name__.replace('_', ' ')}")
        finally:
            await ukc.instances.each(tags=[TAG]).delete(missing_ok=True, timeout_seconds=20)
        left = [each.name async for each in ukc.instances.list(tags=[TAG])]
        assert not left, left


if __name__ == "__main__":
    asyncio.run(main())
    print("the SDK's round trip is complete")
    sys.exit(0)
