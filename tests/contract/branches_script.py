"""Three parallel branches of two steps each as child workflows named by their path; kills itself at the n-th step.

argv: database, step at which to die (0: never). The second call resumes what the first left.
"""

import asyncio
import json
import os
import signal
import sys

from dbos import DBOS, DBOSClient, SetWorkflowID

from nightdrop.engine.serializer import JsonSerializer

URL, DIE_AT = f"sqlite:///{sys.argv[1]}", int(sys.argv[2])
done = 0


async def step(name: str) -> str:
    global done
    done += 1
    if done == DIE_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.sleep(0)
    return name


@DBOS.workflow(name="branch", max_recovery_attempts=None)
async def branch(name: str) -> str:
    await DBOS.run_step_async({"name": "first"}, step, f"{name}1")
    return await DBOS.run_step_async({"name": "second"}, step, f"{name}2")


@DBOS.workflow(name="parent", max_recovery_attempts=None)
async def parent() -> dict[str, str]:
    handles = {}
    for name in ("a", "b", "c"):
        with SetWorkflowID(f"{DBOS.workflow_id}/{name}"):
            handles[name] = await DBOS.start_workflow_async(branch, name)
    result = {name: await handle.get_result() for name, handle in handles.items()}
    if DIE_AT == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return result


async def main() -> None:
    executor = f"process-{os.getpid()}"
    DBOS(
        config={
            "name": "branches",
            "system_database_url": URL,
            "executor_id": executor,
            "application_version": "1",
            "serializer": JsonSerializer(),
            "log_level": "CRITICAL",
        }
    )
    DBOS.launch()
    client = DBOSClient(system_database_url=URL, serializer=JsonSerializer())
    left = await client.list_workflows_async(status=["PENDING", "ENQUEUED"])
    if left:
        await client.resume_workflows_async([w.workflow_id for w in left])
        handle = await DBOS.retrieve_workflow_async("run")
    else:
        with SetWorkflowID("run"):
            handle = await DBOS.start_workflow_async(parent)
    print(json.dumps(await handle.get_result()), flush=True)
    os._exit(0)


asyncio.run(main())
