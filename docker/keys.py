"""Kibana's password, and an API key for each group of commands, in a cluster with security.

    python keys.py FOLDER

The cluster and its superuser come from the settings (`ES_HYBRID_ELASTICSEARCH__*`), Kibana's
password from KIBANA_PASSWORD. The key of a group is in FOLDER/GROUP/api_key. A key that still
works is kept.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

import click
from elasticsearch import AuthenticationException, Elasticsearch

from es_hybrid import load_settings
from es_hybrid.client import connect
from es_hybrid.privileges import groups, role_of

# The user of the images.
USER = 10001


def main(folder: Path) -> None:
    """Set the password, then create the keys that are missing or no longer work."""
    settings = load_settings()
    with closing(connect(settings.elasticsearch)) as client:
        client.security.change_password(
            username="kibana_system", password=os.environ["KIBANA_PASSWORD"]
        )
        for group in groups():
            file = folder / group / "api_key"
            if file.exists() and works(client, file.read_text("utf-8")):
                click.echo(f"{group}: kept")
                continue
            made = client.security.create_api_key(
                name=f"es-hybrid-{group}",
                role_descriptors={group: role_of(group, settings.index.name)},
            )
            write(file, made["encoded"])
            click.echo(f"{group}: created {made['id']}")


def works(client: Elasticsearch, key: str) -> bool:
    """Whether the cluster accepts a key."""
    try:
        client.options(api_key=key).security.authenticate()
    except AuthenticationException:
        return False
    return True


def write(file: Path, key: str) -> None:
    """Store a key so that only the images' user can read it."""
    file.parent.mkdir(exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(key, encoding="utf-8")
    if os.geteuid() == 0:
        for path in (file.parent, file):
            os.chown(path, USER, USER)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
