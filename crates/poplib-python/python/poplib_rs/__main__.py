"""``python -m poplib_rs HOST USER PASSWORD`` prints a mailbox, as poplib does."""

import sys

from . import POP3


def main(host: str, user: str, password: str) -> None:
    client = POP3(host)
    print(client.getwelcome())
    client.user(user)
    client.pass_(password)
    client.list()
    messages, _ = client.stat()
    for number in range(1, messages + 1):
        _, lines, _ = client.retr(number)
        print("Message %d:" % number)
        for line in lines:
            print("   " + printable(line))
        print("-----------------------")
    client.quit()


def printable(line: bytes) -> str:
    """Mail must not steer the terminal."""
    text = line.decode("utf-8", "backslashreplace")
    return "".join(
        c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in text
    )


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python -m poplib_rs HOST USER PASSWORD")
    main(*sys.argv[1:])
