"""DATABASE_URL names several servers: the portal takes the one that can be written to."""

from __future__ import annotations

from pathlib import Path

from tests.interop.databases import own_server
from tests.ops.running import status
from tests.ops.serving import serve

WHICH = """
from django.db import connection
with connection.cursor() as cursor:
    print(cursor.execute("SELECT pg_is_in_recovery()").fetchone()[0])
"""


def test_the_one_that_is_written_to_is_found_behind_one_that_is_gone_and_a_replica(
    tmp_path: Path,
) -> None:
    with own_server() as primary, own_server(primary) as replica:
        folders = f"{tmp_path}/gone,{replica.scratch},{primary.scratch}"
        url = f"postgresql://portal@/postgres?host={folders}&target_session_attrs=read-write"
        with serve(url, tmp_path, GRANIAN_WORKERS="1") as portal:
            assert portal.do(WHICH).strip() == "False"
            assert status(f"http://127.0.0.1:{portal.port}/clients/nobody/jwks.json") == 404
            listening = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
            assert primary.sql(listening, "portal: follower")[0][0]
            assert replica.sql(listening, "portal: follower") == [(0,)]
