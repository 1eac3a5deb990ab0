"""`nightdrop serve`: the HTTP service."""

from __future__ import annotations

from collections.abc import Sequence

import click

from nightdrop.cli.errors import reports_errors


@click.command()
@click.argument("app")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=7777, show_default=True, help="0: any free port.")
@click.option("--no-auth", is_flag=True, help="Let everybody who reaches it do everything: something in front checks.")
@click.option(
    "--allow-path",
    "allow_paths",
    multiple=True,
    metavar="FOLDER|URL",
    help="Sources that are named over HTTP may lie below it; may be given again.  [default: none]",
)
@click.option("--db", metavar="PATH|URL", help="The database; default: the agents', NIGHTDROP_DB, or ./nightdrop.db.")
@reports_errors
def serve(app: str, host: str, port: int, no_auth: bool, allow_paths: Sequence[str], db: str | None) -> None:
    """Serve the agents in APP, such as app.py:agent_os, over HTTP, and execute what is accepted.

    APP names an AgentOS, an Agent or a list of Agents. On SIGTERM open requests are answered, runs may end, and the
    rest is handed back for another process.
    """
    from nightdrop.agents import check_ready
    from nightdrop.cli.load import load_agents
    from nightdrop.cli.worker import process_command
    from nightdrop.http.address import url_of
    from nightdrop.worker import Quarantine

    agent_os = load_agents(app, db)
    with agent_os.listen(host, port, no_auth=no_auth) as listening:
        from nightdrop.http.app import make_app  # slow to load: a wrong address is said before
        from nightdrop.http.serve import serve as serve_http

        for agent in agent_os.agents:
            check_ready(agent.spec)
        made = make_app(
            agent_os, no_auth=no_auth, allow_paths=allow_paths, quarantine=Quarantine(process_command(db, agent=app))
        )
        url, what = url_of(listening), [(len(agent_os.agents), "agent"), (len(agent_os.workflows), "workflow")]
        counts = " and ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in what if count)
        click.echo(f"{counts} at {url}, described at {url}/docs. Stop with Ctrl-C.", err=True)
        serve_http(made, listening)
