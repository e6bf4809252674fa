"""`mongodriver completion`: the shells themselves are asked what they make of the scripts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mongodriver.__main__ import main
from mongodriver.command_line.commands import COMMANDS
from mongodriver.command_line.words import words_of

pty = pytest.importorskip("pty")  # not in Windows

MARK = "ready-for-more"


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that the shells are in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file.ndjson").touch()
    (tmp_path / "folder").mkdir()
    return tmp_path


def needs(shell: str) -> str:
    if shutil.which(shell) is None:
        pytest.skip(f"without {shell}")
    if shell == "bash":
        asked = ["bash", "--norc", "-c", "echo ${BASH_VERSINFO[0]}"]
        if int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout) < 4:
            pytest.skip("bash 3 completes less: values behind = not, and files everywhere")
    return shell


class Terminal:
    """A shell that somebody types in: `completed` gives the line that a tab makes of one."""

    def __init__(self, command: list[str], start: str) -> None:
        self.shell = command[0]
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.environ.update(TERM="dumb", PS1="", PS2="", HISTFILE="/dev/null", LC_ALL="C.UTF-8")
            os.execvp(command[0], command)
        self._say(f"{start}; echo {MARK[:5]}''{MARK[5:]}\n", f"{MARK}\r\n")

    def completed(self, line: str) -> str:
        # The line is not run but printed: "echo" goes to its beginning, the mark to its end.
        self._say(f"{line}\t", "")
        said = self._say("END\x01echo LINE '\x05'\n", "END\r\n")
        return said.rpartition("LINE ")[2].rpartition("END")[0]

    def _say(self, text: str, until: str) -> str:
        os.write(self._fd, text.encode())
        said = ""
        while until not in said:
            said += os.read(self._fd, 4096).decode(errors="replace")
        return said

    def close(self) -> None:
        os.close(self._fd)  # it is hung up on
        os.waitpid(self._pid, 0)


LINES = {
    "mongodriver ing": "mongodriver ingest ",
    "mongodriver ingest --mod": "mongodriver ingest --mode ",
    "mongodriver ingest --mode up": "mongodriver ingest --mode upsert ",
    "mongodriver ingest --mode=up": "mongodriver ingest --mode=upsert ",
    "mongodriver export --form": "mongodriver export --format ",
    "mongodriver export x --format par": "mongodriver export x --format parquet ",
    "mongodriver ingest --replay a": r"mongodriver ingest --replay a\ file.ndjson ",
    "mongodriver ingest a": r"mongodriver ingest a\ file.ndjson ",
    "mongodriver local --path f": "mongodriver local --path folder/",
    "mongodriver local --path a": "mongodriver local --path a",
    "mongodriver check-code --level wa": "mongodriver check-code --level warning ",
    "mongodriver run f": "mongodriver run folder/",
    "mongodriver completion z": "mongodriver completion zsh ",
    "mongodriver ingest --db f": "mongodriver ingest --db f",
}


@pytest.fixture(params=["bash", "zsh"])
def terminal(request, folder, capsys, tmp_path_factory):
    shell = needs(request.param)
    path = tmp_path_factory.mktemp("script") / "completion"
    path.write_text(script(shell, capsys))
    if shell == "bash":
        made = Terminal(["bash", "--norc", "--noprofile", "-i"], f"source {path}")
    else:
        start = f"bindkey -e; autoload -U compinit; compinit -u -D; source {path}"
        made = Terminal(["zsh", "-f", "-i"], start)
    yield made
    made.close()


def test_a_tab(terminal):
    got = {line: terminal.completed(line) for line in LINES}
    if terminal.shell == "zsh":  # which prefers to go on like that
        expected = {line: re.sub(r"(--\w+) $", r"\1=", end) for line, end in LINES.items()}
    else:
        expected = LINES
    assert got == expected


def in_fish(folder: Path, text: str, line: str) -> list[str]:
    """What fish offers for the last word of a line."""
    (folder / "script.fish").write_text(text)
    home = folder / ".home"  # where it makes files of its own
    home.mkdir()
    done = subprocess.run(
        ["fish", "-c", "source script.fish; complete -C $argv[1]", line],
        env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [offer.partition("\t")[0] for offer in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("mongodriver ing", ["ingest"]),
        ("mongodriver --v", ["--version"]),
        ("mongodriver ingest --mode up", ["upsert"]),
        ("mongodriver ingest --mode=up", ["--mode=upsert"]),
        ("mongodriver ingest --replay a", ["a file.ndjson"]),
        ("mongodriver ingest a", ["a file.ndjson"]),
        ("mongodriver ingest --db a", []),
        ("mongodriver doctor a", []),
        ("mongodriver local --path f", ["folder/"]),
        ("mongodriver local --path a", []),
        ("mongodriver run f", ["folder/"]),
        ("mongodriver completion ", ["bash", "fish", "zsh"]),
    ],
)
def test_fish(folder, capsys, line, offers):
    needs("fish")
    assert sorted(in_fish(folder, script("fish", capsys), line)) == offers


def test_fish_knows_commands_that_a_server_is_for(folder, capsys):
    needs("fish")
    assert "sh" in in_fish(folder, script("fish", capsys), "mongodriver local -- s")


def in_bash(text: str, words: list[str]) -> list[str]:
    """What the function offers for the last word."""
    ask = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mongodriver; echo "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{text}\n{ask}", "bash", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_known(name, capsys):
    needs("bash")
    text = script("bash", capsys)
    assert name in in_bash(text, ["mongodriver", ""])
    options = {name for option in words_of(name, COMMANDS[name]).options for name in option.names}
    assert set(in_bash(text, ["mongodriver", name, "-"])) - {"-h"} == options - {"-h"}
    parser = COMMANDS[name].make_parser()
    if parser is not None:
        help_ = parser.format_help()
        assert all(option in help_ for option in options)


def test_choices_are_those_of_the_parser(capsys):
    needs("bash")
    text = script("bash", capsys)
    count = 0
    for name, command in COMMANDS.items():
        parser = command.make_parser()
        for action in parser._actions if parser else ():
            if action.choices:
                before = action.option_strings[-1:]
                offered = in_bash(text, ["mongodriver", name, *before, ""])
                assert offered == list(action.choices)
                count += 1
    assert count >= 8


def test_commands_that_a_server_is_for(capsys):
    needs("bash")
    text = script("bash", capsys)
    assert "bash" in in_bash(text, ["mongodriver", "local", "--", "bas"])
    assert in_bash(text, ["mongodriver", "local", "--", "bash", "--po"]) == []


def test_wrong_shells(capsys):
    for arguments in ([], ["tcsh"], ["bash", "zsh"]):
        with pytest.raises(SystemExit) as ended:
            main(["completion", *arguments])
        assert ended.value.code == 2
    assert "usage: mongodriver completion" in capsys.readouterr().err


def test_it_is_whole_when_it_comes_from_a_process():
    command = [sys.executable, "-m", "mongodriver", "completion", "bash"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.endswith("complete -o bashdefault -o default -F _mongodriver mongodriver\n")
