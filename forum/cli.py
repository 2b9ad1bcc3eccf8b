"""`callboard …`: everything that is done on the server, not through the web."""

from __future__ import annotations

import json
import os
import secrets
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
from flask import Flask

from forum import audit, config, db, demo, health, hook_table, migrating, scaffolding, sealing, serving
from forum.accounts.queries import person_by_email
from forum.agencies import actions as agencies
from forum.app import create_app
from forum.permissions import Refused
from forum.plugins import Broken, Plugins, load, loaded


class Commands(click.Group):
    """The core's commands, and those of plugins under their slugs; plugins are loaded only when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name there is."""
        return sorted({*super().list_commands(ctx), *_plugin_groups()})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The core's command of this name, else a plugin's group."""
        return super().get_command(ctx, name) or _plugin_groups().get(name)


@lru_cache(maxsize=1)
def _plugin_groups() -> dict[str, click.Group]:
    try:
        settings = config.Settings.from_environment()
        plugins = load(settings.blocked)
    except (config.BadSetting, Broken) as error:
        raise click.ClickException(str(error)) from error
    return groups_of(plugins)


def groups_of(plugins: Plugins) -> dict[str, click.Group]:
    """The commands of these plugins, under their slugs."""
    groups: dict[str, click.Group] = {}
    for plugin, commands in plugins.everyone("commands"):
        group = PluginGroup(plugin.info.address, help=str(plugin.info.summary))
        for command in commands:
            group.add_command(command)
        groups[plugin.info.address] = group
    return groups


class PluginGroup(click.Group):
    """A plugin's commands: each runs inside the application, and is committed when it ends well."""

    def invoke(self, ctx: click.Context) -> Any:
        """Errors: ClickException with the sentence of a refusal; then nothing is kept."""
        with _app().app_context():
            try:
                answer = super().invoke(ctx)
                db.commit()
            except Refused as refusal:
                raise click.ClickException(refusal.sentence) from refusal
            return answer


@click.group(cls=Commands)
@click.version_option(package_name="callboard")
def main() -> None:
    """Callboard: where models meet, learn and are safe."""


def _app() -> Flask:
    try:
        return create_app()
    except (config.BadSetting, Broken) as error:
        raise click.ClickException(str(error)) from error


@main.command("demo")
@click.option("--port", default=5000, show_default=True, help="Port on this machine.")
@click.option("--data", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="First print one line of JSON for another program.")
@click.option("--fresh", is_flag=True, help="Throw the old demo away first.")
def run_demo(port: int, data: Path, as_json: bool, fresh: bool) -> None:
    """Serve a realistic site to try, and print the sign-ins."""
    os.environ.update(demo.environment(data, port))
    if fresh:
        demo.throw_away(data)
    app = _app()
    with app.app_context():
        people = demo.prepare()
    url = app.config["CALLBOARD"].base_url
    if as_json:
        click.echo(json.dumps({"url": url, "people": people}, ensure_ascii=False))
    click.echo(demo.welcome(url, people))
    sys.stdout.flush()
    serving.serve("127.0.0.1", port, 2)


@main.command("serve")
@click.option("--address", default="127.0.0.1", show_default=True)
@click.option("--port", default=5000, show_default=True)
@click.option("--without-worker", is_flag=True, help="Run `callboard worker` elsewhere instead.")
def serve(address: str, port: int, without_worker: bool) -> None:
    """Serve the site: web processes and one worker."""
    app = _app()
    with app.app_context():
        if not migrating.at_head():
            raise click.ClickException("The database is not up to date. Run: callboard db upgrade")
    serving.serve(address, port, app.config["CALLBOARD"].processes, not without_worker)


@main.command("worker")
def worker() -> None:
    """Run jobs and deliver mail until stopped."""
    serving.work()


@main.command("settings")
def settings() -> None:
    """Print every setting, its default and its meaning."""
    for name, default, meaning in config.described():
        click.echo(f"{name}={default}\n    {meaning}")


@main.command("doctor")
def doctor() -> None:
    """Look for what would go wrong; exit 1 when something must be mended."""
    app = _app()
    with app.app_context():
        findings = health.doctor(app)
    for finding in findings:
        click.echo(f"{finding.level}: {finding.sentence}")
    if any(f.level == "error" for f in findings):
        raise SystemExit(1)
    click.echo("Done.")


@main.command("verify-audit")
def verify_audit() -> None:
    """Check the chain of the audit log; exit 1 when it is broken."""
    with _app().app_context():
        breaks = audit.verify()
        click.echo("\n".join(breaks) or f"The audit log is whole. Its head: {audit.head()}")
    if breaks:
        raise SystemExit(1)


@main.group("db")
def database() -> None:
    """Migrations."""


@database.command("upgrade")
def upgrade() -> None:
    """Make the tables the newest there are."""
    with _app().app_context():
        migrating.upgrade_all()
        health.make_reserve(config.Settings.from_environment().data)
        for component in migrating.components():
            click.echo(f"{component.name or 'core'}: at {migrating.current(component)}.")


@database.command("revision")
@click.argument("component", default="core")
@click.option("-m", "--message", required=True)
def revision(component: str, message: str) -> None:
    """Write a version file from the models of COMPONENT: core, or a plugin's name."""
    with _app().app_context():
        try:
            migrating.write_revision(migrating.component(component), message)
        except KeyError as error:
            raise click.ClickException(f"There is no component {component} with migrations.") from error


@main.group("plugins")
def plugin_commands() -> None:
    """Plugins: what is loaded, and a new one."""


@plugin_commands.command("list")
def list_plugins() -> None:
    """Every loaded plugin: its hooks, and the agencies that have it on."""
    with _app().app_context(), db.reading_only():
        plugins = loaded()
        on = [(place.agency.slug, place.on) for place in plugins.places() if place.agency]
        for plugin in plugins:
            where = [slug for slug, names in on if plugin.name in names]
            default = "on" if plugin.info.default_on else "off"
            click.echo(f"{plugin.name} ({plugin.info.scope}, {default} by default): {plugin.info.title}")
            click.echo(f"  hooks: {', '.join(plugins.hooks_of(plugin))}")
            click.echo(f"  on in: {', '.join(where) or 'no agency'}")


@plugin_commands.command("hooks")
def print_hooks() -> None:
    """The table of hooks, as it stands in README.md."""
    click.echo(hook_table.table())


@plugin_commands.command("new")
@click.argument("name")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=Path("."), show_default=True,
              help="The project's folder; plugins/ and tests/plugins/ are made in it.")  # fmt: skip
def new_plugin(name: str, into: Path) -> None:
    """Write a small plugin that works and is tested, to be changed into yours."""
    with _app().app_context():
        try:
            made = scaffolding.write(name, into)
        except Refused as refusal:
            raise click.ClickException(refusal.sentence) from refusal
    for path in made:
        click.echo(path)
    click.echo(scaffolding.next_steps(name))


@main.group("keys")
def keys() -> None:
    """The keys of sealed fields."""


@keys.command("init")
def init_keys() -> None:
    """Make the keys of a new site."""
    folder = config.Settings.from_environment().data / "keys"
    sealing.init_keys(folder)
    click.echo(f"Keys in {folder}. Keep a copy away from the backups.")


@keys.command("check")
def check_keys() -> None:
    """Say what is wrong with the keys; exit 1 when something is."""
    wrong = sealing.check(config.Settings.from_environment().data / "keys")
    click.echo("\n".join(wrong) or "The keys are in order.")
    if wrong:
        raise SystemExit(1)


@main.group("people")
def people() -> None:
    """People and their roles."""


@people.command("create")
@click.argument("email")
@click.argument("display_name")
def create_person(email: str, display_name: str) -> None:
    """Open an account; its password is printed once."""
    password = secrets.token_urlsafe(12)
    with _app().app_context():
        try:
            agencies.create_person(email, display_name, password)
            db.commit()
        except Refused as refusal:
            raise click.ClickException(refusal.sentence) from refusal
    click.echo(f"{email} can sign in with: {password}")


@people.command("grant")
@click.argument("email")
@click.argument("role")
@click.option("--agency", default=None, help="Slug of the agency; none for a role with the Alliance.")
def grant(email: str, role: str, agency: str | None) -> None:
    """Give somebody a role: the first operator, or one that the web does not grant."""
    with _app().app_context():
        person = person_by_email(email)
        if person is None:
            raise click.ClickException("Nobody has this address.")
        try:
            agencies.grant_from_server(person.id, role, agency)
            db.commit()
        except Refused as refusal:
            raise click.ClickException(refusal.sentence) from refusal
    click.echo(f"{email} is now {role}.")


@main.group("agency")
def agency() -> None:
    """Agencies."""


@agency.command("create")
@click.argument("slug")
@click.argument("name")
def create_agency(slug: str, name: str) -> None:
    """Open an agency."""
    with _app().app_context():
        try:
            agencies.create_agency(slug, name)
            db.commit()
        except Refused as refusal:
            raise click.ClickException(refusal.sentence) from refusal
    click.echo(f"Agency {slug} is there.")
