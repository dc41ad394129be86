"""A Dovecot on loopback, run by a user without rights, and mailboxes that mails are put into by IMAP.

Every name is a user with the same password: Dovecot reads a file of users again only once a second.
"""

import imaplib
import os
import pwd
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.mail_server import certificate_in
from tests.ports import free_port

PASSWORD = "change-me-4"
# Apart from the paths, as Debian's documentation of Dovecot 2.4 sets up a server of virtual users.
_CONFIGURATION = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
protocols {{
  imap = yes
}}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
ssl = required
ssl_server_cert_file = {certificate}
ssl_server_key_file = {certificate}
mail_driver = maildir
mail_path = ~/mail
auth_mechanisms = plain
auth_failure_delay = 0
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = {user}
    gid = {group}
    home = {folder}/homes/%{{user}}
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls}
  }}
  inet_listener imaps {{
    port = {implicit}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""


class Dovecot:
    """One server. ``implicit`` and ``starttls`` are its ports by the way in which TLS begins."""

    def __init__(self, folder: Path) -> None:
        """Write its files into ``folder``, which the other user can enter."""
        program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        assert program is not None, "Dovecot is not installed: apt-get install dovecot-imapd"
        self._program, self._folder = program, folder
        self.implicit, self.starttls = free_port(), free_port()
        self.certificate = certificate_in(folder, "dovecot")
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        group = subprocess.run(["id", "-gn", account.pw_name], capture_output=True, text=True, check=True)  # noqa: S607
        self._user: dict[str, Any] = {}
        for name in ("run", "state", "homes"):
            (folder / name).mkdir()
        given = {"folder": folder, "certificate": self.certificate, "starttls": self.starttls}
        given |= {
            "password": PASSWORD,
            "implicit": self.implicit,
            "user": account.pw_name,
            "group": group.stdout.strip(),
        }
        (folder / "dovecot.conf").write_text(_CONFIGURATION.format(**given))
        if os.geteuid() == 0:
            self._user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            for path in (folder, *folder.rglob("*")):
                os.chown(path, account.pw_uid, account.pw_gid)
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [self._program, "-F", "-c", str(self._folder / "dovecot.conf")]
        process = subprocess.Popen(command, cwd=self._folder, start_new_session=True, **self._user)
        deadline = time.monotonic() + 30
        while not (self._folder / "run" / "login").is_dir() or not self._answers():
            assert process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(0.05)
        return process

    def _answers(self) -> bool:
        try:
            self._connection().shutdown()
        except OSError:
            return False
        return True

    def _connection(self) -> imaplib.IMAP4_SSL:
        context = ssl.create_default_context(cafile=str(self.certificate))
        return imaplib.IMAP4_SSL("localhost", self.implicit, ssl_context=context, timeout=10)

    def deliver(self, user: str, mail: bytes) -> None:
        """Put a mail into the mailbox of a user."""
        with self._connection() as connection:
            connection.login(user, PASSWORD)
            status, said = connection.append("INBOX", "", "", mail)
        assert status == "OK", said

    def flags(self, user: str) -> list[bytes]:
        """Return the flags of each mail of a user, without changing them."""
        with self._connection() as connection:
            connection.login(user, PASSWORD)
            connection.select("INBOX", readonly=True)
            _, data = connection.fetch("1:*", "(FLAGS)")
        return [line for line in data if isinstance(line, bytes)]

    def forget_numbers(self, user: str) -> None:
        """Remove Dovecot's index of a mailbox: the mails get new UIDs, under another UIDVALIDITY."""
        for path in (self._folder / "homes" / user / "mail").glob("dovecot*"):
            path.unlink()

    def kill(self) -> None:
        """Kill the server."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)

    def freeze(self) -> None:
        """Freeze the server: connections are made, and nothing answers."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def revive(self) -> None:
        """Let it answer again, whether it was frozen or killed."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGCONT)
        else:
            (self._folder / "run" / "master.pid").unlink(missing_ok=True)
            self._process = self._start()


@contextmanager
def served() -> Iterator[Dovecot]:
    """Run a Dovecot until the end of the block."""
    # Outside pytest's own folder, which no other user can enter; its paths are too long for sockets, too.
    with tempfile.TemporaryDirectory(prefix="dovecot-", dir="/tmp", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        server = Dovecot(Path(name))
        try:
            yield server
        finally:
            server.kill()
